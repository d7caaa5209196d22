# SPDX-License-Identifier: MIT
# Each header compiles alone, and included twice, under every compiler of this machine.
find_program(POOLPROOF_GXX g++)
find_program(POOLPROOF_CLANGXX clang++)
set(compilers ${POOLPROOF_GXX} ${POOLPROOF_CLANGXX})
list(FILTER compilers EXCLUDE REGEX NOTFOUND)

set(flags -std=c++20 ${poolproof_warnings} -fsyntax-only -I ${PROJECT_SOURCE_DIR}/impl/include)
if(POOLPROOF_FORCE_FALLBACK)
  list(APPEND flags ${poolproof_fallback_flags})
endif()

# must_compile(<what> <text>): a test for each compiler, that a source of this text compiles.
function(must_compile what text)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/self_contained/${what}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}")
  foreach(compiler IN LISTS compilers)
    get_filename_component(compiler_name ${compiler} NAME)
    set(name self_contained.${what}.${compiler_name})
    add_test(NAME ${name} COMMAND ${compiler} ${flags} ${source})
    set_tests_properties(${name} PROPERTIES LABELS source TIMEOUT 600)
  endforeach()
endfunction()

file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/impl/include
     ${PROJECT_SOURCE_DIR}/impl/include/poolproof/*.hpp)
foreach(header IN LISTS headers)
  get_filename_component(stem ${header} NAME_WE)
  must_compile(${stem} "#include <${header}>\n#include <${header}>\n")
endforeach()

# And all of them after what other headers may leave behind: the macros of windows.h, Qt, X11, and
# of a compiler's GNU modes; a C library that has no macros of glibc's. The standard library is
# included before, for it is not ours to mend.
set(standard_includes)
set(our_includes)
foreach(header IN LISTS headers)
  file(STRINGS ${PROJECT_SOURCE_DIR}/impl/include/${header} included REGEX "^#include <")
  list(APPEND standard_includes ${included})
  string(APPEND our_includes "#include <${header}>\n")
endforeach()
list(REMOVE_DUPLICATES standard_includes)
list(FILTER standard_includes EXCLUDE REGEX "<poolproof/")
list(TRANSFORM standard_includes REPLACE "#include (.*)" "#if __has_include(\\1)\n#include \\1\n#endif\n")
list(JOIN standard_includes "" standard_includes)

set(left_behind_macros "#define min(a, b) ((a) < (b) ? (a) : (b))\n#define max(a, b) ((a) > (b) ? (a) : (b))\n")
foreach(macro IN ITEMS near far small IN OUT interface slots signals emit foreach forever None Bool Status Success Always
                       True False check verify require unix linux major minor ERROR I)
  string(APPEND left_behind_macros "#undef ${macro}\n#define ${macro}\n")
endforeach()
set(left_behind_no_glibc "#undef __GLIBC__\n#undef __GLIBC_MINOR__\n#undef __GLIBC_PREREQ\n")
foreach(what IN ITEMS macros no_glibc)
  must_compile(${what} "${standard_includes}${left_behind_${what}}${our_includes}")
endforeach()
