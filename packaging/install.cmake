# `cmake --install`: the command, and the engine with the language as a library for find_package(tocsin).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/tocsin)
set(header_folder ${CMAKE_INSTALL_INCLUDEDIR}/tocsin)

add_library(tocsin_library INTERFACE)
target_link_libraries(tocsin_library INTERFACE tocsin_dsl tocsin_runtime)
set_target_properties(tocsin_library PROPERTIES EXPORT_NAME tocsin)

foreach(part base model plan match runtime dsl)
  set_target_properties(tocsin_${part} PROPERTIES EXPORT_NAME ${part})
  target_include_directories(tocsin_${part} PUBLIC $<INSTALL_INTERFACE:${header_folder}>)
  install(TARGETS tocsin_${part} EXPORT tocsin ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
endforeach()
install(TARGETS tocsin_library EXPORT tocsin)
install(DIRECTORY engine dsl DESTINATION ${header_folder} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT tocsin NAMESPACE tocsin:: FILE tocsin-targets.cmake DESTINATION ${package_folder})

configure_package_config_file(packaging/tocsin-config.cmake.in tocsin-config.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(tocsin-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tocsin-config.cmake ${PROJECT_BINARY_DIR}/tocsin-config-version.cmake
        DESTINATION ${package_folder})

install(TARGETS tocsin RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
