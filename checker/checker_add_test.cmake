# SPDX-License-Identifier: MIT
# checker_add_test(name sources... [OPTIONS options...] [LIBRARIES targets...]): a test that is a
# program of its own, which explores all of its executions. OPTIONS are the program's arguments:
# those of the checker begin with --check-. Where the checker has no runtime, there is no test.
function(checker_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 checked "" "" "OPTIONS;LIBRARIES")
  if(NOT TARGET poolproof::check)
    return()
  endif()
  add_executable(${name} ${checked_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_link_libraries(${name} PRIVATE poolproof::check ${checked_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name} ${checked_OPTIONS})
endfunction()
