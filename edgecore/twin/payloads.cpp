// SPDX-License-Identifier: Apache-2.0
#include "edgecore/twin/payloads.hpp"

#include "common/base/utf8.hpp"
#include "common/devices/value_rules.hpp"
#include "common/json/value.hpp"
#include "edgecore/twin/twin_words.hpp"

#include <fmt/format.h>

#include <iterator>

namespace farhold::twin {
namespace {

using json::Value;

constexpr json::ParseLimits kLimits{.bytes = kPayloadBytesMax, .depth = 16, .members = 1024};
// Of what an answer repeats.
constexpr std::size_t kEventIdBytesMax = 256;

std::unexpected<Refusal> refuse(std::string event_id, std::string reason) {
    return std::unexpected(Refusal{
        .code = Code::bad_request, .event_id = std::move(event_id), .reason = std::move(reason)
    });
}

struct Message {
    Value body;
    std::string event_id;
    std::int64_t sent_ms = 0;
};

std::expected<Message, Refusal> read_message(std::string_view payload) {
    auto body = Value::parse(payload, kLimits);
    if (!body)
        return refuse({}, "the message is no JSON that can be read: " + body.error().message());
    if (!body->is_object()) return refuse({}, "the message is not an object");
    Message message{.body = std::move(*body), .event_id = {}};
    if (const Value* id = message.body.find("event_id"); id != nullptr && !id->is_null()) {
        const auto text = id->string();
        if (!text) return refuse({}, "event_id is not a string");
        if (text->size() > kEventIdBytesMax) return refuse({}, "event_id is too long");
        message.event_id = *text;
    }
    if (const Value* at = message.body.find("timestamp"); at != nullptr && !at->is_null()) {
        const auto number = at->integer();
        if (!number) return refuse(message.event_id, "timestamp is not a whole number");
        message.sent_ms = *number;
    }
    return message;
}

// The member as text, or an error text that names it.
std::expected<std::optional<std::string>, std::string> read_text(
    const Value& object, std::string_view member
) {
    const Value* found = object.find(member);
    if (found == nullptr || found->is_null()) return std::optional<std::string>();
    const auto text = found->string();
    if (!text) return std::unexpected(std::string(member) + " is not a string");
    return std::optional<std::string>(*text);
}

// {"value": ..., "metadata": {...}}
std::expected<std::optional<std::string>, std::string> read_value(
    const Value& property, std::string_view member
) {
    const Value* found = property.find(member);
    if (found == nullptr || found->is_null()) return std::optional<std::string>();
    const std::string name(member);
    if (!found->is_object()) return std::unexpected(name + " is not an object");
    auto text = read_text(*found, "value");
    if (!text) return std::unexpected(name + '.' + text.error());
    if (!*text) return std::unexpected(name + ".value is missing");
    if (!is_twin_text(**text)) {
        return std::unexpected(
            name + ".value has more than 512 bytes, or others than letters, digits and -_.,:/@#"
        );
    }
    return text;
}

std::expected<PropertyUpdate, std::string> read_property(const Value& property) {
    PropertyUpdate update;
    if (property.is_null()) {
        update.remove = true;
        return update;
    }
    if (!property.is_object()) return std::unexpected("is not an object");
    auto expected = read_value(property, "expected");
    if (!expected) return std::unexpected(expected.error());
    update.expected = std::move(*expected);
    auto actual = read_value(property, "actual");
    if (!actual) return std::unexpected(actual.error());
    update.actual = std::move(*actual);
    if (const Value* optional = property.find("optional");
        optional != nullptr && !optional->is_null()) {
        update.optional = optional->boolean();
        if (!update.optional) return std::unexpected("optional is not a boolean");
    }
    if (const Value* metadata = property.find("metadata");
        metadata != nullptr && !metadata->is_null()) {
        if (!metadata->is_object()) return std::unexpected("metadata is not an object");
        auto type = read_text(*metadata, "type");
        if (!type) return std::unexpected("metadata." + type.error());
        if (*type && !devices::parse_value_type(**type))
            return std::unexpected("metadata.type is not known");
        update.type = std::move(*type);
    }
    return update;
}

// Escapes as Go's encoder does.
void put_text(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view one = text.substr(0, length == 0 ? 1 : length);
        text.remove_prefix(one.size());
        const auto byte = static_cast<unsigned char>(one[0]);
        if (length == 0) {
            out += "\\ufffd";
        } else if (one == "\"" || one == "\\") {
            out += '\\';
            out += one;
        } else if (one == "\n") {
            out += "\\n";
        } else if (one == "\r") {
            out += "\\r";
        } else if (one == "\t") {
            out += "\\t";
        } else if (one == "\b") {
            out += "\\b";
        } else if (one == "\f") {
            out += "\\f";
        } else if (byte < 0x20 || one == "<" || one == ">" || one == "&") {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
        } else if (one == "\xe2\x80\xa8") {
            out += "\\u2028";
        } else if (one == "\xe2\x80\xa9") {
            out += "\\u2029";
        } else {
            out += one;
        }
    }
    out += '"';
}

// Members one after the other, between braces.
class ObjectWriter {
public:
    explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
    ObjectWriter(const ObjectWriter&) = delete;
    ObjectWriter& operator=(const ObjectWriter&) = delete;
    ~ObjectWriter() { out_ += '}'; }

