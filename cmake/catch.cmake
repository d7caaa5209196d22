# SPDX-License-Identifier: MIT
# What programs of tests have in common that are written with Catch2.
find_package(Catch2 REQUIRED)  # 2.13 or 3

# add_catch_library(<name> <own>): what the tests of this folder share, compiled once. That is
# common.hpp, which they have precompiled by REUSE_FROM, and a main function: Catch2's own, if its
# package has a library with one (2.13 as it comes from its authors has none). They are compiled as
# what links <own> is. Catch2's fast assertions do not catch what an assertion throws, which so ends
# its test case; a test compiles in a fifth less time.
function(add_catch_library name own)
  add_library(${name} STATIC common.cpp)
  target_precompile_headers(${name} PRIVATE common.hpp)
  target_compile_definitions(${name} PUBLIC CATCH_CONFIG_FAST_COMPILE)
  target_link_libraries(${name} PRIVATE ${own} PUBLIC Catch2::Catch2)
  if(TARGET Catch2::Catch2WithMain)
    target_link_libraries(${name} PUBLIC Catch2::Catch2WithMain)
  else()
    target_sources(${name} PRIVATE catch_main.cpp)
    set_source_files_properties(catch_main.cpp PROPERTIES SKIP_PRECOMPILE_HEADERS ON COMPILE_OPTIONS -w)
  endif()
endfunction()
