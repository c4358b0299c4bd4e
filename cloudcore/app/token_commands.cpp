// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/token_commands.hpp"

#include "cloudcore/enrolment/hub_info.hpp"
#include "cloudcore/enrolment/token_store.hpp"
#include "cloudcore/kube/http_objects.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/time_text.hpp"
#include "common/pki/certificate.hpp"
#include "common/service/service.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <functional>

namespace farhold::cloud {

namespace {

// What a command prints, or why it could not.
using Command = std::function<Task<Result<std::string>>(kubeapi::KubeObjects&)>;

Result<kubeconfig::Kubeconfig> read_kubeconfig(const std::string& path) {
    const auto text = datadir::read_file(path);
    if (!text) {
        return fail(text.error());
    }
    return kubeconfig::parse(*text, path);
}

Task<int> run_command(const Command& command, const std::string& path) {
    const SystemClock clock;
    const auto config = read_kubeconfig(path);
    auto client = config ? kube::HttpObjects::open(*config, path, clock) : fail(config.error());
    Result<std::string> output = client ? co_await command(*client) : fail(client.error());
    if (!output) {
        const bool is_away = !config || output.error().code() == ErrorCode::unavailable;
        fmt::print(
            stderr, "cloudcore: {}{}\n", output.error().message(),
            is_away ? " (tokens need a running cloudcore)" : ""
        );
        co_return config::kExitFailed;
    }
    std::fputs(output->c_str(), stdout);
    co_return config::kExitDone;
}

Task<Result<std::string>> create_token(
    kubeapi::KubeObjects& client, enrolment::TokenOptions options
) {
    const SystemClock clock;
    const auto info = co_await enrolment::read_hub_info(client);
    if (!info) {
        co_return fail(info.error());
    }
    const auto authority = pki::Certificate::from_pem(info->ca_pem);
    if (!authority) {
        co_return fail(authority.error().within("the hub's CA"));
    }
    enrolment::TokenStore tokens(client);
    const std::string name = options.node.empty() ? "" : " --node-name " + options.node;
    const auto token =
        co_await tokens.create(std::move(options), authority->key_id, clock.now().wall);
    if (!token) {
        co_return fail(token.error());
    }
    co_return fmt::format(
        "edgecore join wss://{} --token {}{}\n", net::to_string(info->hubs.front()),
        pki::to_text(*token), name
    );
}

Task<Result<std::string>> list_tokens(kubeapi::KubeObjects& client) {
    const SystemClock clock;
    enrolment::TokenStore tokens(client);
    const auto records = co_await tokens.list();
    if (!records) {
        co_return fail(records.error());
    }
    std::string table =
        fmt::format("{:<18}{:<8}{:<22}{:<16}{}\n", "ID", "USES", "EXPIRES", "NODE", "USED BY");
    for (const auto& record : *records) {
        std::string users;
        for (const auto& use : record.uses) {
            users += (users.empty() ? "" : ",") + use.node;
        }
        const bool is_over = clock.now().wall >= record.expires;
        table += fmt::format(
            "{:<18}{:<8}{:<22}{:<16}{}\n", record.id,
            fmt::format("{}/{}", record.uses.size(), record.uses_max),
            is_over ? "expired" : object::format_time(record.expires),
            record.node.empty() ? "<any new>" : record.node, users.empty() ? "<nobody>" : users
        );
    }
    co_return table;
}

Task<Result<std::string>> revoke_token(kubeapi::KubeObjects& client, std::string id) {
    enrolment::TokenStore tokens(client);
    const auto revoked = co_await tokens.revoke(id);
    if (!revoked) {
        co_return fail(revoked.error());
    }
    co_return fmt::format("token {} revoked\n", id);
}

int run_against(const std::string& kubeconfig, const std::string& data_dir, Command command) {
    const std::string path = kubeconfig.empty() ? data_dir + "/admin.kubeconfig" : kubeconfig;
    return service::run([&](const Executor&) { return run_command(command, path); });
}

}  // namespace

TokenCommands::TokenCommands(config::Command& root) {
    config::Command& token = root.command("token", "join tokens for machines");

    config::Command& create =
        token.command("create", "prints a ready-to-paste `edgecore join` line");
    declare_api(create);
    create.setting("ttl", ttl_, "how long the token may be used");
    create.setting("uses", uses_, "how many machines may join with it");
    create.setting("node", node_, "the one node it is for, which may exist already");
    create.action([this] { return this->create(); });

    config::Command& list = token.command("list", "lists tokens and who used them");
    declare_api(list);
    list.action([this] { return this->list(); });

    config::Command& revoke = token.command("revoke", "makes a token useless from now on");
    declare_api(revoke);
    revoke.positional("id", id_, "the token's id, its second part");
    revoke.action([this] { return this->revoke(); });
}

void TokenCommands::declare_api(config::Command& command) {
    command.setting("data-dir", data_dir_, "data folder of the running cloudcore");
    command.setting("kubeconfig", kubeconfig_, "FILE that names the API instead");
}

int TokenCommands::create() const {
    if (ttl_ <= Duration::zero() || uses_ < 1 || uses_ > enrolment::kUsesMax) {
        fmt::print(
            stderr, "cloudcore: --ttl must be positive and --uses between 1 and {}\n",
            enrolment::kUsesMax
        );
        return config::kExitUsage;
    }
    const enrolment::TokenOptions options{ttl_, uses_, node_};
    return run_against(kubeconfig_, data_dir_, [options](kubeapi::KubeObjects& client) {
        return create_token(client, options);
    });
}

int TokenCommands::list() const {
    return run_against(kubeconfig_, data_dir_, list_tokens);
}

int TokenCommands::revoke() const {
    return run_against(kubeconfig_, data_dir_, [id = id_](kubeapi::KubeObjects& client) {
        return revoke_token(client, id);
    });
}

}  // namespace farhold::cloud
