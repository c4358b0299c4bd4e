// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/hub.hpp"

#include "cloudcore/hub/node_session.hpp"
#include "cloudcore/hub/report_applier.hpp"
#include "cloudcore/hub/report_writer.hpp"
#include "common/kubeapi/event_record.hpp"
#include "common/object/metadata.hpp"
#include "common/tunnel/content.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace farhold::hub {

namespace {

// One lives, others may be on their way in or out.
constexpr std::size_t kSessionsPerNodeMax = 4;
constexpr std::size_t kRefusedRemembered = 1024;

int refusal_status(ErrorCode code) {
    switch (code) {
        case ErrorCode::unauthenticated:
            return 401;
        case ErrorCode::not_found:
        case ErrorCode::permission_denied:
            return 403;
        default:
            return 503;
    }
}

void add_streams(HubCounters& counters, const NodeSession& session) {
    const streams::ClassCounters more = session.stream_counters();
    for (std::size_t cls = 0; cls < more.size(); ++cls) counters.streams[cls].add(more[cls]);
}

}  // namespace

Hub::Hub(
    Executor executor, std::string cluster_uid, kubeapi::KubeClient& client, MachineAccess access,
    const Clock& clock, log::Logger logger, ViewFeed::Options options
)
    : executor_(executor),
      cluster_uid_(std::move(cluster_uid)),
      client_(client),
      access_(std::move(access)),
      clock_(clock),
      logger_(logger.with({{"component", "hub"}})),
      feed_(
          std::move(executor), client, clock_,
          [this](const views::ViewChanges& changes) { views_changed(changes); },
          [this] { dismiss_all(tunnel::GoodbyeReason::not_ready, "resume by inventory"); },
          std::move(options), logger
      ) {}

Hub::~Hub() = default;

Task<Result<>> Hub::load() {
    return feed_.load();
}

void Hub::start(TaskGroup& group) {
    group_ = &group;
    feed_.start(group);
}

Task<> Hub::serve(net::HttpExchange& exchange) {
    auto machine = co_await access_.authenticate(exchange.peer());
    if (!machine) {
        log_refusal(exchange.peer(), machine.error());
        net::HttpResponse refusal = net::text_response(
            refusal_status(machine.error().code()), machine.error().message() + "\n"
        );
        // A peer that has gone away needs no answer.
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
        co_return;
    }
    refused_.erase(exchange.peer().spki_sha256_hex);
    if (exchange.request().path() == streams::kBulkPath) {
        co_await serve_bulk(exchange, *machine);
    } else {
        co_await serve_session(exchange, std::move(*machine));
    }
}

Task<> Hub::serve_bulk(net::HttpExchange& exchange, const KnownMachine& machine) {
    std::shared_ptr<NodeSession> session;
    for (const auto& one : sessions_of(machine.node)) {
        const bool its_own = exchange.request().target == streams::bulk_target(one->epoch());
        if (one->welcomed() && its_own) session = one;
    }
    if (!session || machine.renew_only) {
        net::HttpResponse refusal = net::text_response(409, "no session of this epoch is here\n");
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
        co_return;
    }
    net::WebSocketOptions options;
    options.message_bytes_max = streams::kStreamWireBytesMax;
    auto socket = co_await exchange.accept_websocket(options);
    if (socket) co_await session->carry_bulk(std::move(*socket));
}

Task<> Hub::serve_session(net::HttpExchange& exchange, KnownMachine machine) {
    const auto known = sessions_.find(machine.node);
    if (known != sessions_.end() && known->second.size() >= kSessionsPerNodeMax) {
        net::HttpResponse refusal = net::text_response(429, "too many sessions of this node\n");
        [[maybe_unused]] const auto sent = co_await exchange.respond(std::move(refusal));
        co_return;
    }
    const WallTime opened = clock_.now().wall;
    net::WebSocketOptions options;
    options.message_bytes_max = tunnel::kWireBytesMax;
    options.unsent_bytes_max = tunnel::kUnsentBytesMax;
    auto socket = co_await exchange.accept_websocket(options);
    if (!socket) co_return;
    const auto session = std::make_shared<NodeSession>(
        *this, executor_, std::move(machine), opened, std::move(*socket)
    );
    co_await session->run();
}

Task<Result<std::unique_ptr<net::ByteStream>>> Hub::open_stream(
    std::string node, streams::StreamClass cls
) {
    for (const auto& session : sessions_of(node)) {
        if (session->welcomed()) co_return co_await session->open_stream(cls);
    }
    if (!feed_.views().knows(node)) co_return fail(ErrorCode::not_found, "no node " + node);
    co_return fail(ErrorCode::unavailable, "node " + node + " has no session with this hub");
}

// A machine that is not welcome comes back for ever: one line for each key and reason.
void Hub::log_refusal(const net::PeerIdentity& peer, const Error& error) {
    ++counters_.machines_refused;
    if (refused_.size() >= kRefusedRemembered) refused_.clear();
    const auto [known, added] = refused_.try_emplace(peer.spki_sha256_hex, error.code());
    const bool told = !added && std::exchange(known->second, error.code()) == error.code();
    const log::Field address("peer", peer.address);
    const log::Field reason("reason", error.message());
    if (told) {
        logger_.debug("machine refused", {address, reason});
    } else {
        logger_.warning("machine refused", {address, reason});
    }
}

HubCounters Hub::counters() const {
    HubCounters all = counters_;
    for (const auto& [node, sessions] : sessions_) {
        for (const NodeSession* session : sessions) {
            all.sessions.add(session->counters());
            add_streams(all, *session);
        }
    }
    return all;
}