    // What follows is the member's value.
    std::string& member(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        put_text(out_, name);
        out_ += ':';
        return out_;
    }
    void text(std::string_view name, std::string_view value) { put_text(member(name), value); }
    void text_unless_empty(std::string_view name, std::string_view value) {
        if (!value.empty()) text(name, value);
    }
    void number(std::string_view name, std::int64_t value) {
        fmt::format_to(std::back_inserter(member(name)), "{}", value);
    }
    void base(const Base& base) {
        text("event_id", base.event_id);
        number("timestamp", base.at_ms);
    }

private:
    std::string& out_;
    bool first_ = true;
};

void put_type(std::string& out, const std::string& type) {
    ObjectWriter writer(out);
    writer.text_unless_empty("type", type);
}

void put_value(std::string& out, const ValueView& value) {
    ObjectWriter writer(out);
    writer.text("value", value.value);
    ObjectWriter metadata(writer.member("metadata"));
    if (value.at_ms != 0) metadata.number("timestamp", value.at_ms);
}

void put_property(std::string& out, const std::optional<PropertyView>& property) {
    if (!property) {
        out += "null";
        return;
    }
    ObjectWriter writer(out);
    if (property->expected) put_value(writer.member("expected"), *property->expected);
    if (property->actual) put_value(writer.member("actual"), *property->actual);
    if (property->optional) writer.member("optional") += *property->optional ? "true" : "false";
    if (property->type) put_type(writer.member("metadata"), *property->type);
}

void put_twin(std::string& out, const TwinView& twin) {
    ObjectWriter writer(out);
    for (const auto& [name, property] : twin) put_property(writer.member(name), property);
}

void put_attribute(std::string& out, const std::string& value) {
    ObjectWriter writer(out);
    writer.text("value", value);
    writer.member("optional") += "true";
    put_type(writer.member("metadata"), "string");
}

void put_device(std::string& out, const MemberView& device) {
    ObjectWriter writer(out);
    writer.text_unless_empty("id", device.id);
    writer.text_unless_empty("name", device.name);
    writer.text_unless_empty("description", device.description);
    writer.text_unless_empty("state", device.state);
    writer.text_unless_empty("last_online", device.last_online);
    if (!device.attributes.empty()) {
        ObjectWriter attributes(writer.member("attributes"));
        for (const auto& [name, value] : device.attributes)
            put_attribute(attributes.member(name), value);
    }
    if (!device.twin.empty()) put_twin(writer.member("twin"), device.twin);
}

void put_devices(std::string& out, const std::vector<MemberView>& devices) {
    out += '[';
    for (const MemberView& device : devices) {
        if (&device != &devices.front()) out += ',';
        put_device(out, device);
    }
    out += ']';
}

}  // namespace

