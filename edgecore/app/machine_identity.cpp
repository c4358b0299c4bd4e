// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/machine_identity.hpp"

#include <chrono>
#include <utility>

namespace farhold::edge {

namespace {

constexpr Duration kLeap = std::chrono::seconds(10);

}  // namespace

MachineIdentity::MachineIdentity(
    std::string data_dir, security::Credentials credentials, const Clock& clock,
    WorkerThread& files, log::Logger logger
)
    : data_dir_(std::move(data_dir)),
      credentials_(std::move(credentials)),
      time_(data_dir_, clock),
      files_(files),
      logger_(logger.with({{"component", "identity"}})) {}

link::LinkIdentity MachineIdentity::for_link(std::function<void()> time_leapt) {
    time_leapt_ = std::move(time_leapt);
    link::LinkIdentity identity;
    identity.tls = [this](const std::string& server_name) {
        return security::client_tls(credentials_, server_name, [this] { return time_.now(); });
    };
    identity.renewal_due = [this] {
        return time_.now() >= security::renewal_time(credentials_.certificate);
    };
    identity.make_renewal_request = [this] {
        return pki::make_certificate_request(credentials_.key);
    };
    identity.adopt_certificate = [this](std::string pem) { return adopt(std::move(pem)); };
    identity.prove_time = [this](WallTime time) { return prove(time); };
    return identity;
}

Task<> MachineIdentity::prove(WallTime time) {
    const bool leap = time > time_.now() + kLeap;
    co_await time_.prove(time, files_);
    if (leap) time_leapt_();
}

Task<> MachineIdentity::adopt(std::string certificate_pem) {
    auto next = security::renewed(credentials_, certificate_pem);
    if (!next) {
        logger_.error("renewed certificate refused", {{"error", next.error().message()}});
        co_return;
    }
    const auto save = [this, &next] { return security::save_credentials(data_dir_, *next); };
    const auto saved = co_await files_.run(save);
    if (!saved) {
        logger_.error("renewed certificate not saved", {{"error", saved.error().message()}});
        co_return;
    }
    credentials_ = std::move(*next);
    logger_.info("certificate renewed");
}

}  // namespace farhold::edge
