# Each header compiles alone, and included twice, under every compiler of this machine.
find_program(POOLPROOF_GXX g++)
find_program(POOLPROOF_CLANGXX clang++)
set(compilers ${POOLPROOF_GXX} ${POOLPROOF_CLANGXX})
list(FILTER compilers EXCLUDE REGEX NOTFOUND)

set(flags -std=c++20 ${poolproof_warnings} -fsyntax-only -I ${PROJECT_SOURCE_DIR}/impl/include)
if(POOLPROOF_FORCE_FALLBACK)
  list(APPEND flags ${poolproof_fallback_flags})
endif()

file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/impl/include
     ${PROJECT_SOURCE_DIR}/impl/include/poolproof/*.hpp)
foreach(header IN LISTS headers)
  get_filename_component(stem ${header} NAME_WE)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/self_contained/${stem}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n#include <${header}>\n")
  foreach(compiler IN LISTS compilers)
    get_filename_component(compiler_name ${compiler} NAME)
    set(name self_contained.${stem}.${compiler_name})
    add_test(NAME ${name} COMMAND ${compiler} ${flags} ${source})
    set_tests_properties(${name} PROPERTIES LABELS source TIMEOUT 600)
  endforeach()
endforeach()
