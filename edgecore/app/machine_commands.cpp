// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/machine_commands.hpp"

#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/time_text.hpp"
#include "common/pki/join_token.hpp"
#include "common/service/service.hpp"
#include "edgecore/app/status_text.hpp"
#include "edgecore/app/teardown.hpp"
#include "edgecore/localapi/local_api.hpp"
#include "edgecore/node/machine_facts.hpp"
#include "edgecore/security/credentials.hpp"
#include "edgecore/security/join.hpp"
#include "edgecore/security/trusted_clock.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace farhold::edge {

namespace {

int failed(const Error& error) {
    std::fprintf(stderr, "edgecore: %s\n", error.message().c_str());
    return error.code() == ErrorCode::invalid_argument ? config::kExitUsage : config::kExitFailed;
}

// A token on the command line shows in the process list; a file or the environment does not.
Result<pki::JoinToken> read_token(const std::string& given, const std::string& file) {
    std::string text = given;
    if (text.empty() && !file.empty()) {
        auto content = datadir::read_file(file);
        if (!content) return fail(content.error().within("token-file"));
        text = std::move(*content);
    }
    if (text.empty()) {
        const char* variable = std::getenv("FARHOLD_TOKEN");
        if (variable != nullptr) text = variable;
    }
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    if (text.empty()) {
        return fail(
            ErrorCode::invalid_argument, "no token: give --token, --token-file or $FARHOLD_TOKEN"
        );
    }
    return pki::parse_join_token(text);
}

Result<> write_config(const Settings& settings) {
    const std::filesystem::path path(settings.config);
    std::error_code error;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
    if (error) return fail(ErrorCode::internal, settings.config + ": " + error.message());
    return datadir::write_file(settings.config, render_config(settings), 0644);
}

// Where the machine's folder and sockets are must not depend on where the command was typed.
void make_absolute(Settings& settings) {
    settings.data_dir = std::filesystem::absolute(settings.data_dir).lexically_normal();
    settings.pod_log_dir = std::filesystem::absolute(settings.pod_log_dir).lexically_normal();
}

Task<Result<>> leave_cluster(const Settings& settings, const Clock& clock, log::Logger logger) {
    auto stopped = co_await stop_all_pods(settings, logger);
    if (!stopped) co_return stopped;
    auto deleted = delete_state(settings);
    if (!deleted) co_return deleted;
    const security::TrustedClock time(settings.data_dir, clock);
    const std::function<WallTime()> now = [&time] { return time.now(); };
    if (settings.hubs.empty()) co_return fail(ErrorCode::invalid_argument, "no hub is configured");
    auto hub = net::parse_endpoint(settings.hubs.front());
    if (!hub) co_return fail(hub.error().within("hub"));
    auto told = co_await security::leave(settings.data_dir, *hub, now);
    if (!told) {
        // The machine is clean and has forgotten its key; only the hub's record is left.
        logger.warning(
            "the hub could not be told; delete the Node there", {{"error", told.error().message()}}
        );
    }
    co_return Result<>{};
}

Task<int> join_cluster(Settings settings, security::JoinRequest request) {
    const SystemClock clock;
    const security::TrustedClock time(settings.data_dir, clock);
    const std::function<WallTime()> now = [&time] { return time.now(); };
    auto joined = co_await security::join(settings.data_dir, std::move(request), now);
    if (!joined) co_return failed(joined.error());
    settings.hubs.clear();
    for (const net::Endpoint& one : joined->hubs) settings.hubs.push_back(net::to_string(one));
    const auto written = write_config(settings);
    if (!written) co_return failed(written.error());
    std::printf(
        "joined as node %s; now run: edgecore run --config %s\n",
        joined->credentials.identity.node.c_str(), settings.config.c_str()
    );
    co_return config::kExitDone;
}

Task<int> leave_and_tell(const Settings& settings) {
    const SystemClock clock;
    const auto left = co_await leave_cluster(settings, clock, settings.log.make_logger());
    if (!left) co_return failed(left.error());
    std::printf("left: no pod of this machine runs any more\n");
    co_return config::kExitDone;
}

// What is known of a machine whose edgecore does not answer.
void tell_last_known(const std::string& data_dir) {
    const auto credentials = security::load_credentials(data_dir);
    if (!credentials) {
        std::fprintf(stderr, "This machine has not joined a cluster in %s.\n", data_dir.c_str());
        return;
    }
    const std::string store = data_dir + "/state.db";
    std::fprintf(
        stderr,
        "Node         %s\n"
        "Certificate  valid until %s\n"
        "Store        %s, %s\n"
        "Pods that ran go on running. Start edgecore: edgecore run (or its service).\n",
        credentials->identity.node.c_str(),
        object::format_time(credentials->certificate.not_after).c_str(),
        human_bytes(static_cast<std::int64_t>(
                        datadir::file_bytes(store) + datadir::file_bytes(store + "-wal")
                    ))
            .c_str(),
        store.c_str()
    );
}

Task<int> show_status(std::string data_dir, bool as_json) {
    const auto status = co_await localapi::request_status(data_dir);
    if (!status) {
        std::fprintf(stderr, "edgecore does not answer: %s\n", status.error().message().c_str());
        if (!as_json) tell_last_known(data_dir);
        co_return config::kExitFailed;
    }
    const std::string text = as_json ? status->dump_pretty() + "\n" : render_status(*status);
    std::fputs(text.c_str(), stdout);
    co_return config::kExitDone;
}

}  // namespace

