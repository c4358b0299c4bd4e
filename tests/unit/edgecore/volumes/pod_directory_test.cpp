// SPDX-License-Identifier: Apache-2.0
#include "edgecore/volumes/pod_directory.hpp"

#include "edgecore/volumes/atomic_directory.hpp"
#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/sub_path.hpp"
#include "pod_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace farhold::volumes::test {

namespace fs = std::filesystem;
using farhold::test::TempDir;

namespace {

std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

unsigned mode_of(const std::string& path) {
    struct stat info{};
    ::stat(path.c_str(), &info);
    return info.st_mode & 07777U;
}

VolumePlan plan(const podspec::PodSpec& spec, const podspec::References& known) {
    auto planned = plan_volumes(spec, known, {});
    REQUIRE(planned);
    return std::move(*planned);
}

// Mounting needs root; without it those tests show nothing.
bool is_root() {
    return ::geteuid() == 0;
}

}  // namespace

TEST_CASE("atomic_directory: changes all files at once and clears what is gone", "[volumes]") {
    const TempDir dir;
    const std::string folder = dir.path();
    REQUIRE(write_atomically(folder, {{"a", {"1", 0644}}, {"deep/b", {"2", 0400}}}, std::nullopt));
    CHECK(read(folder + "/a") == "1");
    CHECK(read(folder + "/deep/b") == "2");
    CHECK(mode_of(folder + "/deep/b") == 0400);
    CHECK(fs::is_symlink(folder + "/a"));
    CHECK(fs::read_symlink(folder + "/a") == "..data/a");
    const fs::path first = fs::read_symlink(folder + "/..data");

    REQUIRE(write_atomically(folder, {{"a", {"new", 0644}}, {"c", {"3", 0644}}}, std::nullopt));
    CHECK(read(folder + "/a") == "new");
    CHECK(read(folder + "/c") == "3");
    CHECK_FALSE(fs::exists(fs::symlink_status(folder + "/deep")));
    CHECK_FALSE(fs::exists(folder + "/" + first.string()));
}

TEST_CASE("atomic_directory: writes nothing when nothing changed", "[volumes]") {
    const TempDir dir;
    const Files files{{"a", {"1", 0644}}};
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    const fs::path version = fs::read_symlink(dir.file("..data"));
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    CHECK(fs::read_symlink(dir.file("..data")) == version);
}

TEST_CASE("atomic_directory: a file for one user is that user's", "[volumes]") {
    if (!is_root()) {
        return;
    }
    const TempDir dir;
    Files files{{"token", {"jwt", 0600, 1000}}, {"ca", {"CA", 0644}}};
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    struct stat token{};
    REQUIRE(::stat(dir.file("token").c_str(), &token) == 0);
    CHECK(token.st_uid == 1000);
    CHECK(token.st_gid == 0);
    CHECK((token.st_mode & 0777U) == 0600);
    struct stat other{};
    REQUIRE(::stat(dir.file("ca").c_str(), &other) == 0);
    CHECK(other.st_uid == 0);

    const fs::path version = fs::read_symlink(dir.file("..data"));
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    CHECK(fs::read_symlink(dir.file("..data")) == version);
    files.at("token").owner = 1001;
    REQUIRE(write_atomically(dir.path(), files, 77));
    REQUIRE(::stat(dir.file("token").c_str(), &token) == 0);
    CHECK(token.st_uid == 1001);
    CHECK(token.st_gid == 77);
    CHECK((token.st_mode & 0777U) == 0640);
}

TEST_CASE("atomic_directory: mends what a crash left half-done", "[volumes]") {
    const TempDir dir;
    const Files files{{"a", {"1", 0644}}};
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    fs::create_directory(dir.file("..stale"));
    fs::create_symlink("nowhere", dir.file("..data_tmp"));
    fs::remove(dir.file("a"));
    REQUIRE(write_atomically(dir.path(), files, std::nullopt));
    CHECK(read(dir.file("a")) == "1");
    CHECK_FALSE(fs::exists(dir.file("..stale")));
    CHECK_FALSE(fs::is_symlink(dir.file("..data_tmp")));
}

TEST_CASE(
    "pod_directory: makes volumes in kubelet's layout and takes them away again", "[volumes]"
) {
    if (!is_root()) {
        return;
    }
    const TempDir dir;
    const auto spec = pod(
        R"({"name":"empty","emptyDir":{}},{"name":"ram","emptyDir":{"medium":"Memory",
            "sizeLimit":"1Mi"}},{"name":"map","configMap":{"name":"m"}},
           {"name":"secret","secret":{"secretName":"s"}})",
        R"("securityContext":{"fsGroup":1234},)"
    );
    const VolumePlan planned = plan(spec, references({{"a", "1"}}, {{"k", "x"}}));
    const PodDirectory directory(dir.path(), "uid-1");
    REQUIRE(directory.prepare(planned));
    REQUIRE(directory.prepare(planned));  // Again is like once.
    const std::string volumes = dir.file("uid-1/volumes/");
    CHECK(mode_of(volumes + "kubernetes.io~empty-dir/empty") == 02777);
    CHECK(read(volumes + "kubernetes.io~configmap/map/a") == "1");
    CHECK(read(volumes + "kubernetes.io~secret/secret/k") == "x");
    CHECK(mode_of(volumes + "kubernetes.io~secret/secret/k") == 0640);
    struct stat info{};
    REQUIRE(::stat((volumes + "kubernetes.io~secret/secret/k").c_str(), &info) == 0);
    CHECK(info.st_gid == 1234);
    CHECK(mounts_below(dir.path())->size() == 2);
    REQUIRE(directory.remove());
    CHECK_FALSE(fs::exists(dir.file("uid-1")));
    CHECK(mounts_below(dir.path())->empty());
    CHECK(directory.remove());  // Nothing left is fine, too.
}

