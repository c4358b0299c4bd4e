# SPDX-License-Identifier: Apache-2.0
#
# Cross build for arm64 on an amd64 Debian with the packages of `tools/install_deps cross`.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
find_program(FARHOLD_CROSS_CLANG NAMES clang++-19 clang++-20 REQUIRED)
set(CMAKE_CXX_COMPILER ${FARHOLD_CROSS_CLANG})
set(CMAKE_CXX_COMPILER_TARGET aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
find_program(FARHOLD_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(FARHOLD_QEMU)
    set(CMAKE_CROSSCOMPILING_EMULATOR ${FARHOLD_QEMU} -L /usr/aarch64-linux-gnu)
endif()
