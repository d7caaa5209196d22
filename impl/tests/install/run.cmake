# SPDX-License-Identifier: MIT
# Builds, runs and installs the consumer in a new directory outside the tree. With the way `top`: configures
# our own tree as a packager does, without what only some parts need.
# The way `meson` needs Meson, and nothing of CMake's.
#   cmake -D way=.. -D source=.. -D build=.. -D generator=.. -D compiler=.. -D version=.. -P run.cmake

set(temporary /tmp)
if(DEFINED ENV{TMPDIR})
  set(temporary $ENV{TMPDIR})
endif()
string(RANDOM LENGTH 12 suffix)
set(place ${temporary}/poolproof-${suffix})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  message(STATUS "${output}")
  set(output "${output}" PARENT_SCOPE)
  if(NOT result EQUAL 0)
    file(REMOVE_RECURSE ${place})
    message(FATAL_ERROR "failed (${result}): ${ARGV}")
  endif()
endfunction()

if(way STREQUAL "top")
  set(command ${CMAKE_COMMAND} -S ${source} -G ${generator} -D CMAKE_CXX_COMPILER=${compiler})
  run(${command} -B ${place}/bare -D CMAKE_IGNORE_PATH=/usr/include
      -D CMAKE_DISABLE_FIND_PACKAGE_Catch2=ON -D CMAKE_DISABLE_FIND_PACKAGE_benchmark=ON)
  foreach(part IN ITEMS "the unit tests, for want of Catch2" "the models and proofs, for want of Relacy"
                        "the benchmarks, for want of Google Benchmark" "the example zstd_compress")
    if(NOT output MATCHES "left out: ${part}")
      message(FATAL_ERROR "it was not said that this is left out: ${part}")
    endif()
  endforeach()
  run(${command} -B ${place}/untested -D BUILD_TESTING=OFF)
  run(${CMAKE_CTEST_COMMAND} --test-dir ${place}/untested --show-only)
  file(REMOVE_RECURSE ${place})
  if(NOT output MATCHES "Total Tests: 0")
    message(FATAL_ERROR "BUILD_TESTING=OFF leaves tests: ${output}")
  endif()
  return()
endif()

file(COPY ${source}/impl/tests/install/ DESTINATION ${place}/consumer)

# As a subproject of those who use Meson.
if(way STREQUAL "meson")
  file(MAKE_DIRECTORY ${place}/consumer/subprojects)
  file(CREATE_LINK ${source} ${place}/consumer/subprojects/poolproof SYMBOLIC)
  set(ENV{CXX} ${compiler})
  run(meson setup ${place}/build ${place}/consumer)
  run(meson compile -C ${place}/build)
  run(${place}/build/consumer)
  file(REMOVE_RECURSE ${place})
  if(NOT output STREQUAL "${version} kept\n")
    message(FATAL_ERROR "the consumer printed '${output}', not version ${version}")
  endif()
  return()
endif()
set(options -D way=${way} -D CMAKE_CXX_COMPILER=${compiler})
if(way STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${place}/prefix)
  list(APPEND options -D CMAKE_PREFIX_PATH=${place}/prefix -D wanted_version=${version})
else()
  list(APPEND options -D poolproof_source=${source})
endif()
run(${CMAKE_COMMAND} -S ${place}/consumer -B ${place}/build -G ${generator} ${options})
run(${CMAKE_COMMAND} --build ${place}/build)
run(${CMAKE_COMMAND} --install ${place}/build --prefix ${place}/installed)
run(${place}/build/checks)
run(${place}/build/consumer)

# The same user without CMake.
find_program(pkg_config NAMES pkg-config pkgconf)
if(way STREQUAL "find_package" AND pkg_config)
  file(GLOB folders ${place}/prefix/lib/pkgconfig ${place}/prefix/lib/*/pkgconfig)
  set(ENV{PKG_CONFIG_PATH} ${folders})
  run(${pkg_config} --modversion poolproof)
  if(NOT output STREQUAL "${version}\n")
    message(FATAL_ERROR "pkg-config says that poolproof has the version '${output}', not ${version}")
  endif()
  execute_process(COMMAND ${pkg_config} --cflags --libs poolproof OUTPUT_VARIABLE flags
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags)
  run(${compiler} -std=c++20 ${place}/consumer/main.cpp ${flags} -o ${place}/by_pkg_config)
  run(${place}/by_pkg_config)
endif()

file(REMOVE_RECURSE ${place})
if(NOT output STREQUAL "${version} kept\n")
  message(FATAL_ERROR "the consumer printed '${output}', not version ${version}")
endif()