std::array<std::uint64_t, kPhases> Hub::sessions_by_phase() const {
    std::array<std::uint64_t, kPhases> count{};
    for (const auto& [node, sessions] : sessions_) {
        for (const NodeSession* session : sessions) {
            ++count.at(static_cast<std::size_t>(session->phase()));
        }
    }
    return count;
}

void Hub::enter(NodeSession& session) {
    sessions_[session.node()].push_back(&session);
    ++counters_.sessions_opened;
}

void Hub::leave(NodeSession& session) {
    const auto of_node = sessions_.find(session.node());
    std::erase(of_node->second, &session);
    if (of_node->second.empty()) sessions_.erase(of_node);
    ++counters_.sessions_ended;
    counters_.sessions.add(session.counters());
    add_streams(counters_, session);
}

std::vector<std::shared_ptr<NodeSession>> Hub::sessions_of(const std::string& node) const {
    std::vector<std::shared_ptr<NodeSession>> found;
    const auto of_node = sessions_.find(node);
    if (of_node == sessions_.end()) return found;
    for (NodeSession* session : of_node->second) found.push_back(session->shared_from_this());
    return found;
}

void Hub::dismiss_all() {
    dismiss_all(tunnel::GoodbyeReason::shutting_down, {});
}

void Hub::dismiss_all(tunnel::GoodbyeReason reason, const std::string& text) {
    std::vector<std::string> nodes;
    for (const auto& [node, sessions] : sessions_) nodes.push_back(node);
    for (const std::string& node : nodes) {
        for (const auto& session : sessions_of(node)) {
            session->feed(event::Dismissed{.reason = reason, .text = text});
        }
    }
}

void Hub::views_changed(const views::ViewChanges& changes) {
    std::map<std::string, event::ViewChanged> by_node;
    for (const views::ViewChange& change : changes) {
        by_node[change.node].changes.push_back(change);
    }
    // An empty change tells that the views have become whole.
    if (changes.empty()) {
        for (const auto& [node, sessions] : sessions_) by_node[node];
    }
    for (const auto& [node, changed] : by_node) {
        const bool about_node = std::ranges::any_of(changed.changes, [](const auto& change) {
            return change.key.kind == "Node";
        });
        for (const auto& session : sessions_of(node)) {
            session->feed(changed);
            if (about_node) session->check_access();
        }
    }
}

void Hub::adopt(NodeSession& newer, tunnel::GoodbyeReason reason) {
    for (const auto& session : sessions_of(newer.node())) {
        if (session.get() == &newer) break;  // Those behind it came later.
        session->feed(event::Dismissed{.reason = reason, .text = {}});
    }
}

Task<Result<Judgement>> Hub::take_epoch(
    NodeLease& lease, std::string node, tunnel::Hello hello, WallTime opened
) {
    auto current = co_await client_.get(kubeapi::kNodes, "", node);
    if (!current) co_return fail(current.error());
    std::uint64_t floor = epoch_floor_[node];
    const auto text = object::annotation(*current, tunnel::kReportAnnotation).value_or("");
    if (const auto mark = ReportMark::parse(text)) floor = std::max(floor, mark->epoch + 1);
    std::string uid(object::uid(*current));
    tunnel::Hello copy = hello;
    auto judgement = co_await lease.take(std::move(copy), opened, std::move(uid), floor);
    if (!judgement) co_return judgement;
    for (MachineNews& news : news_of(*judgement, hello)) {
        co_await tell_people(*current, hello, std::move(news));
    }
    co_return judgement;
}

Task<> Hub::tell_people(json::Value node, tunnel::Hello hello, MachineNews news) {
    logger_.error(
        news.message, {{"node", object::name(node)},
                       {"store", hello.store_uuid},
                       {"generation", hello.generation},
                       {"process", hello.process}}
    );
    switch (news.kind) {
        case MachineNews::Kind::store_went_back:
            ++counters_.stores_went_back;
            break;
        case MachineNews::Kind::reports_lost:
            counters_.reports_lost += news.count;
            break;
        case MachineNews::Kind::cloned:
            ++counters_.clones_found;
            break;
        case MachineNews::Kind::node_made_anew:
            break;
    }
    co_await write_event(std::move(node), std::move(news));
}

Task<> Hub::tell_made_anew(std::string node) {
    MachineNews news = node_made_anew();
    logger_.warning(news.message, {{"node", node}});
    auto current = co_await client_.get(kubeapi::kNodes, "", node);
    if (current) co_await write_event(std::move(*current), std::move(news));
}

Task<> Hub::write_event(json::Value node, MachineNews news) {
    json::Value event = kubeapi::make_event(
        kubeapi::reference_to(node, "v1", "Node"), "Warning", reason_of(news.kind),
        std::move(news.message), "cloudcore", clock_.now().wall
    );
    const auto created = co_await client_.create(kubeapi::kEvents, "default", std::move(event), {});
    if (!created) {
        logger_.warning("event not written", {{"error", created.error().message()}});
    }
}

Task<ApplyOutcome> Hub::apply(std::string node, action::Apply apply) {
    const ReportMark mark{.epoch = apply.epoch, .ordinal = apply.ordinal};
    const views::NodeView& view = feed_.views().view(node);
    const AppliedReport applied =
        co_await apply_report(client_, clock_, view, node, mark, std::move(apply.report), kubelet_);
    // Whoever wrote that epoch, the node's next one must be above it.
    if (applied.newer_epoch != 0) {
        epoch_floor_[node] = std::max(epoch_floor_[node], applied.newer_epoch + 1);
    }
    co_return applied.outcome;
}

}  // namespace farhold::hub
