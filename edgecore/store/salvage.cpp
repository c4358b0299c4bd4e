// SPDX-License-Identifier: Apache-2.0
#include "edgecore/store/salvage.hpp"

#include "common/sqlite/database.hpp"
#include "edgecore/store/store_rows.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace farhold::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMemoryFolder = "/dev/shm/farhold-XXXXXX";
constexpr std::size_t kPage = 4096;

// A folder of our own, without a disk below it.
class MemoryFolder {
public:
    MemoryFolder() : path_(kMemoryFolder) {
        if (::mkdtemp(path_.data()) == nullptr) {
            path_.clear();
        }
    }
    MemoryFolder(const MemoryFolder&) = delete;
    MemoryFolder& operator=(const MemoryFolder&) = delete;
    ~MemoryFolder() {
        std::error_code ignored;
        if (!path_.empty()) {
            fs::remove_all(path_, ignored);
        }
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

std::string reason() {
    return std::system_category().message(errno);
}

// A page that cannot be read stays zero, and what was on it fails its checksum.
void copy(const std::string& from, const std::string& to, std::vector<std::string>& findings) {
    const int source = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
    if (source < 0) {
        if (errno != ENOENT) {
            findings.push_back(fmt::format("read {}: {}", from, reason()));
        }
        return;
    }
    struct stat file{};
    ::fstat(source, &file);
    const int target = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool told = target < 0;
    for (off_t at = 0; target >= 0 && at < file.st_size; at += static_cast<off_t>(kPage)) {
        std::array<char, kPage> page{};
        const auto wanted = std::min(static_cast<off_t>(kPage), file.st_size - at);
        const ssize_t got = ::pread(source, page.data(), static_cast<std::size_t>(wanted), at);
        if (got < 0 && !told) {
            findings.push_back(fmt::format("read {} at {}: {}", from, at, reason()));
            told = true;
        }
        if (::pwrite(target, page.data(), static_cast<std::size_t>(wanted), at) != wanted) {
            findings.push_back(fmt::format("copy {}: {}", from, reason()));
            break;
        }
    }
    if (target >= 0) {
        ::close(target);
    }
    ::close(source);
}

}  // namespace

StoreContents salvage(const std::string& path) {
    StoreContents contents;
    const MemoryFolder folder;
    if (folder.path().empty()) {
        contents.report.findings.push_back("no memory for a copy of " + path);
        return contents;
    }
    const std::string copied = folder.path() + "/state.db";
    std::vector<std::string> findings;
    copy(path, copied, findings);
    copy(path + "-wal", copied + "-wal", findings);
    if (auto database = sqlite::Database::open(copied); database) {
        contents = read_rows(*database);
    } else {
        findings.push_back(database.error().message());
    }
    contents.report.findings.insert(
        contents.report.findings.begin(), findings.begin(), findings.end()
    );
    contents.meta.complete = contents.meta.complete && contents.report.clean();
    return contents;
}

}  // namespace farhold::store
