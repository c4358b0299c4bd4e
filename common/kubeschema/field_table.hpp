// SPDX-License-Identifier: Apache-2.0
//
// Pure: the fields of Kubernetes' built-in messages, once for all uses: checking a JSON body,
// decoding a protobuf body (common/kubeproto) and merging a strategic patch. The table itself is
// text (`built_in_fields.cpp`), read at the first use; custom resources may add types of their own.
#pragma once

#include "common/object/patch.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace farhold::kubeschema {

class MessageType;

enum class FieldKind : std::uint8_t {
    string,
    boolean,
    int32,
    int64,
    number,  // A double; no built-in field of ours is one.
    bytes,   // Base64 in JSON.
    time,    // RFC 3339 in JSON; message {seconds=1, nanos=2} in protobuf.
    micro_time,
    quantity,       // A string or number in JSON; message {string=1} in protobuf.
    int_or_string,  // Message {type=1, intVal=2, strVal=3} in protobuf.
    raw_json,       // Any JSON; message {raw=1} in protobuf.
    message,
};

enum class FieldShape : std::uint8_t {
    single,
    list,
    map,      // Keys are strings.
    inlined,  // A message of its own in protobuf, its fields stand in the parent's JSON.
};

struct Field {
    std::string_view json_name;
    std::uint32_t number = 0;  // In protobuf; 0: not there (kind and apiVersion).
    FieldKind kind = FieldKind::string;
    FieldShape shape = FieldShape::single;
    bool always = false;   // Written even when zero: the Go field has no omitempty.
    bool pointer = false;  // A zero that was given differs from absence.
    bool or_bool = false;  // JSON may have a boolean instead.
    bool merge = false;    // Strategic merge; see object::PatchField.
    std::string_view merge_key;
    const MessageType* message = nullptr;  // Of kind `message`.

    // Whether zero, "" and empty lists count as absent.
    bool omits_zero() const { return !always && !pointer; }
};

class MessageType final : public object::PatchSchema {
public:
    explicit MessageType(std::string_view name) : name_(name) {}

    std::string_view name() const { return name_; }
    // As declared; inlined messages are one field here.
    const std::vector<Field>& fields() const { return fields_; }
    // By JSON name, inlined messages looked through.
    const Field* by_name(std::string_view json_name) const;
    const Field* by_number(std::uint32_t number) const;

    object::PatchField patch_field(std::string_view name) const override;

private:
    friend class FieldTable;

    void build_index();

    std::string_view name_;
    std::vector<Field> fields_;
    std::vector<const Field*> by_name_;  // Sorted.
};

// Owns message types. They stay where they are as long as the table lives.
class FieldTable {
public:
    // Reads the text form, whose grammar stands in `field_table.cpp`. The text must outlive the
    // table; an error in it is ours.
    explicit FieldTable(std::string_view text);
    ~FieldTable();
    FieldTable(const FieldTable&) = delete;
    FieldTable& operator=(const FieldTable&) = delete;

    // "Pod", "ObjectMeta", "DeleteOptions"; nullptr when unknown.
    const MessageType* find(std::string_view name) const;

    // Kubernetes' built-in types, as of 1.36.
    static const FieldTable& built_in();

private:
    std::vector<std::unique_ptr<MessageType>> types_;  // Sorted by name.
};

}  // namespace farhold::kubeschema
