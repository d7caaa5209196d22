# SPDX-License-Identifier: MIT
# `cmake --install`: the headers, the checker's library, and what find_package(poolproof) reads.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/poolproof)

# While the major version is 0, a new minor version may break its users. Headers alone are for
# machines of every kind: for such of 32 bits, too, if one of 64 has installed them.
set(for_any_machine)
if(POOLPROOF_HEADERS_ONLY OR NOT PROJECT_IS_TOP_LEVEL)
  set(for_any_machine ARCH_INDEPENDENT)
endif()
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/poolproof-config-version.cmake
  COMPATIBILITY SameMinorVersion ${for_any_machine})

install(TARGETS poolproof EXPORT poolproof)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/impl/include/poolproof
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT poolproof NAMESPACE poolproof:: FILE poolproof-targets.cmake
        DESTINATION ${package_dir})
install(FILES ${PROJECT_SOURCE_DIR}/cmake/poolproof-config.cmake
              ${PROJECT_BINARY_DIR}/poolproof-config-version.cmake DESTINATION ${package_dir})

# For those who do not use CMake. The prefix is where the file lies: it may be chosen when it is
# installed. Some packagers' folders are absolute, and not below it.
set(pc_includedir "\${prefix}")
cmake_path(APPEND pc_includedir ${CMAKE_INSTALL_INCLUDEDIR})
set(pc_libdir "\${prefix}")
cmake_path(APPEND pc_libdir ${CMAKE_INSTALL_LIBDIR})
file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/poolproof.pc.in ${PROJECT_BINARY_DIR}/poolproof.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/poolproof.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
