// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/views/pod_references.hpp"

#include "common/object/metadata.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace farhold::views {
namespace {

class References {
public:
    explicit References(const json::Value& pod) : ns_(object::ns(pod)) {}

    void add(const char* kind, std::string_view name) {
        if (!name.empty()) {
            keys_.insert(object::ObjectKey{kind, ns_, std::string(name)});
        }
    }

    std::set<object::ObjectKey> take() { return std::move(keys_); }

private:
    std::string ns_;
    std::set<object::ObjectKey> keys_;
};

void add_environment(const json::Value& container, References& references) {
    for (const json::Value& source : container.elements_at({"envFrom"})) {
        references.add("ConfigMap", source.text_at({"configMapRef", "name"}));
        references.add("Secret", source.text_at({"secretRef", "name"}));
    }
    for (const json::Value& variable : container.elements_at({"env"})) {
        references.add("ConfigMap", variable.text_at({"valueFrom", "configMapKeyRef", "name"}));
        references.add("Secret", variable.text_at({"valueFrom", "secretKeyRef", "name"}));
    }
}

void add_volume(const json::Value& volume, References& references) {
    references.add("ConfigMap", volume.text_at({"configMap", "name"}));
    references.add("Secret", volume.text_at({"secret", "secretName"}));
    for (const json::Value& source : volume.elements_at({"projected", "sources"})) {
        references.add("ConfigMap", source.text_at({"configMap", "name"}));
        references.add("Secret", source.text_at({"secret", "name"}));
    }
}

}  // namespace

std::set<object::ObjectKey> references_of_pod(const json::Value& pod) {
    References references(pod);
    references.add("ServiceAccount", pod.text_at({"spec", "serviceAccountName"}));
    for (const json::Value& secret : pod.elements_at({"spec", "imagePullSecrets"})) {
        references.add("Secret", secret.text_at({"name"}));
    }
    for (const json::Value& volume : pod.elements_at({"spec", "volumes"})) {
        add_volume(volume, references);
    }
    for (const char* list : {"containers", "initContainers", "ephemeralContainers"}) {
        for (const json::Value& container : pod.elements_at({"spec", list})) {
            add_environment(container, references);
        }
    }
    return references.take();
}

std::set<object::ObjectKey> services_of_pod(const json::Value& pod) {
    std::set<object::ObjectKey> keys{{"Service", "default", "kubernetes"}};
    if (pod.bool_at({"spec", "enableServiceLinks"}, true)) {
        keys.insert(services_of(std::string(object::ns(pod))));
    }
    return keys;
}

object::ObjectKey services_of(std::string ns) {
    return {"Service", std::move(ns), {}};
}

}  // namespace farhold::views
