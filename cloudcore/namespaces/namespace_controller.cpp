// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/namespaces/namespace_controller.hpp"

#include "cloudcore/namespaces/namespace_conditions.hpp"
#include "common/object/metadata.hpp"

#include <chrono>
#include <utility>

namespace farhold::namespaces {
namespace {

// Between two looks at a namespace whose pods still take their grace period, or after an error.
constexpr Duration kRetry = std::chrono::seconds(1);

constexpr const char* kAccount = "default";
constexpr const char* kRootCa = "kube-root-ca.crt";
constexpr std::string_view kFinalizer = "kubernetes";

kubeapi::ListOptions named(std::string name) {
    kubeapi::ListOptions options;
    options.field_selector = "metadata.name=" + std::move(name);
    return options;
}

json::Value object_named(std::string_view name) {
    json::Value object = json::Value::make_object();
    object.ensure_path({"metadata", "name"}) = json::Value::of(name);
    return object;
}

// Already there, or the namespace went away meanwhile: both are fine.
bool is_settled(const Result<json::Value>& created) {
    return created || created.error().code() == ErrorCode::already_exists ||
           created.error().code() == ErrorCode::not_found;
}

}  // namespace

void NamespaceController::FurnitureHandler::removed(const kubeapi::ObjectPtr& object) {
    owner_.due_.emplace(object::ns(*object));
    owner_.wake_.set();
}

NamespaceController::NamespaceController(
    Executor executor, kubeapi::KubeClient& client, std::vector<kubeapi::ResourceRef> content,
    std::string root_ca_pem, const Clock& clock, log::Logger logger
)
    : client_(client),
      content_(std::move(content)),
      root_ca_pem_(std::move(root_ca_pem)),
      clock_(clock),
      logger_(std::move(logger)),
      furniture_(*this),
      namespaces_(client, kubeapi::kNamespaces, {}, *this, logger_),
      accounts_(client, kubeapi::kServiceAccounts, named(kAccount), furniture_, logger_),
      root_cas_(client, kubeapi::kConfigMaps, named(kRootCa), furniture_, logger_),
      wake_(std::move(executor)) {}

void NamespaceController::start(TaskGroup& group) {
    group.spawn(namespaces_.run());
    group.spawn(accounts_.run());
    group.spawn(root_cas_.run());
    group.spawn(reconcile_all());
}

void NamespaceController::replaced(const std::vector<kubeapi::ObjectPtr>& objects) {
    known_.clear();
    for (const kubeapi::ObjectPtr& object : objects) {
        changed(object);
    }
}

void NamespaceController::changed(const kubeapi::ObjectPtr& object) {
    const std::string name(object::name(*object));
    known_[name] = object;
    due_.insert(name);
    wake_.set();
}

void NamespaceController::removed(const kubeapi::ObjectPtr& object) {
    known_.erase(std::string(object::name(*object)));
}

Task<> NamespaceController::reconcile_all() {
    while (true) {
        std::set<std::string> again;
        for (const std::string& name : std::exchange(due_, {})) {
            const Result<bool> done = co_await reconcile(name);
            const Instant now = clock_.now().mono;
            const auto failing = failing_.find(name);
            if (!done) {
                failing_
                    .try_emplace(
                        name, logger_.with({{"namespace", name}}), "namespace not reconciled",
                        "namespace reconciled"
                    )
                    .first->second.met(done.error().message(), now);
            } else if (failing != failing_.end()) {
                failing->second.over(now);
                failing_.erase(failing);
            }
            if (!done.value_or(false)) {
                again.insert(name);
            }
        }
        if (again.empty()) {
            co_await wake_.wait();
        } else {
            co_await wake_.wait_for(kRetry);
        }
        due_.merge(again);
    }
}

// False: look again soon.
Task<Result<bool>> NamespaceController::reconcile(std::string name) {
    const auto found = known_.find(name);
    if (found == known_.end()) {
        co_return true;
    }
    if (object::is_deleting(*found->second)) {
        co_return co_await empty_out(std::move(name));
    }
    const Result<void> furnished = co_await furnish(std::move(name));
    if (!furnished) {
        co_return fail(furnished.error());
    }
    co_return true;
}

Task<Result<void>> NamespaceController::furnish(std::string ns) {
    json::Value account = object_named(kAccount);
    const Result<json::Value> account_created =
        co_await client_.create(kubeapi::kServiceAccounts, ns, std::move(account));
    if (!is_settled(account_created)) {
        co_return fail(account_created.error());
    }
    json::Value root_ca = object_named(kRootCa);
    root_ca.ensure_path({"data", "ca.crt"}) = json::Value::of(root_ca_pem_);
    const Result<json::Value> ca_created =
        co_await client_.create(kubeapi::kConfigMaps, ns, std::move(root_ca));
    if (!is_settled(ca_created)) {
        co_return fail(ca_created.error());
    }
    co_return Result<void>();
}

// The kinds that are always there, and those that are defined now.
Task<Result<std::vector<kubeapi::ResourceRef>>> NamespaceController::all_content() {
    std::vector<kubeapi::ResourceRef> content = content_;
    const Result<kubeapi::ListResult> defined =
        co_await client_.list(kubeapi::kCustomResourceDefinitions, {});
    if (!defined) {
        co_return fail(defined.error());
    }
    for (const kubeapi::ObjectPtr& definition : defined->items) {
        if (definition->text_at({"spec", "scope"}) != "Namespaced" ||
            !object::condition_is_true(*definition, "Established")) {
            continue;
        }
        for (const json::Value& version : definition->elements_at({"spec", "versions"})) {
            if (version.bool_at({"served"})) {
                content.push_back(
                    {std::string(definition->text_at({"spec", "group"})),
                     std::string(version.text_at({"name"})),
                     std::string(definition->text_at({"spec", "names", "plural"}))}
                );
                break;
            }
        }
    }
    co_return content;
}

// Asks for the deletion of all that is there and counts what stays.
Task<Result<void>> NamespaceController::delete_content(
    std::string ns, RemainingContent& remaining
) {
    const Result<std::vector<kubeapi::ResourceRef>> content = co_await all_content();
    if (!content) {
        co_return fail(content.error());
    }
    for (const kubeapi::ResourceRef& resource : *content) {
        kubeapi::ListOptions options;
        options.ns = ns;
        const Result<kubeapi::ListResult> listed = co_await client_.list(resource, options);
        if (!listed) {
            co_return fail(listed.error());
        }
        for (const kubeapi::ObjectPtr& item : listed->items) {
            if (!object::is_deleting(*item)) {
                const std::string name(object::name(*item));
                kubeapi::DeleteOptions deletion;
                deletion.uid = object::uid(*item);
                const Result<void> removed =
                    co_await client_.remove(resource, ns, name, std::move(deletion));
                if (!removed && removed.error().code() != ErrorCode::not_found) {
                    co_return fail(removed.error());
                }
            }
        }
        const Result<kubeapi::ListResult> left = co_await client_.list(resource, options);
        if (!left) {
            co_return fail(left.error());
        }
        for (const kubeapi::ObjectPtr& item : left->items) {
            ++remaining.by_resource[resource.plural + "." + resource.group];
            for (const std::string& finalizer : object::finalizers(*item)) {
                ++remaining.by_finalizer[finalizer];
            }
        }
    }
    co_return Result<void>();
}

Task<Result<bool>> NamespaceController::empty_out(std::string ns) {
    RemainingContent remaining;
    const Result<void> deleted = co_await delete_content(ns, remaining);
    if (!deleted) {
        co_return fail(deleted.error());
    }
    const Result<json::Value> current = co_await client_.get(kubeapi::kNamespaces, "", ns);
    if (!current) {
        co_return current.error().code() == ErrorCode::not_found ? Result<bool>(true)
                                                                 : fail(current.error());
    }
    json::Value updated = *current;
    updated.ensure_path({"status", "conditions"}) =
        deletion_conditions(*current, remaining, clock_.now().wall);
    const Result<json::Value> written =
        co_await client_.update(kubeapi::kNamespaces, "", std::move(updated), "status");
    if (!written) {
        // Somebody else wrote it meanwhile: look again.
        co_return written.error().code() == ErrorCode::conflict ? Result<bool>(false)
                                                                : fail(written.error());
    }
    if (!remaining.by_resource.empty()) {
        co_return false;
    }
    const Result<void> gone = co_await let_go(ns);
    if (!gone) {
        co_return fail(gone.error());
    }
    co_return true;
}

Task<Result<void>> NamespaceController::let_go(std::string ns) {
    Result<json::Value> current = co_await client_.get(kubeapi::kNamespaces, "", ns);
    if (!current) {
        co_return fail(current.error());
    }
    json::Value kept = json::Value::make_array();
    if (const json::Value* finalizers = current->at_path({"spec", "finalizers"})) {
        for (const json::Value& finalizer : finalizers->array()) {
            if (finalizer.string() != kFinalizer) {
                kept.push_back(finalizer);
            }
        }
    }
    current->ensure_path({"spec", "finalizers"}) = std::move(kept);
    const Result<json::Value> written =
        co_await client_.update(kubeapi::kNamespaces, "", std::move(*current), "finalize");
    if (!written) {
        co_return fail(written.error());
    }
    logger_.info("namespace deleted", {{"namespace", ns}});
    co_return Result<void>();
}

}  // namespace farhold::namespaces
