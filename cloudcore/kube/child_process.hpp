// SPDX-License-Identifier: Apache-2.0
//
// Another program, run to its end beside the loop: without a terminal and without input.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace farhold::kube {

struct Program {
    std::vector<std::string> argv;  // A first one without a '/' is found in $PATH.
    std::vector<std::pair<std::string, std::string>> environment;  // Beside or instead of ours.
    Duration timeout;
    std::size_t output_bytes_max;  // Of each of its two outputs; more of errors is left out.
};

struct Outcome {
    std::string output;
    std::string errors;
    std::string failure;  // How it ended, for people; empty: with exit code 0.
};

// When the time is over, or the caller cancelled, it is killed with all of its process group. Errors:
// not_found (there is no such program), permission_denied, deadline, resource_exhausted (it says too
// much, or nothing can be started), cancelled.
Task<Result<Outcome>> run_program(Program program);

}  // namespace farhold::kube
