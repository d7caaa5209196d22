# SPDX-License-Identifier: MIT
# Which of our own programs are built. By default none where another project adds this directory;
# else those for which everything is here, and of the tests none with BUILD_TESTING=OFF. Whoever
# asks for a part by -D, as the presets do, gets it, or is told what it needs.

# What is missing of the names, each with the variable that says whether it is there.
function(missing result)
  set(names)
  while(ARGN)
    list(POP_FRONT ARGN name found)
    if(NOT ${found})
      list(APPEND names ${name})
    endif()
  endwhile()
  set(${result} "${names}" PARENT_SCOPE)
endfunction()

# part(<NAME> <what it is> [TEST] NEEDS [<package> <variable>]...)
function(part name what)
  cmake_parse_arguments(PARSE_ARGV 2 part "TEST" "" "NEEDS")
  set(default ${PROJECT_IS_TOP_LEVEL})
  if(part_TEST AND DEFINED BUILD_TESTING AND NOT BUILD_TESTING)
    set(default OFF)
  endif()
  if(default AND NOT DEFINED POOLPROOF_BUILD_${name})
    missing(lacks ${part_NEEDS})
    if(lacks)
      list(JOIN lacks ", " lacks)
      message(STATUS "poolproof: left out: ${what}, for want of ${lacks} (make setup-all). "
                     "To ask for it: -D POOLPROOF_BUILD_${name}=ON")
      set(default OFF)
    endif()
  endif()
  option(POOLPROOF_BUILD_${name} "Build ${what}" ${default})
endfunction()

if(PROJECT_IS_TOP_LEVEL)
  find_package(Catch2 QUIET)
  find_package(CLI11 QUIET)
  find_package(nlohmann_json QUIET)
  find_package(benchmark QUIET)
  find_package(ZLIB QUIET)
  find_program(python3_command python3)
  find_path(RELACY_INCLUDE_DIR relacy/context.hpp)
  find_library(zstd_library zstd)
endif()
part(TESTS "the unit tests" TEST NEEDS Catch2 Catch2_FOUND python3 python3_command)
part(CHECKER "the checker's tool and tests" TEST NEEDS Catch2 Catch2_FOUND CLI11 CLI11_FOUND
     "JSON for Modern C++" nlohmann_json_FOUND python3 python3_command)
part(MODELS "the models and proofs" TEST NEEDS Relacy RELACY_INCLUDE_DIR CLI11 CLI11_FOUND
     "JSON for Modern C++" nlohmann_json_FOUND python3 python3_command)
part(STRESS "the stress tests" TEST)
part(BENCH "the benchmarks" NEEDS "Google Benchmark" benchmark_FOUND zlib ZLIB_FOUND zstd zstd_library)
part(EXAMPLES "the examples")

# Examples are tests as well, if there are to be any.
set(POOLPROOF_TESTED ON)
if(DEFINED BUILD_TESTING AND NOT BUILD_TESTING AND NOT POOLPROOF_BUILD_TESTS AND NOT POOLPROOF_BUILD_CHECKER
   AND NOT POOLPROOF_BUILD_MODELS AND NOT POOLPROOF_BUILD_STRESS)
  set(POOLPROOF_TESTED OFF)
endif()
