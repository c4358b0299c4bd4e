// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/definitions/bring_definitions.hpp"

#include "cloudcore/definitions/manifests.hpp"
#include "common/object/metadata.hpp"
#include "common/yaml/parse_yaml.hpp"

#include <string>
#include <utility>

namespace farhold::definitions {
namespace {

// A patch that changes nothing is not written.
Task<Result<void>> bring(kubeapi::KubeObjects& client, json::Value definition) {
    const std::string name(object::name(definition));
    kubeapi::Patch patch;
    patch.type = kubeapi::PatchType::merge;
    patch.body = json::Value::make_object();
    patch.body.set("spec", *definition.find("spec"));
    Result<json::Value> done =
        co_await client.create(kubeapi::kCustomResourceDefinitions, "", std::move(definition));
    if (!done && done.error().code() == ErrorCode::already_exists) {
        done =
            co_await client.patch(kubeapi::kCustomResourceDefinitions, "", name, std::move(patch));
    }
    if (!done) {
        co_return fail(done.error().within("definition " + name));
    }
    co_return Result<void>();
}

}  // namespace

Task<Result<void>> bring_definitions(kubeapi::KubeObjects& client) {
    for (const std::string& manifest : manifests()) {
        auto definition = yaml::parse(manifest);
        if (!definition) {
            co_return fail(definition.error().within("a manifest of the program's own"));
        }
        auto brought = co_await bring(client, std::move(*definition));
        if (!brought) {
            co_return brought;
        }
    }
    co_return Result<void>();
}

}  // namespace farhold::definitions