MachineCommands::MachineCommands(config::Command& root, Settings& settings) : settings_(settings) {
    config::Command& join = root.command("join", "makes this machine one of a cluster's");
    declare(join, settings_, ConfigFile::write);
    join.positional("url", hub_url_, "wss://HOST:PORT of a cloudcore");
    join.setting("token", token_, "join token from cloudcore token create");
    join.setting("token-file", token_file_, "file with the join token");
    join.setting("node-name", node_name_, "name of the Node; default: the host's name");
    join.setting("label", labels_, "key=value for the Node; may be given several times");
    join.setting("taint", taints_, "key=value:Effect for the Node; may be given several times");
    join.action([this] { return this->join(); });

    config::Command& leave =
        root.command("leave", "stops this machine's pods and forgets its cluster");
    declare(leave, settings_);
    leave.action([this] { return this->leave(); });

    config::Command& status = root.command("status", "shows link, store and pods of this machine");
    declare(status, settings_);
    status.choice("o,output", output_, {"text", "json"}, "form of the output");
    status.action([this] { return this->status(); });
}

int MachineCommands::join() const {
    auto hub = security::parse_hub_url(hub_url_);
    if (!hub) return failed(hub.error());
    auto token = read_token(token_, token_file_);
    if (!token) return failed(token.error());
    auto labels = security::parse_labels(labels_);
    if (!labels) return failed(labels.error());
    auto taints = security::parse_taints(taints_);
    if (!taints) return failed(taints.error());
    Settings settings = settings_;
    make_absolute(settings);
    auto dir = datadir::DataDir::open(settings.data_dir);
    if (!dir) return failed(dir.error());
    security::JoinRequest request{
        .hub = std::move(*hub),
        .token = std::move(*token),
        .node_name = node_name_.empty() ? node::host_name() : node_name_,
        .labels = std::move(*labels),
        .taints = std::move(*taints),
    };
    return service::run([&](const Executor&) {
        return join_cluster(std::move(settings), std::move(request));
    });
}

int MachineCommands::leave() const {
    auto dir = datadir::DataDir::open(settings_.data_dir);
    if (!dir) return failed(dir.error().within("stop edgecore first"));
    return service::run([&](const Executor&) { return leave_and_tell(settings_); });
}

int MachineCommands::status() const {
    return service::run([&](const Executor&) {
        return show_status(settings_.data_dir, output_ == "json");
    });
}

}  // namespace farhold::edge
