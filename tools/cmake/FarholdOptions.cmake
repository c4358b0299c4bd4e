# SPDX-License-Identifier: Apache-2.0
#
# Language, warnings, sanitizers and hardening: the interface target farhold_options, which every
# target of ours links.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    message(FATAL_ERROR "Farhold needs clang 19 or GCC 13; this is "
        "GCC ${CMAKE_CXX_COMPILER_VERSION}, which miscompiles "
        "coroutines. On Debian 12: tools/install_deps build, then configure again "
        "in an empty build folder (clang++-19 is then found by itself).")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
    message(FATAL_ERROR "Farhold needs clang 19 or GCC 13; this is "
        "clang ${CMAKE_CXX_COMPILER_VERSION}, which has no std::expected "
        "with libstdc++. Run tools/install_deps build, or set CXX.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

add_library(farhold_options INTERFACE)
target_compile_features(farhold_options INTERFACE cxx_std_23)
target_compile_definitions(farhold_options INTERFACE
    BOOST_ASIO_NO_DEPRECATED FARHOLD_VERSION="${PROJECT_VERSION}")
# Binaries and messages name files as they stand in the repository, wherever it was built.
target_compile_options(farhold_options INTERFACE
    -ffile-prefix-map=${CMAKE_BINARY_DIR}/include/=include/ -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)

# Warnings apply to our own code only: generated code and other people's headers are SYSTEM.
add_library(farhold_warnings INTERFACE)
target_compile_options(farhold_warnings INTERFACE
    -Werror -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wformat=2 -Wimplicit-fallthrough
    -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Designated initializers leave out members that have defaults.
    target_compile_options(farhold_warnings INTERFACE
        -Wthread-safety -Wno-missing-designated-field-initializers)
else()
    # GCC's flow analysis gives false alarms in coroutine frames.
    target_compile_options(farhold_warnings INTERFACE
        -Wno-missing-field-initializers -Wno-error=maybe-uninitialized -Wno-error=restrict
        -Wno-error=dangling-reference)
endif()

find_program(FARHOLD_LLD NAMES ld.lld-19 ld.lld-20 ld.lld)
if(FARHOLD_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_link_options(farhold_options INTERFACE --ld-path=${FARHOLD_LLD})
endif()
target_link_options(farhold_options INTERFACE -Wl,--as-needed)

if(FARHOLD_SANITIZE)
    target_compile_options(farhold_options INTERFACE
        -fsanitize=${FARHOLD_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(farhold_options INTERFACE -fsanitize=${FARHOLD_SANITIZE})
    if(FARHOLD_SANITIZE MATCHES "undefined")
        # Libraries of the distribution are built without the type information this check wants.
        target_compile_options(farhold_options INTERFACE -fno-sanitize=vptr)
    endif()
    if(FARHOLD_FUZZ)
        target_compile_options(farhold_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
endif()

if(FARHOLD_HARDENED)
    # After the OpenSSF compiler hardening guide; a failed check aborts instead of going on.
    target_compile_options(farhold_options INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS
        -fstack-protector-strong -ftrivial-auto-var-init=zero -fstrict-flex-arrays=3
        -fno-delete-null-pointer-checks -fno-strict-overflow -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
        target_compile_options(farhold_options INTERFACE -fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
        target_compile_options(farhold_options INTERFACE -mbranch-protection=standard)
    endif()
    target_link_options(farhold_options INTERFACE
        -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
endif()
