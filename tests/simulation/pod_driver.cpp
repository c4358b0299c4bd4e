// SPDX-License-Identifier: Apache-2.0
#include "pod_driver.hpp"

#include "edgecore/pods/pod_status.hpp"
#include "edgecore/podspec/references.hpp"

#include <utility>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

bool can_be_cancelled(const pods::Action& action) {
    return std::holds_alternative<pods::PullImage>(action) ||
           std::holds_alternative<pods::StopContainers>(action);
}

}  // namespace

PodDriver::PodDriver(PodHost& host, podspec::PodIdentity pod, pods::PodMemory memory)
    : host_(host), lifecycle_(std::move(pod), std::move(memory)) {}

void PodDriver::desire(pods::PodSpecPtr spec) {
    if (spec == nullptr && lifecycle_.spec() != nullptr) {
        // Now and not at the end: the keys may belong to a new pod of the same name by then.
        host_.forget_report(report_key("PodStatus"));
        host_.forget_report(report_key("PodGone"));
        published_.clear();
    }
    lifecycle_.desire(std::move(spec), host_.now());
    pump();
}

void PodDriver::references_changed() {
    lifecycle_.references_changed();
    tokens_.hasten();
    pump();
}

void PodDriver::token_answered(const podspec::TokenTerms& terms, const tunnel::Token& token) {
    auto held = tokens_.answered(
        terms, token, host_.now().mono, host_.trusted_time(), host_.world().random
    );
    if (held) {
        lifecycle_.remember_token(terms, std::move(*held));
    }
    pump();
}

void PodDriver::ask_for_tokens() {
    const pods::PodSpecPtr pod = spec();
    if (lifecycle_.terminating()) {
        return;
    }
    const pods::PodTokens::Look look = tokens_.look(
        podspec::referenced_names(*pod).tokens, lifecycle_.memory().tokens, host_.now().mono,
        host_.trusted_time()
    );
    if (look.next) {
        wake_at(*look.next);
    }
    for (const podspec::TokenTerms& terms : look.due) {
        host_.want_token({
            .ns = identity().ns,
            .pod = identity().name,
            .pod_uid = identity().uid,
            .service_account = pod->service_account,
            .audience = terms.audience,
            .expiration_seconds = terms.expiration_seconds,
        });
    }
}

void PodDriver::runtime_changed() {
    lifecycle_.runtime_changed();
    pump();
}

void PodDriver::pump() {
    if (stopped_ || pumping_ || (busy_ && !cancellable_)) {
        return;
    }
    pumping_ = true;
    const auto self = shared_from_this();  // Forget may drop the last reference.
    ask_for_tokens();
    const pods::Action action = lifecycle_.next(host_.now());
    publish();
    if (const auto* wait = std::get_if<pods::Wait>(&action)) {
        if (wait->until) {
            wake_at(*wait->until);
        }
    } else if (std::holds_alternative<pods::Cancel>(action)) {
        finish(operation_, fail(ErrorCode::cancelled, "given up"));
    } else if (std::holds_alternative<pods::Forget>(action)) {
        stop();
        store::StoreBatch batch;
        batch.forgotten.push_back(identity().uid);
        host_.commit(std::move(batch), {}, {}, {}, [](const Result<void>&) {});
        host_.pod_forgotten(identity().uid);
    } else {
        busy_ = true;
        cancellable_ = can_be_cancelled(action);
        ++operation_;
        perform(action);
    }
    pumping_ = false;
}

void PodDriver::wake_at(Instant when) {
    const Instant now = host_.world().now();
    if (wake_ > now && wake_ <= when) {
        return;
    }
    wake_ = std::max(when, now + 1ms);
    const std::weak_ptr<PodDriver> self = weak_from_this();
    host_.world().queue.at(wake_, [self] {
        if (const auto driver = self.lock()) {
            driver->pump();
        }
    });
}

void PodDriver::finish(std::uint64_t operation, const Result<void>& outcome) {
    if (stopped_ || !busy_ || operation != operation_) {
        return;
    }
    busy_ = false;
    cancellable_ = false;
    lifecycle_.finished(outcome, host_.now());
    // From the loop and not from within, as a coroutine goes on.
    wake_at(host_.world().now());
}

