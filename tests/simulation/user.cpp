// SPDX-License-Identifier: Apache-2.0
#include "user.hpp"

#include "cloudcore/views/pod_references.hpp"
#include "common/object/metadata.hpp"

#include <array>
#include <utility>

namespace farhold::simulation {
namespace {

using namespace std::chrono_literals;

constexpr int kDataObjects = 8;  // Of each kind.
constexpr int kDataAtFirst = 5;

json::Value bare(const std::string& kind, const std::string& name) {
    json::Value object = json::Value::make_object();
    object.set("kind", json::Value::of(kind));
    object.ensure_path({"metadata"}).set("namespace", json::Value::of("default"));
    object.ensure_path({"metadata"}).set("name", json::Value::of(name));
    return object;
}

}  // namespace

User::User(Fleet& fleet)
    : fleet_(fleet),
      world_(fleet.world()),
      pace_(world_.between(2s, 20s)),
      pods_max_(fleet.machines().size() * world_.random.between(1, 5)) {}

void User::start() {
    working_ = true;
    for (int i = 0; i < kDataAtFirst; ++i) {
        put_data("ConfigMap", i);
        put_data("Secret", i);
    }
    const json::Value account = bare("ServiceAccount", "default");
    world_.ledger.data_made(object::ObjectKey::of(account));
    static_cast<void>(fleet_.api().create(account));
    work();
}

void User::stop() {
    working_ = false;
    for (int i = 0; i < kDataObjects; ++i) {
        put_data("ConfigMap", i);
        put_data("Secret", i);
    }
}

void User::work() {
    if (!working_) {
        return;
    }
    const double dice = world_.random.unit();
    if (dice < 0.4) {
        make_pod();
    } else if (dice < 0.55) {
        delete_pod();
    } else if (dice < 0.63) {
        replace_pod();
    } else if (dice < 0.8) {
        change_data();
    } else if (dice < 0.9) {
        relabel_pod();
    } else if (dice < 0.97) {
        change_image();
    } else if (dice < 0.985) {
        recreate_node();
    } else {
        clear_out();
    }
    world_.queue.after(world_.between(pace_ / 10, pace_ * 2), [this] { work(); });
}

ObjectPtr User::some(const std::string& kind) {
    const auto objects = fleet_.api().of_kind(kind);
    return objects.empty() ? nullptr : objects[world_.random.between(0, objects.size() - 1)];
}

void User::make_pod() {
    if (fleet_.api().of_kind("Pod").size() < pods_max_) {
        auto& machines = fleet_.machines();
        const auto& machine = machines[world_.random.between(0, machines.size() - 1)];
        make_pod_named(fmt::format("pod-{}", ++made_), machine->parts.name);
    }
}

void User::make_pod_named(const std::string& name, const std::string& node) {
    const int config = static_cast<int>(world_.random.between(0, kDataObjects - 1));
    const int secret = static_cast<int>(world_.random.between(0, kDataObjects - 1));
    const bool job = world_.random.chance(0.2);
    json::Value pod = bare("Pod", name);
    pod.set(
        "spec", json::Value::parse(
                    fmt::format(
                        R"({{"nodeName":"{}","serviceAccountName":"default","restartPolicy":"{}",)"
                        R"("terminationGracePeriodSeconds":5,"volumes":[{{"name":"v",)"
                        R"("configMap":{{"name":"configmap-{}"}}}},{{"name":"t","projected":)"
                        R"({{"sources":[{{"serviceAccountToken":{{"path":"token",)"
                        R"("expirationSeconds":600}}}}]}}}}],"containers":[{{"name":"main",)"
                        R"("image":"img:1","env":[{{"name":"E","valueFrom":{{"secretKeyRef":)"
                        R"({{"name":"secret-{}","key":"key"}}}}}}]}}]}})",
                        node, job ? "OnFailure" : "Always", config, secret
                    )
                )
                    .value()
    );
    const auto made = fleet_.api().create(std::move(pod));
    if (!made) {
        return;
    }
    const std::string uid(object::uid(**made));
    world_.note("user makes {} ({}) on {}", name, uid, node);
    auto needs = views::references_of_pod(**made);
    world_.ledger.pod_made(uid, node, needs);
    if (job) {
        for (const auto& machine : fleet_.machines()) {
            if (machine->parts.name == node) {
                machine->parts.runtime.set_habit(uid, SimRuntime::Habit{world_.between(5s, 60s)});
            }
        }
    }
}

void User::delete_pod() {
    if (const ObjectPtr pod = some("Pod")) {
        world_.note("user deletes {}", object::name(*pod));
        fleet_.api().delete_gracefully(object::ObjectKey::of(*pod));
    }
}

// By force, and the same again at once: only the uid tells them apart.
void User::replace_pod() {
    if (const ObjectPtr pod = some("Pod")) {
        const std::string uid(object::uid(*pod));
        const std::string node(pod->text_at({"spec", "nodeName"}));
        static_cast<void>(fleet_.api().remove(object::ObjectKey::of(*pod), uid));
        json::Value again = bare("Pod", std::string(object::name(*pod)));
        again.set("spec", *pod->find("spec"));
        const auto made = fleet_.api().create(std::move(again));
        const std::string new_uid(object::uid(**made));
        world_.note("user replaces {} ({}) by {}", object::name(*pod), uid, new_uid);
        world_.ledger.pod_made(new_uid, node, views::references_of_pod(**made));
        for (const auto& machine : fleet_.machines()) {
            if (machine->parts.name == node) {
                machine->parts.runtime.inherit_habit(uid, new_uid);
            }
        }
    }
}

void User::put_data(const std::string& kind, int number) {
    const std::string name =
        fmt::format("{}-{}", kind == "Secret" ? "secret" : "configmap", number);
    json::Value object = bare(kind, name);
    // Base64 as well as text.
    object.ensure_path({"data"}).set(
        "key", json::Value::of(fmt::format("{:08}", world_.random.between(0, 99'999'999)))
    );
    if (!fleet_.api().update(object)) {
        world_.ledger.data_made(object::ObjectKey::of(object));
        static_cast<void>(fleet_.api().create(std::move(object)));
    }
}

void User::change_data() {
    const int number = static_cast<int>(world_.random.between(0, kDataObjects - 1));
    put_data(world_.random.chance(0.5) ? "Secret" : "ConfigMap", number);
}

void User::relabel_pod() {
    if (const ObjectPtr pod = some("Pod")) {
        json::Value changed = *pod;
        object::set_label(changed, "touched", std::to_string(world_.random.between(0, 9)));
        static_cast<void>(fleet_.api().update(std::move(changed)));
    }
}

void User::change_image() {
    if (const ObjectPtr pod = some("Pod")) {
        json::Value changed = *pod;
        world_.ledger.respecified(std::string(object::uid(*pod)));
        json::Value& container = changed["spec"]["containers"].array().front();
        const bool first = container.text_at({"image"}) == "img:1";
        container.set("image", json::Value::of(first ? "img:2" : "img:1"));
        static_cast<void>(fleet_.api().update(std::move(changed)));
    }
}

void User::recreate_node() {
    if (const ObjectPtr node = some("Node")) {
        world_.note("user makes {} anew", object::name(*node));
        const std::string uid(object::uid(*node));
        static_cast<void>(fleet_.api().remove(object::ObjectKey::of(*node), uid));
        static_cast<void>(fleet_.api().create(machine_node(object::name(*node))));
    }
}

// Half of all pods at once.
void User::clear_out() {
    world_.note("user clears out");
    for (const ObjectPtr& pod : fleet_.api().of_kind("Pod")) {
        if (world_.random.chance(0.5)) {
            const std::string uid(object::uid(*pod));
            static_cast<void>(fleet_.api().remove(object::ObjectKey::of(*pod), uid));
        }
    }
}

}  // namespace farhold::simulation
