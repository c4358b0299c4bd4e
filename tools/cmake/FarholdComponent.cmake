# SPDX-License-Identifier: Apache-2.0
#
# The words of our CMakeLists.txt files:
#   farhold_component  a folder under common/, cloudcore/ or edgecore/ as one library
#   farhold_proto      a folder under proto/, compiled for the lite runtime
#   farhold_program    an executable in bin/
#   farhold_test       a Catch2 test executable
#   farhold_script_test  a test that is a script
#   farhold_fuzz       a fuzz target; without libFuzzer it replays its corpus as a unit test
#   farhold_add_folders  add_subdirectory for each folder that has a CMakeLists.txt
#
# How a wrong arrow fails to build: each component has an include root of its own, a folder in the
# build tree that holds nothing but a symlink to the component. Whoever links the component sees
# that root; there is no include path to the repository itself.

include_guard(GLOBAL)

set(FARHOLD_INCLUDE_ROOT ${CMAKE_BINARY_DIR}/include)

# common/net -> farhold_common_net
function(farhold_target_name path result)
    string(REPLACE "/" "_" name ${path})
    set(${result} farhold_${name} PARENT_SCOPE)
endfunction()

function(farhold_add_folders)
    foreach(pattern ${ARGN})
        file(GLOB lists CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
            ${CMAKE_CURRENT_SOURCE_DIR}/${pattern}/CMakeLists.txt)
        foreach(list ${lists})
            get_filename_component(folder ${list} DIRECTORY)
            add_subdirectory(${folder})
        endforeach()
    endforeach()
endfunction()

# Refuses an arrow that points upward: proto -> common -> {cloudcore, edgecore} -> {tests, tools}.
function(farhold_check_arrows from)
    string(REGEX REPLACE "/.*" "" layer ${from})
    set(allowed_proto "^proto/")
    set(allowed_common "^(proto|common)/")
    set(allowed_cloudcore "^(proto|common|cloudcore)/")
    set(allowed_edgecore "^(proto|common|edgecore)/")
    set(allowed_tests "^(proto|common|cloudcore|edgecore|tests)/")
    set(allowed_tools "^(proto|common|cloudcore|edgecore|tests|tools)/")
    if(NOT DEFINED allowed_${layer})
        message(FATAL_ERROR "${from} is in no known layer")
    endif()
    foreach(used ${ARGN})
        if(NOT used MATCHES "${allowed_${layer}}")
            message(SEND_ERROR "${from} may not use ${used}: "
                "proto -> common -> {cloudcore, edgecore} -> {tests, tools}")
        endif()
    endforeach()
endfunction()

# Links USES to the target. With FARHOLD_PARTIAL a component that is not there yet is passed over
# here, and whoever includes it fails to compile; otherwise CMake refuses the unknown name.
function(farhold_link_uses target scope)
    foreach(used ${ARGN})
        farhold_target_name(${used} name)
        if(NOT FARHOLD_PARTIAL)
            target_link_libraries(${target} ${scope} farhold::${name})
        elseif(EXISTS ${CMAKE_SOURCE_DIR}/${used}/CMakeLists.txt)
            target_link_libraries(${target} ${scope} ${name})
        else()
            message(WARNING "${target} uses ${used}, which is not there yet")
        endif()
    endforeach()
endfunction()

# Sets result to TRUE when a source is missing and that is to be passed over.
function(farhold_unfinished what result)
    set(${result} FALSE PARENT_SCOPE)
    if(FARHOLD_PARTIAL)
        foreach(source ${ARGN})
            if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${source})
                message(WARNING "left out ${what}: ${source} is not there yet")
                set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                    ${CMAKE_CURRENT_SOURCE_DIR})
                set(${result} TRUE PARENT_SCOPE)
            endif()
        endforeach()
    endif()
endfunction()

function(farhold_make_include_root target path)
    get_filename_component(parent ${path} DIRECTORY)
    file(MAKE_DIRECTORY ${FARHOLD_INCLUDE_ROOT}/${target}/${parent})
    file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${path} ${FARHOLD_INCLUDE_ROOT}/${target}/${path} SYMBOLIC)
endfunction()

