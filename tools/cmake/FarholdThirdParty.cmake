# SPDX-License-Identifier: Apache-2.0
#
# Every library of others, found once. Their names in PRIVATE_LIBS and PUBLIC_LIBS:
#   Boost::headers Boost::url fmt::fmt OpenSSL::SSL OpenSSL::Crypto SQLite::SQLite3 ZLIB::ZLIB
#   Threads::Threads protobuf::libprotobuf-lite
#   farhold::yaml_cpp farhold::nghttp2 farhold::zstd farhold::paho farhold::rapidjson farhold::cli11

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS url)
find_package(OpenSSL 3.0 REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(fmt REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)

add_library(farhold_yaml_cpp INTERFACE)
if(CMAKE_CROSSCOMPILING)
    # Debian's development package exists once a machine: its headers, and the foreign library.
    find_library(FARHOLD_YAML_CPP NAMES libyaml-cpp.so libyaml-cpp.so.0.7 libyaml-cpp.so.0.8 REQUIRED)
    target_link_libraries(farhold_yaml_cpp INTERFACE ${FARHOLD_YAML_CPP})
else()
    find_package(yaml-cpp REQUIRED)
    target_link_libraries(farhold_yaml_cpp INTERFACE
        $<IF:$<TARGET_EXISTS:yaml-cpp::yaml-cpp>,yaml-cpp::yaml-cpp,yaml-cpp>)
endif()
add_library(farhold::yaml_cpp ALIAS farhold_yaml_cpp)

add_library(farhold::nghttp2 ALIAS PkgConfig::nghttp2)
add_library(farhold::zstd ALIAS PkgConfig::zstd)

find_path(FARHOLD_PAHO_INCLUDE MQTTAsync.h REQUIRED)
find_library(FARHOLD_PAHO_C paho-mqtt3as REQUIRED)
add_library(farhold_paho INTERFACE)
target_link_libraries(farhold_paho INTERFACE ${FARHOLD_PAHO_C} Threads::Threads)
add_library(farhold::paho ALIAS farhold_paho)

# Header-only, in the system's include folder; the targets say who uses them.
find_path(FARHOLD_RAPIDJSON_INCLUDE rapidjson/document.h REQUIRED)
add_library(farhold_rapidjson INTERFACE)
add_library(farhold::rapidjson ALIAS farhold_rapidjson)
find_path(FARHOLD_CLI11_INCLUDE CLI/CLI.hpp REQUIRED)
add_library(farhold_cli11 INTERFACE)
add_library(farhold::cli11 ALIAS farhold_cli11)
