// SPDX-License-Identifier: Apache-2.0
#include "common/object/object_key.hpp"

#include "common/object/metadata.hpp"

namespace farhold::object {

Result<ObjectKey> ObjectKey::parse(std::string_view text) {
    const auto first = text.find('/');
    const auto second = first == std::string_view::npos ? first : text.find('/', first + 1);
    if (second == std::string_view::npos || first == 0 || second + 1 == text.size() ||
        text.find('/', second + 1) != std::string_view::npos) {
        return fail(
            ErrorCode::invalid_argument,
            "object key \"" + std::string(text) + "\" is not KIND/NAMESPACE/NAME"
        );
    }
    return ObjectKey{
        .kind = std::string(text.substr(0, first)),
        .ns = std::string(text.substr(first + 1, second - first - 1)),
        .name = std::string(text.substr(second + 1)),
    };
}

ObjectKey ObjectKey::of(const json::Value& object) {
    return {
        .kind = std::string(object::kind(object)),
        .ns = std::string(object::ns(object)),
        .name = std::string(object::name(object)),
    };
}

std::string ObjectKey::text() const {
    return kind + "/" + ns + "/" + name;
}

}  // namespace farhold::object

std::size_t std::hash<farhold::object::ObjectKey>::operator()(const farhold::object::ObjectKey& key
) const noexcept {
    const std::hash<std::string> text;
    constexpr std::size_t kPrime = 1'099'511'628'211;
    return (text(key.kind) * kPrime + text(key.ns)) * kPrime + text(key.name);
}
