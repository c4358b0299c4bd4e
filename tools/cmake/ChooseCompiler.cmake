# SPDX-License-Identifier: Apache-2.0
#
# Included before project(). Takes clang 19 (or a newer clang) when it is installed, unless CXX or
# CMAKE_CXX_COMPILER says otherwise: Debian 12's own g++ 12 cannot be used, see FarholdOptions.cmake.

if(NOT CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX} AND NOT CMAKE_TOOLCHAIN_FILE)
    find_program(FARHOLD_CLANG NAMES clang++-19 clang++-20 clang++-21 DOC "Preferred compiler")
    if(FARHOLD_CLANG)
        set(CMAKE_CXX_COMPILER ${FARHOLD_CLANG})
    endif()
endif()

if(NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    find_program(FARHOLD_CCACHE ccache DOC "Compiler cache")
    if(FARHOLD_CCACHE)
        set(CMAKE_CXX_COMPILER_LAUNCHER ${FARHOLD_CCACHE} CACHE STRING "Compiler launcher")
    endif()
endif()
