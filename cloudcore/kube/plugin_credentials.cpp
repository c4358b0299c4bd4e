// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/kube/plugin_credentials.hpp"

#include "cloudcore/kube/child_process.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string_view>
#include <utility>

namespace farhold::kube {

namespace {

constexpr Duration kTimeout = std::chrono::seconds(60);
constexpr std::size_t kOutputBytesMax = std::size_t{1} << 20U;
// Of what it says when it fails.
constexpr std::size_t kShownMax = 500;
// Between two runs, unless what the first one gave has expired.
constexpr Duration kPause = std::chrono::seconds(1);

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(" \r\n\t"), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(" \r\n\t") + 1).substr(0, kShownMax);
}

}  // namespace

// Of running it; wakes those who wait, also when whoever ran it was cancelled.
class PluginCredentials::Turn {
public:
    explicit Turn(PluginCredentials& owner) : owner_(owner) { owner_.is_running_ = true; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        owner_.is_running_ = false;
        for (Event& waiting : owner_.waiting_) waiting.set();
    }

private:
    PluginCredentials& owner_;
};

PluginCredentials::PluginCredentials(kubeconfig::Kubeconfig config, const Clock& clock)
    : config_(std::move(config)), clock_(clock) {}

Task<> PluginCredentials::wait_for_others() {
    struct Place {
        std::list<Event>& all;
        std::list<Event>::iterator own;
        ~Place() { all.erase(own); }
    };
    waiting_.emplace_back(co_await this_executor);
    const Place place{waiting_, std::prev(waiting_.end())};
    co_await place.own->wait();
}

Task<Result<ExecCredential>> PluginCredentials::current(std::string ca_pem) {
    while (is_running_) co_await wait_for_others();
    const Instant asked = clock_.now().mono;
    const bool is_good =
        kept_ && (kept_->has_value() ? !expires_ || asked < *expires_ : asked < ran_at_ + kPause);
    if (is_good) co_return *kept_;
    const Turn turn(*this);
    auto fresh = co_await run(std::move(ca_pem));
    if (!fresh && fresh.error().code() == ErrorCode::cancelled) co_return fresh;
    const Now now = clock_.now();
    ran_at_ = now.mono;
    expires_.reset();
    if (fresh && fresh->expires) expires_ = now.mono + (*fresh->expires - now.wall);
    kept_ = fresh;
    co_return fresh;
}

void PluginCredentials::refused() {
    if (kept_ && clock_.now().mono >= ran_at_ + kPause) kept_.reset();
}

Task<Result<ExecCredential>> PluginCredentials::run(std::string ca_pem) {
    const kubeconfig::CredentialPlugin& plugin = *config_.plugin;
    const auto failed = [&plugin](std::string_view why, std::string_view more) {
        return fail(
            ErrorCode::unavailable,
            fmt::format(
                "credential plugin {}: {}{}{}", plugin.command, why, more.empty() ? "" : ": ", more
            )
        );
    };
    Program program{{plugin.command}, plugin.environment, kTimeout, kOutputBytesMax};
    program.argv.insert(program.argv.end(), plugin.arguments.begin(), plugin.arguments.end());
    program.environment.emplace_back("KUBERNETES_EXEC_INFO", exec_info(plugin, config_, ca_pem));
    const auto outcome = co_await run_program(std::move(program));
    if (!outcome) {
        const Error& error = outcome.error();
        if (error.code() == ErrorCode::cancelled) co_return fail(error);
        const bool is_missing = error.code() == ErrorCode::not_found;
        co_return failed(error.message(), is_missing ? trimmed(plugin.install_hint) : "");
    }
    if (!outcome->failure.empty()) co_return failed(outcome->failure, trimmed(outcome->errors));
    auto credential = read_exec_credential(outcome->output, plugin.api_version);
    if (!credential) co_return failed(credential.error().message(), trimmed(outcome->errors));
    co_return credential;
}

}  // namespace farhold::kube