function(farhold_component path)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;PUBLIC_LIBS;PRIVATE_LIBS" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${path}: unknown arguments ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT CMAKE_CURRENT_SOURCE_DIR STREQUAL "${CMAKE_SOURCE_DIR}/${path}")
        message(FATAL_ERROR "${path} is declared in ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    farhold_check_arrows(${path} ${arg_USES})
    farhold_target_name(${path} target)
    farhold_unfinished(${path} unfinished ${arg_SOURCES})
    if(unfinished)
        set(arg_SOURCES "")
    endif()

    if(arg_SOURCES)
        add_library(${target} STATIC ${arg_SOURCES})
        set(scope PUBLIC)
        target_link_libraries(${target} PRIVATE farhold_warnings ${arg_PRIVATE_LIBS})
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
        target_link_libraries(${target} INTERFACE ${arg_PRIVATE_LIBS})
    endif()
    string(REPLACE "farhold_" "farhold::" alias ${target})
    add_library(${alias} ALIAS ${target})
    add_library(farhold::${target} ALIAS ${target})
    farhold_make_include_root(${target} ${path})
    target_include_directories(${target} ${scope} ${FARHOLD_INCLUDE_ROOT}/${target})
    target_link_libraries(${target} ${scope} farhold_options ${arg_PUBLIC_LIBS})
    farhold_link_uses(${target} ${scope} ${arg_USES})
    set_property(GLOBAL APPEND PROPERTY FARHOLD_COMPONENTS ${path})
endfunction()

function(farhold_proto path)
    cmake_parse_arguments(arg "" "" "SOURCES;USES" ${ARGN})
    if(NOT CMAKE_CURRENT_SOURCE_DIR STREQUAL "${CMAKE_SOURCE_DIR}/${path}")
        message(FATAL_ERROR "${path} is declared in ${CMAKE_CURRENT_SOURCE_DIR}")
    endif()
    farhold_check_arrows(${path} ${arg_USES})
    farhold_target_name(${path} target)
    farhold_unfinished(${path} unfinished ${arg_SOURCES})
    if(unfinished)
        return()
    endif()
    set(root ${FARHOLD_INCLUDE_ROOT}/${target})
    file(MAKE_DIRECTORY ${root})
    set(generated "")
    foreach(source ${arg_SOURCES})
        string(REGEX REPLACE "\\.proto$" "" stem ${path}/${source})
        add_custom_command(
            OUTPUT ${root}/${stem}.pb.cc ${root}/${stem}.pb.h
            COMMAND protobuf::protoc --cpp_out=lite:${root} -I ${CMAKE_SOURCE_DIR} ${stem}.proto
            DEPENDS ${CMAKE_SOURCE_DIR}/${stem}.proto
            WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
            COMMENT "Generating ${stem}.pb.h"
            VERBATIM)
        list(APPEND generated ${root}/${stem}.pb.cc ${root}/${stem}.pb.h)
    endforeach()
    add_library(${target} STATIC ${generated})
    string(REPLACE "farhold_" "farhold::" alias ${target})
    add_library(${alias} ALIAS ${target})
    add_library(farhold::${target} ALIAS ${target})
    target_compile_options(${target} PRIVATE -w)
    target_include_directories(${target} SYSTEM PUBLIC ${root})
    target_link_libraries(${target} PUBLIC farhold_options protobuf::libprotobuf-lite)
    farhold_link_uses(${target} PUBLIC ${arg_USES})
endfunction()

function(farhold_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;USES;PRIVATE_LIBS" ${ARGN})
    farhold_unfinished(${name} unfinished ${arg_SOURCES})
    if(unfinished)
        return()
    endif()
    file(RELATIVE_PATH path ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    farhold_check_arrows(${path} ${arg_USES})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE farhold_options farhold_warnings ${arg_PRIVATE_LIBS})
    farhold_link_uses(${name} PRIVATE ${arg_USES})
endfunction()

# What a suite runs is built by `ninja farhold_suite_LABEL`.
function(farhold_join_suite target)
    foreach(label ${ARGN})
        if(NOT TARGET farhold_suite_${label})
            add_custom_target(farhold_suite_${label})
        endif()
        add_dependencies(farhold_suite_${label} ${target})
    endforeach()
endfunction()

# What every test of ours gets from ctest: where to find the programs, sanitizer settings, and that
# exit code 77 means "skipped".
function(farhold_test_properties name)
    cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "LABELS" ${ARGN})
    if(NOT arg_LABELS)
        message(FATAL_ERROR "test ${name} has no LABELS")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    if(FARHOLD_SANITIZE)
        math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 4")
    endif()
    # With every place and the long waits of `tools/test --all` a fault takes hours, not minutes.
    if(FARHOLD_ALL_FAULTS AND "faults" IN_LIST arg_LABELS)
        math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 40")
    endif()
    set(environment
        "FARHOLD_SOURCE_DIR=${CMAKE_SOURCE_DIR}"
        "FARHOLD_BIN_DIR=${CMAKE_BINARY_DIR}/bin"
        "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
        "UBSAN_OPTIONS=print_stacktrace=1"
        "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1")
    find_program(FARHOLD_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer-20 llvm-symbolizer)
    if(FARHOLD_SYMBOLIZER)
        list(APPEND environment "LLVM_SYMBOLIZER_PATH=${FARHOLD_SYMBOLIZER}")
    endif()
    set_tests_properties(${name} PROPERTIES
        LABELS "${arg_LABELS}"
        TIMEOUT ${arg_TIMEOUT}
        SKIP_RETURN_CODE 77
        RUN_SERIAL ${arg_SERIAL}
        ENVIRONMENT "${environment}")
endfunction()

function(farhold_test name)
    cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "SOURCES;USES;PRIVATE_LIBS;LABELS;ARGS" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "${name}: unknown arguments ${arg_UNPARSED_ARGUMENTS}")
    endif()
    farhold_unfinished(${name} unfinished ${arg_SOURCES})
    if(unfinished)
        return()
    endif()
    set(target ${name}_test)
    add_executable(${target} ${arg_SOURCES})
    # What is tested is optimised as in the programs; the test itself compiles in half the time without.
    # As options of the sources, since these come last on the command line.
    set_source_files_properties(${arg_SOURCES} PROPERTIES
        COMPILE_OPTIONS "-O0;-U_FORTIFY_SOURCE")
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/tests)
    target_link_libraries(${target} PRIVATE
        farhold_test_main farhold_options farhold_warnings ${arg_PRIVATE_LIBS})
    farhold_check_arrows(tests/x ${arg_USES})
    farhold_link_uses(${target} PRIVATE ${arg_USES})
    add_test(NAME ${name} COMMAND ${target} ${arg_ARGS} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    farhold_join_suite(${target} ${arg_LABELS})
    if(arg_SERIAL)
        set(serial SERIAL)
    endif()
    farhold_test_properties(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT} ${serial})
