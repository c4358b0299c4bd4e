// SPDX-License-Identifier: Apache-2.0
//
// The container runtime without Farhold: pods of the same kind started by nothing but RunPodSandbox,
// CreateContainer and StartContainer over CRI, each following the other at once.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "edgecore/runtime/cri_runtime.hpp"

#include <boost/asio/io_context.hpp>

#include <string>

namespace farhold::bench {

class RuntimeAlone {
public:
    // The folder takes the logs of containers.
    RuntimeAlone(const std::string& socket, std::string cgroup_parent, std::string folder);
    RuntimeAlone(const RuntimeAlone&) = delete;
    RuntimeAlone& operator=(const RuntimeAlone&) = delete;
    ~RuntimeAlone();

    // Milliseconds until all of them run; at most `at_once` are being started at a time.
    double start_pods(int count, int at_once);
    void remove_pods();

private:
    Task<> start_all(int count, int at_once);
    Task<> start_some(int& waiting);
    Task<Result<>> start_one(std::string name);
    Task<> remove_all();

    std::string cgroup_parent_;
    std::string folder_;
    boost::asio::io_context loop_{1};
    runtime::CriRuntime runtime_;
    int made_ = 0;
    std::string failure_;
};

}  // namespace farhold::bench
