# SPDX-License-Identifier: MIT
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/poolproof-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/checker_add_test.cmake OPTIONAL)

# The components are the targets.
foreach(component IN LISTS poolproof_FIND_COMPONENTS)
  if(TARGET poolproof::${component})
    set(poolproof_${component}_FOUND TRUE)
  elseif(poolproof_FIND_REQUIRED_${component})
    set(poolproof_FOUND FALSE)
    set(poolproof_NOT_FOUND_MESSAGE "poolproof has no component '${component}' here")
  endif()
endforeach()