endfunction()

function(farhold_script_test name)
    cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
    add_test(NAME ${name} COMMAND ${arg_COMMAND} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    if(arg_SERIAL)
        set(serial SERIAL)
    endif()
    farhold_test_properties(${name} LABELS ${arg_LABELS} TIMEOUT ${arg_TIMEOUT} ${serial})
endfunction()

# The source defines LLVMFuzzerTestOneInput; CORPUS is a folder beside it with one input a file.
function(farhold_fuzz name)
    cmake_parse_arguments(arg "" "CORPUS" "SOURCES;USES;PRIVATE_LIBS" ${ARGN})
    farhold_unfinished(${name} unfinished ${arg_SOURCES})
    if(unfinished)
        return()
    endif()
    file(READ ${CMAKE_SOURCE_DIR}/tests/fuzz/README.md list)
    if(NOT list MATCHES "`${name}`")
        message(SEND_ERROR "tests/fuzz/README.md does not say which bytes ${name} is about")
    endif()
    set(target ${name}_fuzz)
    add_executable(${target} ${arg_SOURCES})
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/fuzz)
    target_link_libraries(${target} PRIVATE
        farhold_fuzz_support farhold_options farhold_warnings ${arg_PRIVATE_LIBS})
    farhold_check_arrows(tests/x ${arg_USES})
    farhold_link_uses(${target} PRIVATE ${arg_USES})
    set(corpus "")
    if(arg_CORPUS)
        set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS})
    endif()
    if(FARHOLD_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        set(found ${CMAKE_BINARY_DIR}/corpus/${name})
        file(MAKE_DIRECTORY ${found})
        add_test(NAME fuzz_${name}
            COMMAND ${target} -max_total_time=60 -timeout=10 -rss_limit_mb=1024 ${found} ${corpus})
        farhold_test_properties(fuzz_${name} LABELS fuzz TIMEOUT 120)
        farhold_join_suite(${target} fuzz)
    else()
        target_link_libraries(${target} PRIVATE farhold_replay_main)
        add_test(NAME fuzz_corpus_${name} COMMAND ${target} ${corpus})
        # Under sanitizers it is the fuzzing itself that shows something.
        set(label unit)
        if(FARHOLD_SANITIZE)
            set(label fuzz)
        endif()
        farhold_test_properties(fuzz_corpus_${name} LABELS ${label} TIMEOUT 60)
        farhold_join_suite(${target} ${label})
    endif()
endfunction()