void PodDriver::perform(const pods::Action& action) {
    World& world = host_.world();
    const std::weak_ptr<PodDriver> self = weak_from_this();
    const std::uint64_t operation = operation_;
    const auto answer = [self, operation](const Result<void>& outcome) {
        if (const auto driver = self.lock()) {
            driver->finish(operation, outcome);
        }
    };
    if (std::holds_alternative<pods::Observe>(action)) {
        host_.runtime().list([self, operation](auto listed) {
            const auto driver = self.lock();
            if (driver == nullptr || driver->stopped_ || operation != driver->operation_) {
                return;
            }
            driver->busy_ = false;
            if (listed) {
                driver->lifecycle_.observed((*listed)[driver->identity().uid], driver->host_.now());
            } else {
                driver->lifecycle_.observed(fail(listed.error()), driver->host_.now());
            }
            driver->pump();
        });
    } else if (std::holds_alternative<pods::CheckImage>(action)) {
        world.queue.after(1ms, [self, operation] {
            const auto driver = self.lock();
            if (driver != nullptr && !driver->stopped_ && operation == driver->operation_) {
                driver->busy_ = false;
                driver->lifecycle_.image_checked(true, driver->host_.now());
                driver->pump();
            }
        });
    } else if (std::holds_alternative<pods::SaveMemory>(action)) {
        save_memory(operation);
    } else if (std::holds_alternative<pods::ReportGone>(action)) {
        host_.report(report_key("PodGone"), identity().uid, "{}");
        answer({});
    } else if (std::holds_alternative<pods::PrepareVolumes>(action)) {
        const Result<void> present = references_present();
        world.queue.after(1ms, [answer, present] { answer(present); });
    } else if (std::holds_alternative<pods::RemoveVolumes>(action) ||
               std::holds_alternative<pods::PullImage>(action)) {
        world.queue.after(1ms, [answer] { answer({}); });
    } else {
        std::string hash;
        if (const auto* create = std::get_if<pods::CreateContainer>(&action)) {
            hash = lifecycle_.spec()->find_container(create->name)->hash;
        }
        host_.runtime().operate(identity(), action, hash, host_.now().wall, answer);
    }
}

void PodDriver::save_memory(std::uint64_t operation) {
    json::Value status = make_status();
    // The same text as the report of this very moment is the same step, however it travels.
    const bool same = status.dump() == published_;
    status.set("order", json::Value::of(same ? published_order_ : host_.next_order()));
    store::StoreBatch batch;
    batch.memory.push_back(
        store::MemoryRow{identity().uid, pods::encode_memory(lifecycle_.memory())}
    );
    const std::weak_ptr<PodDriver> self = weak_from_this();
    host_.commit(
        std::move(batch), report_key("PodStatus"), identity().uid, status.dump(),
        [self, operation](const Result<void>& outcome) {
            if (const auto driver = self.lock()) {
                driver->finish(operation, outcome);
            }
        }
    );
}

Result<void> PodDriver::references_present() const {
    const auto names = podspec::referenced_names(*lifecycle_.spec());
    for (const std::string& name : names.config_maps) {
        if (host_.desired().find("ConfigMap", identity().ns, name) == nullptr) {
            return fail(ErrorCode::not_found, "configmap " + name + " not found");
        }
    }
    for (const std::string& name : names.secrets) {
        if (host_.desired().find("Secret", identity().ns, name) == nullptr) {
            return fail(ErrorCode::not_found, "secret " + name + " not found");
        }
    }
    for (const podspec::TokenTerms& terms : names.tokens) {
        if (!lifecycle_.memory().tokens.contains(terms)) {
            return fail(ErrorCode::not_found, "no token yet");
        }
    }
    return {};
}

json::Value PodDriver::make_status() {
    pods::StatusFacts facts;
    facts.now = host_.now().wall;
    return pods::make_pod_status(lifecycle_, facts).status;
}

void PodDriver::publish() {
    static_cast<void>(lifecycle_.take_events());
    if (spec() == nullptr || !lifecycle_.status_known()) {
        return;
    }
    json::Value status = make_status();
    std::string text = status.dump();
    if (text != published_) {
        published_ = std::move(text);
        published_order_ = host_.next_order();
        status.set("order", json::Value::of(published_order_));
        host_.report(report_key("PodStatus"), identity().uid, status.dump());
    }
}

std::string PodDriver::report_key(std::string_view kind) const {
    return fmt::format("{}/{}/{}", kind, identity().ns, identity().name);
}

}  // namespace farhold::simulation
