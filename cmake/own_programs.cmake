# SPDX-License-Identifier: MIT
# How our own programs are compiled. Nothing of this reaches those who use the library.

set(poolproof_warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# With a sanitizer's calls in between, g++ takes a std::optional's content for uninitialised at
# times.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
  list(APPEND poolproof_warnings -Wno-maybe-uninitialized)
endif()

# Undefining what the preprocessor knows of Linux makes sync.hpp take its portable branches.
set(poolproof_fallback_flags -U__linux__ -U__gnu_linux__)

add_library(poolproof_own INTERFACE)
target_compile_options(poolproof_own INTERFACE ${poolproof_warnings})
if(POOLPROOF_FORCE_FALLBACK)
  target_compile_options(poolproof_own INTERFACE ${poolproof_fallback_flags})
endif()
target_link_libraries(poolproof_own INTERFACE poolproof::poolproof)

# The command lines of the programs that search, and what they print for other programs.
if(POOLPROOF_BUILD_MODELS OR POOLPROOF_BUILD_CHECKER)
  find_package(CLI11 QUIET)
  find_package(nlohmann_json QUIET)
  if(NOT TARGET CLI11::CLI11 OR NOT TARGET nlohmann_json::nlohmann_json)
    message(FATAL_ERROR
            "The models, the proofs and the checker's tool need CLI11 and nlohmann's JSON (Debian: "
            "libcli11-dev and nlohmann-json3-dev; make setup). Without them: -D POOLPROOF_BUILD_MODELS=OFF -D POOLPROOF_BUILD_CHECKER=OFF")
  endif()
endif()
