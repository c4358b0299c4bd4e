// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/token_commands.hpp"

#include "cloudcore/enrolment/hub_info.hpp"
#include "cloudcore/enrolment/token_store.hpp"
#include "common/net/endpoint.hpp"
#include "common/object/time_text.hpp"
#include "common/pki/certificate.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace farhold::cloud {

namespace {

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

}  // namespace

TokenCommands::TokenCommands(config::Command& root) {
    config::Command& token = root.command("token", "join tokens for machines");

    config::Command& create =
        token.command("create", "prints a ready-to-paste `edgecore join` line");
    api_.declare(create);
    create.setting("ttl", ttl_, "how long the token may be used");
    create.setting("uses", uses_, "how many machines may join with it");
    create.setting("node", node_, "the one node it is for, which may exist already");
    create.action([this] { return this->create(); });

    config::Command& list = token.command("list", "lists tokens and who used them");
    api_.declare(list);
    list.action([this] { return this->list(); });

    config::Command& revoke = token.command("revoke", "makes a token useless from now on");
    api_.declare(revoke);
    revoke.positional("id", id_, "the token's id, its second part");
    revoke.action([this] { return this->revoke(); });
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
    return api_.run([options](kubeapi::KubeObjects& client) {
        return create_token(client, options);
    });
}

int TokenCommands::list() const {
    return api_.run(list_tokens);
}

int TokenCommands::revoke() const {
    return api_.run([id = id_](kubeapi::KubeObjects& client) { return revoke_token(client, id); });
}

}  // namespace farhold::cloud
