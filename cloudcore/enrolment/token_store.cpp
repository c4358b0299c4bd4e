// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/enrolment/token_store.hpp"

#include "common/base/encoding.hpp"
#include "common/pki/secret_bytes.hpp"

#include <algorithm>
#include <utility>

namespace farhold::enrolment {

namespace {

using json::Value;

const std::string kNamespace = "kube-system";
const std::string kHashKeyName = "farhold-token-key";
const std::string kLabel = "farhold.io/join-token";
constexpr std::size_t kHashKeyBytes = 32;

Value hash_key_secret(const std::string& key) {
    Value secret = Value::make_object();
    secret.set("apiVersion", Value::of("v1"));
    secret.set("kind", Value::of("Secret"));
    Value& metadata = secret.set("metadata", Value::make_object());
    metadata.set("name", Value::of(kHashKeyName));
    metadata.set("namespace", Value::of(kNamespace));
    secret.set("type", Value::of("Opaque"));
    secret.set("data", Value::make_object({{"key", Value::of(base64_encode(key))}}));
    return secret;
}

Result<std::string> read_hash_key(const Value& secret) {
    auto key = base64_decode(secret.text_at({"data", "key"}));
    if (!key || key->size() != kHashKeyBytes) {
        return fail(ErrorCode::corrupt, "Secret kube-system/farhold-token-key is damaged");
    }
    return key;
}

std::string hash_of(const std::string& key, const pki::JoinToken& token) {
    return hex_encode(pki::hmac_sha256(key, token.secret));
}

std::unexpected<Error> invalid_token() {
    return fail(ErrorCode::unauthenticated, "the token is not valid");
}

}  // namespace

// Made by whoever needs it first; when two do at once, the one who comes second takes the other's.
Task<Result<std::string>> TokenStore::hash_key() {
    auto found = co_await client_.get(kubeapi::kSecrets, kNamespace, kHashKeyName);
    if (!found && found.error().code() == ErrorCode::not_found) {
        Value made = hash_key_secret(pki::random_bytes(kHashKeyBytes));
        found = co_await client_.create(kubeapi::kSecrets, kNamespace, std::move(made));
        if (!found && found.error().code() == ErrorCode::already_exists) {
            found = co_await client_.get(kubeapi::kSecrets, kNamespace, kHashKeyName);
        }
    }
    if (!found) {
        co_return fail(found.error().within("key of the token hashes"));
    }
    co_return read_hash_key(*found);
}

Task<Result<pki::JoinToken>> TokenStore::create(
    TokenOptions options, std::string ca_key_id, WallTime now
) {
    const auto key = co_await hash_key();
    if (!key) {
        co_return fail(key.error());
    }
    pki::JoinToken token = pki::make_join_token(ca_key_id);
    TokenRecord record;
    record.id = token.id;
    record.secret_hash = hash_of(*key, token);
    record.created = now;
    record.expires = now + options.ttl;
    record.uses_max = options.uses;
    record.node = options.node;
    const auto stored = co_await client_.create(kubeapi::kSecrets, kNamespace, to_secret(record));
    if (!stored) {
        co_return fail(stored.error().within("store the token"));
    }
    co_return token;
}

Task<Result<std::vector<TokenRecord>>> TokenStore::list() {
    kubeapi::ListOptions options;
    options.ns = kNamespace;
    options.label_selector = kLabel;
    const auto listed = co_await client_.list(kubeapi::kSecrets, std::move(options));
    if (!listed) {
        co_return fail(listed.error().within("list tokens"));
    }
    std::vector<TokenRecord> records;
    for (const auto& secret : listed->items) {
        auto record = read_token(*secret);
        if (!record) {
            co_return fail(record.error());
        }
        records.push_back(std::move(*record));
    }
    std::ranges::sort(records, {}, &TokenRecord::created);
    co_return records;
}

Task<Result<void>> TokenStore::revoke(std::string id) {
    if (!pki::is_token_id(id)) {
        co_return fail(ErrorCode::invalid_argument, "\"" + id + "\" is not the id of a token");
    }
    auto removed = co_await client_.remove(kubeapi::kSecrets, kNamespace, secret_name(id));
    if (!removed && removed.error().code() == ErrorCode::not_found) {
        co_return fail(ErrorCode::not_found, "there is no token " + id);
    }
    co_return removed;
}

Task<Result<TokenRecord>> TokenStore::find(pki::JoinToken token) {
    const auto key = co_await hash_key();
    if (!key) {
        co_return fail(key.error());
    }
    const auto secret = co_await client_.get(kubeapi::kSecrets, kNamespace, secret_name(token.id));
    if (!secret) {
        if (secret.error().code() == ErrorCode::not_found) {
            co_return invalid_token();
        }
        co_return fail(secret.error().within("read the token"));
    }
    auto record = read_token(*secret);
    if (record && !pki::equal_in_constant_time(record->secret_hash, hash_of(*key, token))) {
        co_return invalid_token();
    }
    co_return record;
}

Task<Result<void>> TokenStore::replace(TokenRecord record) {
    const auto stored = co_await client_.update(kubeapi::kSecrets, kNamespace, to_secret(record));
    if (!stored) {
        co_return fail(stored.error().within("use up the token"));
    }
    co_return Result<void>();
}

Task<Result<void>> TokenStore::remove_expired(WallTime now) {
    const auto records = co_await list();
    if (!records) {
        co_return fail(records.error());
    }
    for (const auto& record : *records) {
        if (now < record.expires + kRepeatWindow) {
            continue;
        }
        kubeapi::DeleteOptions unchanged;
        unchanged.resource_version = record.resource_version;
        auto removed = co_await client_.remove(
            kubeapi::kSecrets, kNamespace, secret_name(record.id), std::move(unchanged)
        );
        if (!removed && removed.error().code() != ErrorCode::not_found) {
            co_return removed;
        }
    }
    co_return Result<void>();
}

}  // namespace farhold::enrolment
