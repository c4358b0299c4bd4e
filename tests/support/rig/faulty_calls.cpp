// SPDX-License-Identifier: Apache-2.0
#include "tests/support/rig/faulty_calls.hpp"

#include "tests/support/rig/process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace farhold::test {

FaultyCalls::FaultyCalls(const std::string& control, const std::string& folder) : path_(control) {
    const int file = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ::ftruncate(file, sizeof(FaultyCallsControl)) != 0) {
        throw std::runtime_error("cannot make " + path_);
    }
    void* memory =
        ::mmap(nullptr, sizeof(FaultyCallsControl), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    ::close(file);
    if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + path_);
    control_ = static_cast<FaultyCallsControl*>(memory);
    if (folder.size() >= control_->folder.size()) throw std::runtime_error(folder + " is too long");
    std::ranges::copy(folder, control_->folder.begin());
}

FaultyCalls::~FaultyCalls() {
    ::munmap(control_, sizeof(FaultyCallsControl));
}

std::map<std::string, std::string> FaultyCalls::environment() const {
    return {{"LD_PRELOAD", program("tests/libfarhold_faulty_calls.so")}, {kControlVariable, path_}};
}

void FaultyCalls::kill_at(Call call, std::uint64_t number) {
    plan(call, Mishap::kill, 0, number, number);
}

void FaultyCalls::fail(Call call, int error, std::uint64_t first, std::uint64_t last) {
    plan(call, Mishap::error, error, first, last);
}

void FaultyCalls::clear() {
    for (const Call call : {Call::read, Call::write, Call::sync}) {
        plan(call, Mishap::none, 0, kForEver, kForEver);
    }
}

std::uint64_t FaultyCalls::seen(Call call) const {
    return control_->plans.at(static_cast<std::size_t>(call)).seen;
}

// The number that starts it is written last: until then nothing happens.
void FaultyCalls::plan(
    Call call, Mishap mishap, int error, std::uint64_t first, std::uint64_t last
) {
    CallPlan& plan = control_->plans.at(static_cast<std::size_t>(call));
    plan.mishap = Mishap::none;
    plan.first = first;
    plan.last = last;
    plan.error = error;
    plan.seen = 0;
    plan.mishap = mishap;
}

}  // namespace farhold::test