std::expected<TwinUpdate, Refusal> read_twin_update(std::string_view payload) {
    auto message = read_message(payload);
    if (!message) return std::unexpected(std::move(message.error()));
    const Value* twin = message->body.find("twin");
    if (twin == nullptr || !twin->is_object()) {
        return refuse(std::move(message->event_id), "twin is missing or not an object");
    }
    TwinUpdate update{
        .event_id = std::move(message->event_id), .sent_ms = message->sent_ms, .properties = {}
    };
    for (const json::Member& member : twin->object()) {
        if (!is_twin_name(member.key)) {
            return refuse(
                std::move(update.event_id),
                "the name of a property has no or more than 128 bytes, or others than letters, "
                "digits and -_.,:/@#"
            );
        }
        auto property = read_property(member.value);
        if (!property) {
            return refuse(
                std::move(update.event_id), "twin." + member.key + ": " + property.error()
            );
        }
        update.properties.insert_or_assign(member.key, std::move(*property));
    }
    return update;
}

std::expected<StateUpdate, Refusal> read_state_update(std::string_view payload) {
    auto message = read_message(payload);
    if (!message) return std::unexpected(std::move(message.error()));
    auto state = read_text(message->body, "state");
    if (!state) return refuse(std::move(message->event_id), state.error());
    return StateUpdate{
        .event_id = std::move(message->event_id), .state = state->value_or(std::string())
    };
}

std::expected<std::string, Refusal> read_event_id(std::string_view payload) {
    auto message = read_message(payload);
    if (!message) return std::unexpected(std::move(message.error()));
    return std::move(message->event_id);
}

std::string error_payload(const Base& base, Code code, std::string_view reason) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        writer.number("code", static_cast<std::int64_t>(code));
        writer.text_unless_empty("reason", reason);
    }
    return out;
}

std::string twin_payload(const Base& base, const TwinView& twin) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        put_twin(writer.member("twin"), twin);
    }
    return out;
}

std::string document_payload(const Base& base, const Document& document) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        ObjectWriter twin(writer.member("twin"));
        for (const auto& [name, entry] : document) {
            ObjectWriter states(twin.member(name));
            put_property(states.member("last"), entry.last);
            put_property(states.member("current"), entry.current);
        }
    }
    return out;
}

std::string delta_payload(
    const Base& base, const TwinView& twin, const std::map<std::string, std::string>& delta
) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        put_twin(writer.member("twin"), twin);
        ObjectWriter values(writer.member("delta"));
        for (const auto& [name, value] : delta) values.text(name, value);
    }
    return out;
}

std::string state_payload(
    const Base& base, std::string_view name, std::string_view state, std::string_view last_online
) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        ObjectWriter device(writer.member("device"));
        device.text_unless_empty("name", name);
        device.text_unless_empty("state", state);
        device.text_unless_empty("lastOnlineTime", last_online);
    }
    return out;
}

std::string attributes_payload(
    const Base& base, const std::map<std::string, std::optional<std::string>>& attributes
) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        ObjectWriter values(writer.member("attributes"));
        for (const auto& [name, value] : attributes) {
            if (value) {
                put_attribute(values.member(name), *value);
            } else {
                values.member(name) += "null";
            }
        }
    }
    return out;
}

std::string members_payload(const Base& base, const std::vector<MemberView>& devices) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        put_devices(writer.member("devices"), devices);
    }
    return out;
}

std::string membership_payload(
    const Base& base, const std::vector<MemberView>& added, const std::vector<MemberView>& removed
) {
    std::string out;
    {
        ObjectWriter writer(out);
        writer.base(base);
        const auto put = [&writer](std::string_view name, const std::vector<MemberView>& devices) {
            std::string& text = writer.member(name);
            if (devices.empty()) {
                text += "null";
            } else {
                put_devices(text, devices);
            }
        };
        put("added_devices", added);
        put("removed_devices", removed);
    }
    return out;
}

}  // namespace farhold::twin
