// SPDX-License-Identifier: Apache-2.0
//
// HubProcess's part that drives the sessions.
#include "common/object/metadata.hpp"
#include "common/object/patch.hpp"
#include "common/object/time_text.hpp"
#include "hub_process.hpp"
#include "invariants.hpp"

#include <algorithm>
#include <utility>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

object::ObjectKey lease_key(const std::string& node) {
    return object::ObjectKey{"Lease", "kube-node-lease", node};
}

json::Value new_lease(const std::string& node) {
    json::Value lease = json::Value::make_object();
    lease.set("kind", json::Value::of("Lease"));
    lease.ensure_path({"metadata"}).set("namespace", json::Value::of("kube-node-lease"));
    lease.ensure_path({"metadata"}).set("name", json::Value::of(node));
    return lease;
}

}  // namespace

void HubProcess::accept(const std::string& node, std::shared_ptr<Connection> connection) {
    hub::SessionConfig config;
    config.cluster_uid = cluster_uid_;
    const std::uint64_t id = ++last_session_;
    auto session = std::make_unique<Session>(*this, node, std::move(config), now());
    session->connection = std::move(connection);
    session->opened = now().wall;
    Endpoint endpoint;
    endpoint.received = [self = weak_from_this(), id](std::string bytes) {
        if (const auto hub = self.lock()) {
            hub->attend([owner = hub.get(), id, bytes = std::move(bytes)] {
                owner->tell(id, hub::event::Received{bytes});
            });
        }
    };
    endpoint.closed = [self = weak_from_this(), id](const std::string& reason) {
        if (const auto hub = self.lock()) {
            hub->attend([owner = hub.get(), id, reason] {
                owner->tell(id, hub::event::Closed{reason});
            });
        }
    };
    session->connection->attach(Side::hub, std::move(endpoint));
    Session& kept = *sessions_.emplace(id, std::move(session)).first->second;
    schedule_tick(id, kept);
}

void HubProcess::tell(std::uint64_t id, const hub::Event& event) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        return;
    }
    Session& session = *found->second;
    session.events.push_back(event);
    if (session.busy) {
        return;
    }
    session.busy = true;
    while (!session.events.empty()) {
        const hub::Event next = std::move(session.events.front());
        session.events.pop_front();
        hub::Actions actions = session.state.on_event(next, session, now());
        for (hub::Action& action : actions) {
            std::visit([this, id](auto& one) { carry_out(id, one); }, action);
        }
    }
    session.busy = false;
    if (session.state.phase() == hub::Phase::closed) {
        sessions_.erase(id);
    } else {
        schedule_tick(id, session);
    }
}

void HubProcess::schedule_tick(std::uint64_t id, Session& session) {
    const auto wake = session.state.wake_at();
    if (!wake || (session.tick > world_.now() && session.tick <= *wake)) {
        return;
    }
    session.tick = std::max(*wake, world_.now() + 1us);
    later(session.tick - world_.now(), [this, id, at = session.tick] {
        const auto found = sessions_.find(id);
        if (found != sessions_.end() && found->second->tick == at) {
            tell(id, hub::event::Tick{});
        }
    });
}

void HubProcess::carry_out(std::uint64_t id, hub::action::Send& send) {
    sessions_.at(id)->connection->send(Side::hub, std::move(send.bytes));
}

void HubProcess::carry_out(std::uint64_t id, hub::action::Close& close) {
    Session& session = *sessions_.at(id);
    world_.note("{} closes {}: {}", name_, session.node, close.reason);
    session.connection->close(Side::hub, close.reason);
}

void HubProcess::carry_out(std::uint64_t id, hub::action::Admit& admit) {
    const std::string node = sessions_.at(id)->node;
    ask<ObjectPtr>(
        [this, node] { return api_.get(lease_key(node)); },
        [this, id, node, hello = admit.hello](const Result<ObjectPtr>& lease) {
            if (!lease && lease.error().code() != ErrorCode::not_found) {
                tell(id, hub::event::NotAdmitted{tunnel::GoodbyeReason::not_ready, "no lease"});
                return;
            }
            const auto session = sessions_.find(id);
            if (session == sessions_.end()) {
                return;
            }
            json::Value next = lease ? **lease : new_lease(node);
            const hub::Judgement judgement = hub::judge(
                hub::MachineMemory::read(next), {.hello = hello,
                                                 .opened = session->second->opened,
                                                 .now = now().wall,
                                                 .epoch_floor = epoch_floor_[node]}
            );
            judgement.next.write(next);
            const bool known = lease.has_value();
            ask<ObjectPtr>(
                [this, next, known] { return known ? api_.update(next) : api_.create(next); },
                [this, id, node, judgement](const Result<ObjectPtr>& taken) {
                    admit_as(id, node, judgement, taken.has_value());
                }
            );
        }
    );
}

void HubProcess::admit_as(
    std::uint64_t id, const std::string& node, const hub::Judgement& judgement, bool written
) {
    using tunnel::GoodbyeReason;
    check_no_clone(world_, node, judgement);
    if (!written || !judgement.admitted()) {
        const bool cloned = judgement.verdict == hub::Verdict::cloned;
        world_.note("{} does not admit {}{}", name_, node, cloned ? ": cloned" : "");
        const auto reason = !written ? GoodbyeReason::not_ready
                            : cloned ? GoodbyeReason::cloned
                                     : GoodbyeReason::superseded;
        tell(id, hub::event::NotAdmitted{reason, "not admitted"});
        return;
    }
    std::vector<std::uint64_t> older;
    for (const auto& [other, session] : sessions_) {
        if (other != id && session->node == node && session->state.epoch() < judgement.next.epoch) {
            older.push_back(other);
        }
    }
    for (const std::uint64_t other : older) {
        tell(other, hub::event::Dismissed{GoodbyeReason::superseded, "newer"});
    }
    tell(
        id,
        hub::event::Admitted{judgement.next.epoch, judgement.next.acked_seq, judgement.went_back}
    );
}

