// SPDX-License-Identifier: Apache-2.0
#include "common/datadir/data_dir.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace farhold;
using namespace farhold::datadir;

TEST_CASE("datadir: a folder on a full disk is held all the same", "[datadir]") {
    const test::TempDir temp;
    const std::string full = temp.file("full");
    std::filesystem::create_directory(full);
    if (::mount("tmpfs", full.c_str(), "tmpfs", 0, "size=4k") != 0) {
        test::skip_tests("a small file system needs root");
    }
    {
        std::ofstream fill(full + "/fill");
        fill << std::string(8192, 'x');
        fill.flush();
        const DataDir dir = DataDir::open(full).value();
        CHECK(dir.trouble().contains("No space"));
        CHECK(DataDir::open(full).error().code() == ErrorCode::already_exists);
    }
    ::umount(full.c_str());
}
