// SPDX-License-Identifier: Apache-2.0
//
// A subPath of a volume whose folders, files and links a container has made as it liked: what is
// bound is something inside the volume, found by the marks that everything outside lacks, or it is
// refused. The first line is the subPath; the rest makes the tree. Needs root: it mounts, in a mount
// namespace of its own.
#include "common/base/ensure.hpp"
#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/sub_path.hpp"
#include "tests/support/fuzz_input.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

using namespace farhold;

namespace {

namespace fs = std::filesystem;

void enter_namespace() {
    static const bool entered = ::unshare(CLONE_NEWNS) == 0 &&
                                ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    if (!entered) {
        test::skip_tests("a mount namespace needs root");
    }
}

constexpr std::array kNames = {"a", "b", "c", "a/b", "a/c", "b/a", "b/c", "a/b/c"};
constexpr std::array kTargets = {
    "a",          "b", "..",      "../outside",      "../../outside",   "a/..", "/", "/etc",
    "/proc/self", ".", "b/../..", "c/../../outside", "/proc/self/root",
};

// What a container with the volume mounted could make of it.
void make_tree(const std::string& volume, test::FuzzInput& in) {
    std::error_code ignored;  // Whatever cannot be made is not there.
    for (int i = 0; i < 12 && !in.at_end(); ++i) {
        const fs::path place = fs::path(volume) / kNames.at(in.below(kNames.size()));
        // Through links that lead out nothing is made: that would be the test's own doing.
        const auto parent = fs::weakly_canonical(place.parent_path(), ignored).string();
        if (parent != volume && !parent.starts_with(volume + "/")) {
            continue;
        }
        switch (in.below(3)) {
            case 0:
                fs::create_directory(place, ignored);
                break;
            case 1:
                fs::create_symlink(kTargets.at(in.below(kTargets.size())), place, ignored);
                break;
            default:
                if (!fs::is_symlink(place, ignored) && !fs::exists(place, ignored)) {
                    (void)volumes::write_file(place.string(), "inside", 0644);
                }
        }
    }
}

struct stat stat_of(const std::string& path) {
    struct stat info{};
    ensure(::stat(path.c_str(), &info) == 0, "what is bound is there");
    return info;
}

bool is_same(const struct stat& left, const struct stat& right) {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

bool is_below(const std::string& volume, const struct stat& wanted) {
    if (is_same(stat_of(volume), wanted)) {
        return true;
    }
    for (const auto& entry : fs::recursive_directory_iterator(volume)) {
        struct stat info{};
        if (::lstat(entry.path().c_str(), &info) == 0 && is_same(info, wanted)) {
            return true;
        }
    }
    return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    enter_namespace();
    test::FuzzInput in(data, size);
    const std::string sub_path(in.line());
    const test::TempDir folder;
    const std::string volume = folder.file("volume");
    const std::string target = folder.file("pod/target");
    fs::create_directories(volume);
    fs::create_directories(folder.file("outside"));
    make_tree(volume, in);
    const auto bound = volumes::bind_sub_path(volume, sub_path, target);
    ensure(fs::is_empty(folder.file("outside")), "nothing is made outside");
    if (!bound) {
        ensure(!bound.error().message().empty(), "a refusal says why");
        return 0;
    }
    const bool inside = is_below(volume, stat_of(target));
    (void)volumes::bind_sub_path(volume, sub_path, target);  // Again, as after a restart.
    ensure(inside && is_below(volume, stat_of(target)), "what is bound is in the volume");
    ensure(volumes::unmount(target).has_value(), "and can be released");
    return 0;
}
