// SPDX-License-Identifier: Apache-2.0
//
// main() of every test executable: Catch2's own session, and exit code 77 when a test called
// skip_tests() (skip.hpp).
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

int main(int argc, char** argv) {
    return Catch::Session().run(argc, argv);
}