void HubProcess::carry_out(std::uint64_t id, hub::action::ConfirmGone& confirm) {
    ask<bool>(
        [this, objects = confirm.objects]() -> Result<bool> {
            return std::ranges::all_of(objects, [this](const auto& object) {
                const auto current = api_.get(object.key);
                return !current || object::uid(**current) != object.uid;
            });
        },
        [this, id](const Result<bool>& gone) {
            hub::event::AbsenceChecked answer;
            if (gone) {
                answer.absence =
                    *gone ? hub::event::Absence::all_gone : hub::event::Absence::behind;
            }
            tell(id, answer);
        }
    );
}

void HubProcess::carry_out(std::uint64_t id, hub::action::RenewLease& renew) {
    const std::string node = sessions_.at(id)->node;
    ask<ObjectPtr>(
        [this, node, renew]() -> Result<ObjectPtr> {
            const auto lease = api_.get(lease_key(node));
            if (!lease) {
                return lease;
            }
            hub::MachineMemory memory = hub::MachineMemory::read(**lease);
            if (memory.epoch != renew.epoch) {
                return fail(ErrorCode::permission_denied, "another epoch");
            }
            json::Value next = **lease;
            memory.acked_seq = renew.acked_seq;
            memory.write(next);
            next.ensure_path({"spec"}).set(
                "renewTime", json::Value::of(object::format_micro_time(now().wall))
            );
            return api_.update(next);
        },
        [this, id](const Result<ObjectPtr>& renewed) {
            auto outcome = hub::event::LeaseOutcome::renewed;
            if (!renewed) {
                outcome = renewed.error().code() == ErrorCode::permission_denied
                              ? hub::event::LeaseOutcome::lost
                              : hub::event::LeaseOutcome::failed;
            }
            tell(id, hub::event::LeaseAnswered{outcome});
        }
    );
}

void HubProcess::carry_out(std::uint64_t id, hub::action::MintToken& mint) {
    ask<bool>(
        [this, wish = mint.request.wish]() -> Result<bool> {
            const auto pod = api_.get(object::ObjectKey{"Pod", wish.ns, wish.pod});
            return pod && object::uid(**pod) == wish.pod_uid;
        },
        [this, id, request = mint.request](const Result<bool>& bound) {
            tunnel::Token token{.id = request.id};
            if (bound && *bound) {
                token.token = request.wish.pod_uid;
                token.expires = now().wall + std::chrono::seconds(request.wish.expiration_seconds);
            } else {
                token.refusal = "no such pod, or no answer";
                token.retry = !bound;
            }
            tell(id, hub::event::TokenMinted{std::move(token)});
        }
    );
}

void HubProcess::carry_out(std::uint64_t id, hub::action::Apply& apply) {
    const auto target = hub::ReportTarget::parse(apply.report);
    if (!target) {
        world_.violate("well-formed", apply.report.key + ": " + target.error().message());
        return;
    }
    const bool node = target->kind == hub::ReportTarget::Kind::node_status;
    const object::ObjectKey key{node ? "Node" : "Pod", target->ns, target->name};
    ask<ObjectPtr>(
        [this, key] { return api_.get(key); },
        [this, id, apply, of_node = sessions_.at(id)->node,
         target = *target](const Result<ObjectPtr>& current) {
            write_report(id, of_node, apply, target, current);
        }
    );
}

// Goes on after the end of the session, as the hub's own work does.
void HubProcess::write_report(
    std::uint64_t id, const std::string& node, const hub::action::Apply& apply,
    const hub::ReportTarget& target, const Result<ObjectPtr>& current
) {
    using Kind = hub::ApplyOutcome::Kind;
    const auto settle = [this, id, ordinal = apply.ordinal](Kind kind, std::string reason = {}) {
        tell(id, hub::event::Applied{ordinal, hub::ApplyOutcome{kind, std::move(reason)}});
    };
    if (!current && current.error().code() != ErrorCode::not_found) {
        settle(Kind::retry, current.error().message());
        return;
    }
    const hub::WriteDecision decision = hub::decide_write(
        node, target, apply.report, hub::ReportMark{apply.epoch, apply.ordinal},
        current ? current->get() : nullptr, now().wall
    );
    if (const auto* refuse = std::get_if<hub::Refuse>(&decision)) {
        settle(Kind::refused, refuse->reason);
    } else if (const auto* write = std::get_if<hub::WriteStatus>(&decision)) {
        json::Value object = **current;
        object::merge_patch(object, write->patch);
        ask<ObjectPtr>(
            [this, object] { return api_.update(object); },
            [settle](const Result<ObjectPtr>& written) {
                settle(written ? Kind::written : Kind::retry);
            }
        );
    } else if (const auto* remove = std::get_if<hub::DeletePod>(&decision)) {
        const object::ObjectKey key{"Pod", target.ns, target.name};
        ask<void>(
            [this, key, uid = remove->uid] { return api_.remove(key, uid); },
            [settle](const Result<void>& removed) {
                const bool gone = removed || removed.error().code() != ErrorCode::unavailable;
                settle(gone ? Kind::written : Kind::retry);
            }
        );
    } else if (std::holds_alternative<hub::Superseded>(decision)) {
        settle(Kind::superseded);
    } else if (const auto* fenced = std::get_if<hub::Fenced>(&decision)) {
        epoch_floor_[node] = std::max(epoch_floor_[node], fenced->epoch + 1);
        settle(Kind::fenced);
    } else {
        settle(Kind::written);
    }
}

}  // namespace farhold::simulation
