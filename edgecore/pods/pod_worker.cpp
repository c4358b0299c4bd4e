// SPDX-License-Identifier: Apache-2.0
#include "edgecore/pods/pod_worker.hpp"

#include "common/async/timeout.hpp"
#include "common/base/ensure.hpp"
#include "common/base/random.hpp"
#include "edgecore/pods/pod_files.hpp"
#include "edgecore/pods/pod_status.hpp"
#include "edgecore/podspec/service_environment.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <utility>

namespace farhold::pods {

namespace {

constexpr Duration kFirstTokenTime = std::chrono::seconds(2);

// Those whose interruption leaves nothing half-done in the runtime.
bool can_be_cancelled(const Action& action) {
    return std::holds_alternative<PullImage>(action) ||
           std::holds_alternative<StopContainers>(action);
}

}  // namespace

PodWorker::PodWorker(
    PodServices& services, SharedListing& listing, StartLimit& starts, PodIdentity pod,
    PodMemory memory
)
    : services_(services),
      starts_(starts),
      lifecycle_(pod, std::move(memory)),
      observer_(services, listing, pod.uid),
      events_(pod, services.machine.node_name),
      tokens_changed_(services.executor),
      wake_(services.executor),
      log_(services.log.with({{"pod", pod.ns + "/" + pod.name}})),
      unreadable_(log_, "object not readable", "all objects readable"),
      unreported_(
          log_, "status not kept for the hub", "status kept for the hub", log::Level::error
      ),
      summary_{
          .pod = std::move(pod), .phase = "Unknown", .ready = false, .restarts = 0, .reason = {}
      } {}

void PodWorker::desire(PodSpecPtr spec) {
    if (spec == nullptr && lifecycle_.spec() != nullptr) {
        // Now and not at the end: the keys may belong to a new pod of the same name by then.
        services_.reports.forget(report_key("PodStatus"));
        services_.reports.forget(report_key("PodGone"));
        reported_.clear();
    }
    lifecycle_.desire(std::move(spec), services_.clock.now());
    wake_.set();
}

void PodWorker::refuse(std::string reason, std::string message) {
    log_.warning("pod refused", {{"reason", reason}, {"message", message}});
    lifecycle_.refuse(std::move(reason), std::move(message));
    wake_.set();
}

void PodWorker::references_changed() {
    lifecycle_.references_changed();
    tokens_.hasten();
    wake_.set();
}

void PodWorker::runtime_changed() {
    lifecycle_.runtime_changed();
    wake_.set();
}

void PodWorker::token_answered(const podspec::TokenTerms& terms, const tunnel::Token& token) {
    Random random = Random::from_system();
    auto held = tokens_.answered(
        terms, token, services_.clock.now().mono, services_.tokens.trusted_time(), random
    );
    if (held) {
        ++services_.counters.tokens_received;
        lifecycle_.remember_token(terms, std::move(*held));
    } else {
        ++services_.counters.tokens_refused;
        log_.debug("no token", {{"reason", token.refusal}});
    }
    tokens_changed_.set();
    wake_.set();
}

void PodWorker::time_changed() {
    wake_.set();
}

// Tokens are not refreshed any more once the pod is to end.
void PodWorker::ask_for_tokens(Now now) {
    tokens_due_.reset();
    const PodSpecPtr spec = lifecycle_.spec();
    if (lifecycle_.terminating()) {
        return;
    }
    const PodTokens::Look look = tokens_.look(
        podspec::referenced_names(*spec).tokens, lifecycle_.memory().tokens, now.mono,
        services_.tokens.trusted_time()
    );
    tokens_due_ = look.next;
    for (const podspec::TokenTerms& terms : look.due) {
        services_.tokens.want({
            .ns = spec->identity.ns,
            .pod = spec->identity.name,
            .pod_uid = spec->identity.uid,
            .service_account = spec->service_account,
            .audience = terms.audience,
            .expiration_seconds = terms.expiration_seconds,
        });
    }
}

Task<> PodWorker::run() {
    while (!forgotten_) {
        const Now now = services_.clock.now();
        ask_for_tokens(now);
        const Action action = lifecycle_.next(now);
        publish();
        if (const auto* idle = std::get_if<Wait>(&action)) {
            std::optional<Instant> until = idle->until;
            if (tokens_due_ && (!until || *tokens_due_ < *until)) {
                until = tokens_due_;
            }
            co_await wait(until, now.mono);
        } else if (std::holds_alternative<Forget>(action)) {
            co_await forget();
        } else {
            co_await perform(action);
        }
    }
}

Task<> PodWorker::perform(Action action) {
    if (std::holds_alternative<Observe>(action)) {
        co_await observe();
    } else if (const auto* check = std::get_if<CheckImage>(&action)) {
        co_await check_image(*check);
    } else if (can_be_cancelled(action)) {
        co_await operate_until_cancelled(std::move(action));
    } else {
        const Operation operation = action.index();
        const Result<void> outcome = co_await operate(std::move(action));
        note_outcome(operation, outcome);
        if (std::exchange(configuration_failed_, false)) {
            lifecycle_.configuration_failed(outcome.error(), services_.clock.now());
        } else {
            lifecycle_.finished(outcome, services_.clock.now());
        }
    }
}

void PodWorker::note_outcome(Operation operation, const Result<void>& outcome) {
    const Instant now = services_.clock.now().mono;
    const auto known = troubles_.find(operation);
    if (outcome) {
        if (known != troubles_.end()) known->second.over(now);
        return;
    }
    if (outcome.error().code() == ErrorCode::cancelled) {
        return;
    }
    ++services_.counters.operations_failed;
    troubles_
        .try_emplace(operation, log_, "pod operation failed", "pod operation succeeded at last")
        .first->second.met(outcome.error().message(), now);
}

bool PodWorker::failing(Operation operation) const {
    const auto known = troubles_.find(operation);
    return known != troubles_.end() && known->second.present();
}

void PodWorker::tell(Operation operation, std::string_view sentence, log::Field field) const {
    if (failing(operation)) {
        log_.debug(sentence, {std::move(field)});
    } else {
        log_.info(sentence, {std::move(field)});
    }
}

Task<> PodWorker::observe() {
    auto observation = co_await observer_.observe(lifecycle_.spec());
    if (!observation) {
        log_.debug("pod not observed", {{"error", observation.error().message()}});
    }
    lifecycle_.observed(std::move(observation), services_.clock.now());
}

Task<> PodWorker::check_image(CheckImage check) {
    const auto found = co_await services_.runtime.image_status(check.image);
    Result<bool> present = false;
    if (found) {
        present = found->has_value();
    } else {
        present = fail(found.error());
    }
    lifecycle_.image_checked(present, services_.clock.now());
}

Task<> PodWorker::operate_until_cancelled(Action action) {
    std::optional<Result<void>> outcome;
    const Operation operation = action.index();
    co_await race(store_outcome(std::move(action), outcome), wait_for_cancel());
    const Result<void> result =
        outcome ? std::move(*outcome) : fail(ErrorCode::cancelled, "given up");
    note_outcome(operation, result);
    lifecycle_.finished(result, services_.clock.now());
}

Task<> PodWorker::store_outcome(Action action, std::optional<Result<void>>& outcome) {
    outcome = co_await operate(std::move(action));
}

Task<> PodWorker::wait_for_cancel() {
    while (true) {
        const Now now = services_.clock.now();
        const Action next = lifecycle_.next(now);
        if (std::holds_alternative<Cancel>(next)) {
            co_return;
        }
        const auto* idle = std::get_if<Wait>(&next);
        ensure(idle != nullptr, "one operation at a time");
        co_await wait(idle->until, now.mono);
    }
}

Task<> PodWorker::wait(std::optional<Instant> until, Instant now) {
    if (until) {
        co_await wake_.wait_for(*until - now);
    } else {
        co_await wake_.wait();
    }
}

Task<Result<void>> PodWorker::operate(Action action) {
    runtime::ContainerRuntime& runtime = services_.runtime;
    if (std::holds_alternative<SaveMemory>(action)) {
        co_return co_await save_memory();
    }
    if (std::holds_alternative<PrepareVolumes>(action)) {
        co_return co_await prepare_volumes();
    }
    if (const auto* pull = std::get_if<PullImage>(&action)) {
        tell(action.index(), "pulling image", log::Field("image", pull->image));
        const runtime::RegistryAuth anonymous;
        const auto pulled = co_await runtime.pull_image(pull->image, anonymous);
        services_.counters.images_pulled += pulled ? 1 : 0;
        co_return pulled ? Result<void>() : fail(pulled.error());
    }
    if (const auto* run = std::get_if<RunSandbox>(&action)) {
        co_return co_await run_sandbox(*run);
    }
    if (const auto* create = std::get_if<CreateContainer>(&action)) {
        co_return co_await create_container(*create);
    }
    if (const auto* start = std::get_if<StartContainer>(&action)) {
        tell(action.index(), "starting container", log::Field("container", start->name));
        auto started = co_await runtime.start_container(start->container_id);
        services_.counters.containers_started += started ? 1 : 0;
        co_return std::move(started);
    }
    if (auto* stop = std::get_if<StopContainers>(&action)) {
        co_return co_await stop_containers(std::move(*stop));
    }
    if (const auto* remove = std::get_if<RemoveContainer>(&action)) {
        co_return co_await runtime.remove_container(remove->container_id);
    }
    if (const auto* stop_sandbox = std::get_if<StopSandbox>(&action)) {
        co_return co_await runtime.stop_sandbox(stop_sandbox->sandbox_id);
    }
    if (const auto* remove_sandbox = std::get_if<RemoveSandbox>(&action)) {
        co_return co_await runtime.remove_sandbox(remove_sandbox->sandbox_id);
    }
    if (std::holds_alternative<RemoveVolumes>(action)) {
        co_return co_await remove_volumes();
    }
    ensure(std::holds_alternative<ReportGone>(action), "every operation is carried out");
    report_gone();
    co_return Result<void>();
}

// Memory and the status that shows it are one fact, so they are one commit.
Task<Result<void>> PodWorker::save_memory() {
    store::StoreBatch batch;
    const std::string uid = lifecycle_.identity().uid;
    const std::string body = make_status().dump();
    auto report = services_.store.outbox().put(report_key("PodStatus"), uid, body);
    if (report) {
        batch.reports.push_back(std::move(*report));
        unreported_.over(services_.clock.now().mono);
    } else {
        // The whole status goes up again with the next session; only history in between is lost.
        unreported_.met(report.error().message(), services_.clock.now().mono);
    }
    batch.memory.push_back({.pod_uid = uid, .text = encode_memory(lifecycle_.memory())});
    co_return co_await services_.store.commit(std::move(batch));
}

// As long as a hub that can be reached takes to answer: the first start of a pod is not to begin with
// a complaint.
Task<> PodWorker::wait_for_tokens() {
    const auto wanted = podspec::referenced_names(*lifecycle_.spec()).tokens;
    const Instant deadline = services_.clock.now().mono + kFirstTokenTime;
    while (lifecycle_.spec() != nullptr && tokens_.awaits_first(wanted, lifecycle_.memory().tokens)
    ) {
        const Duration left = deadline - services_.clock.now().mono;
        if (left <= Duration(0)) {
            co_return;
        }
        co_await tokens_changed_.wait_for(left);
    }
}

Task<Result<void>> PodWorker::prepare_volumes() {
    co_await wait_for_tokens();
    const PodSpecPtr spec = lifecycle_.spec();
    if (spec == nullptr) {
        co_return fail(ErrorCode::cancelled, "not wanted any more");
    }
    const podspec::References known = references();
    const podspec::MachineFacts machine = facts();
    co_return co_await services_.files.run([&] {
        return pods::prepare_volumes(*spec, known, machine, services_.machine);
    });
}

Task<Result<void>> PodWorker::run_sandbox(RunSandbox run) {
    const PodSpecPtr spec = lifecycle_.spec();
    const StartLimit::Slot slot = co_await starts_.acquire();
    SandboxFiles files =
        co_await services_.files.run([&] { return read_sandbox_files(*spec, services_.machine); });
    const runtime::SandboxConfig config =
        sandbox_config(*spec, run.attempt, services_.machine, files.dns, std::move(files.hostname));
    tell(Action(run).index(), "starting sandbox", log::Field("attempt", run.attempt));
    const auto id = co_await services_.runtime.run_sandbox(config);
    services_.counters.sandboxes_started += id ? 1 : 0;
    co_return id ? Result<void>() : fail(id.error());
}

Task<Result<void>> PodWorker::create_container(CreateContainer create) {
    const PodSpecPtr spec = lifecycle_.spec();
    const ContainerSpec* container = spec->find_container(create.name);
    ensure(container != nullptr, "containers are created from the spec");
    const auto image = co_await services_.runtime.image_status(container->image);
    if (!image) {
        co_return fail(image.error());
    }
    if (!*image) {
        co_return fail(ErrorCode::not_found, "image " + container->image + " is gone");
    }
    const podspec::References known = references();
    const podspec::MachineFacts machine = facts();
    const auto files = co_await services_.files.run([&] {
        return make_container_files(
            *spec, *container, create.attempt, known, machine, services_.machine
        );
    });
    if (!files) {
        configuration_failed_ = true;
        co_return fail(files.error());
    }
    const ContainerInputs inputs{
        .attempt = create.attempt,
        .image = **image,
        .environment = files->environment,
        .mounts = files->mounts,
    };
    const auto config = container_config(*spec, *container, inputs, services_.machine);
    if (!config) {
        configuration_failed_ = true;
        co_return fail(config.error());
    }
    const SandboxFiles sandbox_files =
        co_await services_.files.run([&] { return read_sandbox_files(*spec, services_.machine); });
    const ObservedSandbox* sandbox = lifecycle_.current_sandbox();
    ensure(sandbox != nullptr, "a container is created in a sandbox");
    const runtime::SandboxConfig within = sandbox_config(
        *spec, sandbox->attempt, services_.machine, sandbox_files.dns, sandbox_files.hostname
    );
    const auto id = co_await services_.runtime.create_container(create.sandbox_id, *config, within);
    services_.counters.containers_restarted += id && create.attempt > 0 ? 1 : 0;
    co_return id ? Result<void>() : fail(id.error());
}

Task<Result<void>> PodWorker::stop_containers(StopContainers stop) {
    log_.info(
        "stopping containers", {{"count", stop.targets.size()}, {"grace", stop.grace.count()}}
    );
    std::vector<Result<void>> outcomes(stop.targets.size(), fail(ErrorCode::cancelled, "given up"));
    TaskGroup group(services_.executor);
    for (std::size_t index = 0; index < stop.targets.size(); ++index) {
        group.spawn(stop_container(stop.targets[index], stop.grace, outcomes[index]));
    }
    co_await group.join();
    for (Result<void>& outcome : outcomes) {
        if (!outcome) {
            co_return std::move(outcome);
        }
    }
    co_return Result<void>();
}

Task<> PodWorker::stop_container(
    StopContainers::Target target, std::chrono::seconds grace, Result<void>& outcome
) {
    outcome = co_await services_.runtime.stop_container(target.container_id, grace);
    if (!outcome && outcome.error().code() == ErrorCode::not_found) {
        outcome = Result<void>();  // The next listing will not show it either.
    }
}

Task<Result<void>> PodWorker::remove_volumes() {
    const PodIdentity pod = lifecycle_.identity();
    co_return co_await services_.files.run([&] { return remove_pod_files(pod, services_.machine); }
    );
}

// Not durable: after a restart it follows from the pod's row and an empty runtime once more. In every
// session, since a cluster that is put back to an older state has the pod again.
void PodWorker::report_gone() {
    services_.reports.derived(report_key("PodGone"), lifecycle_.identity().uid, "{}");
}

Task<> PodWorker::forget() {
    store::StoreBatch batch;
    batch.forgotten.push_back(lifecycle_.identity().uid);
    const auto committed = co_await services_.store.commit(std::move(batch));
    if (!committed) {
        // The row is found again at the next start, without a pod, and is dropped then.
        log_.warning("pod row not dropped", {{"error", committed.error().message()}});
    }
    log_.info("pod gone");
    forgotten_ = true;
}

json::Value PodWorker::make_status() {
    const podspec::MachineFacts known = facts();
    PodStatus status = make_pod_status(
        lifecycle_,
        {.host_ips = known.host_ips, .pod_ips = known.pod_ips, .now = services_.clock.now().wall}
    );
    summary_.phase = status.phase;
    summary_.ready = status.ready;
    summary_.restarts = status.restarts;
    summary_.reason = main_reason(status.status);
    if (lifecycle_.terminating() && !lifecycle_.memory().final_state) {
        summary_.reason = {.reason = "Terminating", .message = ""};
    }
    return std::move(status.status);
}

// Hands over what changed since the last time.
void PodWorker::publish() {
    for (const PodEvent& happened : lifecycle_.take_events()) {
        if (auto report = events_.record(happened, services_.clock.now())) {
            services_.reports.event(
                fmt::format("Event/{}/{}", lifecycle_.identity().ns, report->name), "",
                report->body.dump()
            );
        }
    }
    if (lifecycle_.spec() == nullptr) {
        return;
    }
    if (lifecycle_.ended_elsewhere()) {
        summary_.phase = lifecycle_.spec()->final_phase;
    }
    if (!lifecycle_.status_known()) {
        return;
    }
    std::string body = make_status().dump();
    if (body != reported_) {
        reported_ = body;
        services_.reports.derived(
            report_key("PodStatus"), lifecycle_.identity().uid, std::move(body)
        );
    }
}

podspec::References PodWorker::references() {
    const store::DesiredState& desired = services_.store.desired();
    const podspec::ReferencedNames names = podspec::referenced_names(*lifecycle_.spec());
    const std::string& ns = lifecycle_.identity().ns;
    podspec::References result;
    result.complete = desired.complete();
    bool all_readable = true;
    const auto take = [&](const char* kind, const std::set<std::string>& wanted, auto& into) {
        const bool secret = std::string_view(kind) == "Secret";
        for (const std::string& name : wanted) {
            const store::DesiredRow* row = desired.find({.kind = kind, .ns = ns, .name = name});
            if (row == nullptr) {
                continue;
            }
            auto data = podspec::parse_keyed_data(*row->content, secret);
            if (!data) {
                unreadable_.met(
                    data.error().message(), services_.clock.now().mono,
                    {{"kind", kind}, {"name", name}}
                );
                all_readable = false;
                continue;
            }
            into.emplace(name, std::make_shared<const podspec::KeyedData>(std::move(*data)));
        }
    };
    take("ConfigMap", names.config_maps, result.config_maps);
    take("Secret", names.secrets, result.secrets);
    for (const podspec::TokenTerms& terms : names.tokens) {
        const auto held = lifecycle_.memory().tokens.find(terms);
        const bool known = held != lifecycle_.memory().tokens.end();
        result.tokens.emplace(
            terms, known ? Result<std::string>(held->second.token)
                         : fail(ErrorCode::not_found, std::string(tokens_.trouble(terms)))
        );
    }
    // The API server's own Service is for every pod, under a name that the pod's namespace may use too.
    if (const auto* api = desired.find("Service", "default", "kubernetes"); api != nullptr) {
        podspec::add_service_environment(api->key.name, *api->content, result.services);
    }
    if (lifecycle_.spec()->service_links) {
        for (const store::DesiredRow* row : desired.of_kind("Service")) {
            if (row->key.ns != ns) continue;
            podspec::add_service_environment(row->key.name, *row->content, result.services);
        }
    }
    if (all_readable) unreadable_.over(services_.clock.now().mono);
    return result;
}

podspec::MachineFacts PodWorker::facts() const {
    podspec::MachineFacts result = services_.facts();
    const PodSpecPtr& spec = lifecycle_.spec();
    result.pod_ips =
        spec != nullptr && spec->host_network ? result.host_ips : observer_.addresses();
    return result;
}

std::string PodWorker::report_key(std::string_view kind) const {
    return fmt::format("{}/{}/{}", kind, lifecycle_.identity().ns, lifecycle_.identity().name);
}

}  // namespace farhold::pods
