// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into a program under test: stands between it and the C library's calls for files, counts
// them over all threads, and makes them fail, or kills the program, as the test has planned. (strace
// can do that too, but counts for each thread apart.)

// Fortified headers define some of these calls themselves.
#undef _FORTIFY_SOURCE

#include "tests/support/rig/faulty_calls_control.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using farhold::test::Call;
using farhold::test::CallPlan;
using farhold::test::FaultyCallsControl;
using farhold::test::Mishap;

FaultyCallsControl* map_control() {
    const char* path = std::getenv(farhold::test::kControlVariable);
    const int file = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) return nullptr;
    void* memory =
        ::mmap(nullptr, sizeof(FaultyCallsControl), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    return memory == MAP_FAILED ? nullptr : static_cast<FaultyCallsControl*>(memory);
}

bool is_meant(const FaultyCallsControl& control, int file) {
    std::array<char, 64> link{};
    std::array<char, 512> path{};
    std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", file);
    const ::ssize_t size = ::readlink(link.data(), path.data(), path.size());
    return size > 0 && std::string_view(path.data(), static_cast<std::size_t>(size))
                           .starts_with(control.folder.data());
}

// Whether the call fails, with errno set.
bool fails(Call call, int file) {
    static FaultyCallsControl* const control = map_control();
    if (control == nullptr || !is_meant(*control, file)) return false;
    CallPlan& plan = control->plans.at(static_cast<std::size_t>(call));
    const std::uint64_t number = ++plan.seen;
    if (number < plan.first || number > plan.last) return false;
    const Mishap mishap = plan.mishap;
    if (mishap == Mishap::kill) ::kill(::getpid(), SIGKILL);
    if (mishap != Mishap::error) return false;
    errno = plan.error;
    return true;
}

template <class Function>
Function* next(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int fdatasync(int file) {
    static auto* const real = next<int(int)>("fdatasync");
    return fails(Call::sync, file) ? -1 : real(file);
}

int fsync(int file) {
    static auto* const real = next<int(int)>("fsync");
    return fails(Call::sync, file) ? -1 : real(file);
}

::ssize_t write(int file, const void* data, std::size_t size) {
    static auto* const real = next<::ssize_t(int, const void*, std::size_t)>("write");
    return fails(Call::write, file) ? -1 : real(file, data, size);
}

::ssize_t pwrite64(int file, const void* data, std::size_t size, ::off64_t offset) {
    static auto* const real = next<::ssize_t(int, const void*, std::size_t, ::off64_t)>("pwrite64");
    return fails(Call::write, file) ? -1 : real(file, data, size, offset);
}

::ssize_t pread64(int file, void* data, std::size_t size, ::off64_t offset) {
    static auto* const real = next<::ssize_t(int, void*, std::size_t, ::off64_t)>("pread64");
    return fails(Call::read, file) ? -1 : real(file, data, size, offset);
}

}  // extern "C"
