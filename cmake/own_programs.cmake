# How our own programs are compiled. Nothing of this reaches those who use the library.

set(poolproof_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

# Undefining what the preprocessor knows of Linux makes sync.hpp take its portable branches.
set(poolproof_fallback_flags -U__linux__ -U__gnu_linux__)

add_library(poolproof_own INTERFACE)
target_compile_options(poolproof_own INTERFACE ${poolproof_warnings})
if(POOLPROOF_FORCE_FALLBACK)
  target_compile_options(poolproof_own INTERFACE ${poolproof_fallback_flags})
endif()
target_link_libraries(poolproof_own INTERFACE poolproof::poolproof)
