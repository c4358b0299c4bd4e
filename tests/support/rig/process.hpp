// SPDX-License-Identifier: Apache-2.0
//
// Real programs as children of a fault test. Blocking; one thread. A child dies with the test, also
// when the test is killed.
#pragma once

#include "common/base/time.hpp"

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace farhold::test {

struct ProcessOptions {
    std::vector<std::string> argv;
    // Comes before argv and must end by executing it in its own place, so that the process stays the
    // same: prlimit, env, strace with -D.
    std::vector<std::string> wrapper;
    std::map<std::string, std::string> environment;  // Added to ours.
    std::string log;                                 // Takes the output, at the end of the file.
    std::string network_namespace;                   // By name; empty: ours.
};

// Killed by the destructor, with all of its session.
class Process {
public:
    explicit Process(const ProcessOptions& options);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    ::pid_t pid() const { return pid_; }
    bool alive();
    void signal(int number);
    // The exit code, or 128 and the signal's number; nothing while it runs.
    std::optional<int> exit_code();
    std::optional<int> wait_for(Duration limit);
    // SIGKILL; returns when it is gone.
    void kill();

private:
    ::pid_t pid_ = 0;
    std::optional<int> exit_code_;
};

struct Outcome {
    int exit_code = 0;
    std::string output;  // Standard output and errors.
};

// Runs it to its end.
Outcome run_to_end(const std::vector<std::string>& argv, const std::string& input = {});
// Its output; throws with it when the exit code is not 0.
std::string run(const std::vector<std::string>& argv, const std::string& input = {});

// argv, to be run in that network namespace; empty: ours.
std::vector<std::string> in_network_namespace(
    const std::string& name, std::vector<std::string> argv
);

// The path of one of the programs under test.
std::string program(const std::string& name);
// Ends the test as skipped when this is not root, or one of the programs is not installed.
void need_root_and(const std::vector<std::string>& programs);

// How often a fault is tried: `few` times, unless $FARHOLD_FAULT_ROUNDS has another number, or is
// "all", which means `many`.
std::size_t fault_rounds(std::size_t few, std::size_t many = 200);
// So many of the numbers from 1 to `last`, evenly spread, the first and the last among them.
std::vector<std::uint64_t> spread(std::uint64_t last, std::size_t count);

// Lets time pass in a loop that waits for something.
inline void pause_briefly(int milliseconds = 20) {
    ::poll(nullptr, 0, milliseconds);
}

// Tries until the condition is true, or answers "" where it answers what is still wrong. An exception
// counts as "not yet", since programs that are asked may be about to start. Throws after the limit.
template <class Condition>
void wait_until(const std::string& what, Duration limit, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + limit;
    std::string wrong;
    while (true) {
        try {
            if constexpr (std::is_same_v<decltype(condition()), std::string>) {
                wrong = condition();
                if (wrong.empty()) return;
            } else {
                wrong.clear();
                if (condition()) return;
            }
        } catch (const std::exception& error) {
            wrong = error.what();
        }
        if (std::chrono::steady_clock::now() > end) break;
        pause_briefly();
    }
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
    throw std::runtime_error(
        "still not so after " + std::to_string(seconds) + " s: " + what +
        (wrong.empty() ? "" : " (" + wrong + ")")
    );
}

}  // namespace farhold::test
