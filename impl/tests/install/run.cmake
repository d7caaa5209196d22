# Builds and runs the consumer in a new directory outside the tree.
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

file(COPY ${source}/impl/tests/install/ DESTINATION ${place}/consumer)
set(options -D way=${way} -D CMAKE_CXX_COMPILER=${compiler})
if(way STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${build} --prefix ${place}/prefix)
  list(APPEND options -D CMAKE_PREFIX_PATH=${place}/prefix -D wanted_version=${version})
else()
  list(APPEND options -D poolproof_source=${source})
endif()
run(${CMAKE_COMMAND} -S ${place}/consumer -B ${place}/build -G ${generator} ${options})
run(${CMAKE_COMMAND} --build ${place}/build)
run(${place}/build/checks)
run(${place}/build/consumer)

file(REMOVE_RECURSE ${place})
if(NOT output STREQUAL "${version} kept\n")
  message(FATAL_ERROR "the consumer printed '${output}', not version ${version}")
endif()
