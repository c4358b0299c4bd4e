// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/token_record.hpp"

#include "common/base/encoding.hpp"
#include "common/object/metadata.hpp"
#include "common/object/names.hpp"
#include "common/object/time_text.hpp"
#include "common/pki/join_token.hpp"

#include <algorithm>

namespace farhold::enrolment {

namespace {

using json::Value;

constexpr std::string_view kNamePrefix = "farhold-join-";

// All of a token is one value of the Secret, so that it changes as a whole.
constexpr std::string_view kDataKey = "record";

Value times_of(const TokenRecord& record) {
    Value fields = Value::make_object();
    fields.set("secretHash", Value::of(record.secret_hash));
    fields.set("created", Value::of(object::format_time(record.created)));
    fields.set("expires", Value::of(object::format_time(record.expires)));
    fields.set("usesMax", Value::of(record.uses_max));
    fields.set("node", Value::of(record.node));
    return fields;
}

Result<std::vector<TokenUse>> read_uses(const Value& fields) {
    std::vector<TokenUse> uses;
    const Value* list = fields.find("uses");
    if (list == nullptr || !list->is_array()) {
        return fail(ErrorCode::corrupt, "the list of uses is missing");
    }
    for (const Value& entry : list->array()) {
        const auto at = object::parse_time(entry.text_at({"at"}));
        if (!at) {
            return fail(at.error());
        }
        uses.push_back(
            {std::string(entry.text_at({"node"})), std::string(entry.text_at({"keyId"})), *at}
        );
    }
    return uses;
}

Result<TokenRecord> read_fields(const Value& fields) {
    const auto created = object::parse_time(fields.text_at({"created"}));
    const auto expires = object::parse_time(fields.text_at({"expires"}));
    auto uses = read_uses(fields);
    TokenRecord record;
    record.secret_hash = fields.text_at({"secretHash"});
    record.uses_max = fields.integer_at({"usesMax"});
    record.node = fields.text_at({"node"});
    if (!created || !expires || !uses || record.secret_hash.empty() || record.uses_max < 1) {
        return fail(ErrorCode::corrupt, "its record cannot be read");
    }
    record.created = *created;
    record.expires = *expires;
    record.uses = std::move(*uses);
    return record;
}

}  // namespace

std::string secret_name(std::string_view token_id) {
    return std::string(kNamePrefix) + std::string(token_id);
}

Value to_secret(const TokenRecord& record) {
    Value fields = times_of(record);
    Value uses = Value::make_array();
    for (const auto& use : record.uses) {
        Value entry = Value::make_object();
        entry.set("node", Value::of(use.node));
        entry.set("keyId", Value::of(use.key_id));
        entry.set("at", Value::of(object::format_time(use.at)));
        uses.push_back(std::move(entry));
    }
    fields.set("uses", std::move(uses));

    Value secret = Value::make_object();
    secret.set("apiVersion", Value::of("v1"));
    secret.set("kind", Value::of("Secret"));
    Value& metadata = secret.set("metadata", Value::make_object());
    metadata.set("name", Value::of(secret_name(record.id)));
    metadata.set("namespace", Value::of("kube-system"));
    metadata.set("labels", Value::make_object({{"farhold.io/join-token", Value::of(record.id)}}));
    if (!record.resource_version.empty()) {
        metadata.set("resourceVersion", Value::of(record.resource_version));
    }
    secret.set("type", Value::of("farhold.io/join-token"));
    Value& data = secret.set("data", Value::make_object());
    data.set(kDataKey, Value::of(base64_encode(fields.dump())));
    return secret;
}

Result<TokenRecord> read_token(const Value& secret) {
    const std::string name(object::name(secret));
    const auto text = base64_decode(secret.text_at({"data", kDataKey}));
    const auto fields = text ? Value::parse(*text) : fail(text.error());
    auto record = fields ? read_fields(*fields) : fail(fields.error());
    if (!record || !name.starts_with(kNamePrefix)) {
        return fail(ErrorCode::corrupt, "Secret kube-system/" + name + " is not a join token");
    }
    record->id = name.substr(kNamePrefix.size());
    record->resource_version = object::resource_version(secret);
    return record;
}

std::string wanted_node(const TokenRecord& record, const Applicant& applicant) {
    return record.node.empty() ? applicant.node_wish : record.node;
}

Result<Admission> admit(
    const TokenRecord& record, const Applicant& applicant,
    const std::optional<std::string>& existing_key_id, WallTime now
) {
    const std::string node = wanted_node(record, applicant);
    if (const auto complaint = object::check_dns1123_subdomain(node)) {
        return fail(ErrorCode::invalid_argument, "node name \"" + node + "\": " + *complaint);
    }
    if (!applicant.node_wish.empty() && applicant.node_wish != node) {
        return fail(ErrorCode::permission_denied, "the token is for another node");
    }
    // Before expiry and count: the answer to a good request may have been lost on its way.
    const auto earlier = std::ranges::find_if(record.uses, [&](const TokenUse& use) {
        return use.key_id == applicant.key_id && use.node == node;
    });
    if (earlier != record.uses.end() && now <= earlier->at + kRepeatWindow) {
        return Admission{node, std::nullopt};
    }
    if (now >= record.expires) {
        return fail(ErrorCode::permission_denied, "the token has expired");
    }
    if (std::ssize(record.uses) >= record.uses_max) {
        return fail(ErrorCode::permission_denied, "the token is used up");
    }
    if (existing_key_id && record.node.empty()) {
        return fail(
            ErrorCode::already_exists, "node \"" + node +
                                           "\" exists; only a token made with --node " + node +
                                           " can take its place"
        );
    }
    Admission admission{node, record};
    admission.used->uses.push_back({node, applicant.key_id, now});
    return admission;
}

}  // namespace farhold::enrolment