TEST_CASE("pod_directory: a change reaches the files of a running pod", "[volumes]") {
    const TempDir dir;
    const auto spec = pod(R"({"name":"map","configMap":{"name":"m"}})");
    const PodDirectory directory(dir.path(), "uid-1");
    REQUIRE(directory.prepare(plan(spec, references({{"a", "1"}}))));
    REQUIRE(directory.prepare(plan(spec, references({{"a", "2"}}))));
    CHECK(read(dir.file("uid-1/volumes/kubernetes.io~configmap/map/a")) == "2");
}

TEST_CASE("pod_directory: checks what a host path is", "[volumes]") {
    const TempDir dir;
    const PodDirectory directory(dir.path(), "uid-1");
    const auto prepare = [&](const std::string& path, const std::string& type) {
        return directory.prepare(plan(
            pod(R"({"name":"h","hostPath":{"path":")" + path + R"(","type":")" + type + R"("}})"),
            {}
        ));
    };
    CHECK(prepare("/", "Directory"));
    CHECK(prepare("/none", ""));
    CHECK(prepare("/dev/null", "CharDevice"));
    CHECK(
        prepare("/none", "Directory").error().message() ==
        "MountVolume.SetUp failed for volume \"h\" : hostPath type check failed: /none is not a "
        "directory"
    );
    CHECK_FALSE(prepare("/", "File"));
    CHECK_FALSE(prepare("/dev/null", "Socket"));
    CHECK(prepare(dir.file("made/deep"), "DirectoryOrCreate"));
    CHECK(fs::is_directory(dir.file("made/deep")));
    CHECK(prepare(dir.file("file"), "FileOrCreate"));
    CHECK(fs::is_regular_file(dir.file("file")));
}

TEST_CASE("pod_directory: mounts volumes, hosts file and the place for last words", "[volumes]") {
    const TempDir dir;
    const auto spec =
        pod(R"({"name":"map","configMap":{"name":"m"}},{"name":"host","hostPath":{"path":"/srv"}})",
            "",
            R"({"name":"map","mountPath":"/config"},
           {"name":"host","mountPath":"/data","readOnly":true})");
    const PodDirectory directory(dir.path(), "uid-1");
    const VolumePlan planned = plan(spec, references({}));
    REQUIRE(directory.prepare(planned));
    const auto mounts = directory.container_mounts(planned, spec.containers[0], 3, {});
    REQUIRE(mounts);
    REQUIRE(mounts->size() == 4);
    CHECK((*mounts)[0].read_only);  // Files of the API are never writable.
    CHECK((*mounts)[1].host_path == "/srv");
    CHECK((*mounts)[1].read_only);
    CHECK((*mounts)[2].container_path == "/etc/hosts");
    CHECK((*mounts)[3].host_path == dir.file("uid-1/containers/main/3"));
    std::ofstream(dir.file("uid-1/containers/main/3")) << "the end";
    CHECK(directory.termination_message("main", 3).value() == "the end");
    CHECK(directory.termination_message("main", 4).value().empty());
}

TEST_CASE("pod_directory: last words through a link or a pipe are not read", "[volumes]") {
    const TempDir dir;
    fs::create_directories(dir.file("uid-1/containers/main"));
    fs::create_symlink("/etc/passwd", dir.file("uid-1/containers/main/0"));
    REQUIRE(::mkfifo(dir.file("uid-1/containers/main/1").c_str(), 0600) == 0);
    const PodDirectory directory(dir.path(), "uid-1");
    CHECK_FALSE(directory.termination_message("main", 0));
    CHECK_FALSE(directory.termination_message("main", 1));
}

TEST_CASE("sub_path: binds what lies beneath the volume and nothing else", "[volumes]") {
    if (!is_root()) {
        return;
    }
    const TempDir dir;
    const std::string volume = dir.file("volume");
    fs::create_directories(volume + "/real");
    std::ofstream(volume + "/real/file") << "inside";
    fs::create_symlink("real", volume + "/inside");
    fs::create_symlink("/etc", volume + "/absolute");
    fs::create_symlink("../../../../etc", volume + "/upward");
    const std::string target = dir.file("pod/volume-subpaths/v/main/0");

    REQUIRE(bind_sub_path(volume, "inside/file", target));
    CHECK(read(target) == "inside");
    REQUIRE(bind_sub_path(volume, "new/deep", target));  // Replaces the earlier mount.
    CHECK(fs::is_directory(target));
    CHECK(fs::is_directory(volume + "/new/deep"));
    for (const char* path : {"absolute", "absolute/passwd", "upward", "upward/x", "../x", "/etc"}) {
        INFO(path);
        CHECK_FALSE(bind_sub_path(volume, path, target));
    }
    CHECK_FALSE(fs::exists("/etc/x"));
    const auto mounts = mounts_below(dir.path());
    REQUIRE(mounts);
    for (const std::string& point : *mounts) {
        CHECK(unmount(point));
    }
}

TEST_CASE("pod_directory: the end of a log without the runtime's prefixes", "[volumes]") {
    const TempDir dir;
    std::ofstream file(dir.file("0.log"));
    for (int line = 0; line < 100; ++line) {
        file << "2026-11-23T18:45:51.6528539Z stderr F line " << line << "\n";
    }
    file.close();
    const std::string tail = log_tail(dir.file("0.log"));
    CHECK(tail.starts_with("line 20\n"));
    CHECK(tail.ends_with("line 99\n"));
    CHECK(log_tail(dir.file("none")).empty());
}

}  // namespace farhold::volumes::test
