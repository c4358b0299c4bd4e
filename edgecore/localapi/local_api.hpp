// SPDX-License-Identifier: Apache-2.0
//
// What a person or a script on the machine itself may ask, with or without a cloud: HTTPS on
// loopback. `/healthz` is open; everything else wants the client certificate of the root-only
// DIR/local.kubeconfig. Runs on the loop; its own certificate authority lives in DIR/local.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/json/value.hpp"
#include "common/log/log.hpp"
#include "common/net/peer.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace farhold::localapi {

// What is to be desired of a device, by whoever is at the machine.
struct DesiredValue {
    std::string device;  // "<namespace>/<name>"
    std::string property;
    std::string value;  // Empty: nothing any more.
    std::string who;
};

// Where the answers come from; called on the loop.
struct Sources {
    std::function<json::Value()> status;  // The document of `edgecore status -o json`.
    std::function<std::string()> metrics;
    std::function<json::Value()> devices;  // A list.
    std::function<Task<Result<>>(DesiredValue value)> set_desired;
};

class LocalApi {
public:
    // Port 0 lets the kernel choose; DIR/local.kubeconfig always names the real one.
    static Result<std::unique_ptr<LocalApi>> start(
        Executor executor, net::Endpoint listen, std::filesystem::path data_dir, Sources sources,
        WallTime now, log::Logger logger
    );
    LocalApi(const LocalApi&) = delete;
    LocalApi& operator=(const LocalApi&) = delete;
    ~LocalApi();

    std::uint16_t port() const;
    Task<> stop();

private:
    struct Impl;
    explicit LocalApi(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Asks the running edgecore of that data folder; `unavailable` when none runs.
Task<Result<json::Value>> request_status(std::filesystem::path data_dir);
Task<Result<json::Value>> request_devices(std::filesystem::path data_dir);
// Returns when it is on the machine's disk.
Task<Result<>> request_desired(std::filesystem::path data_dir, DesiredValue value);

}  // namespace farhold::localapi
