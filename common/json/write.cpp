// SPDX-License-Identifier: Apache-2.0
#include "common/base/utf8.hpp"
#include "common/json/value.hpp"

#include <fmt/format.h>

#include <iterator>

namespace farhold::json {
namespace {

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte < 0x80 && c != '"' && c != '\\';
}

void write_escape(char c, std::string& out) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\t':
            out += "\\t";
            return;
        case '\r':
            out += "\\r";
            return;
        default:
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(c));
    }
}

// Bytes that are no UTF-8, such as those that a container wrote, become U+FFFD, as with Go's encoder:
// whoever reads the document must be able to.
void write_string(std::string_view text, std::string& out) {
    out += '"';
    std::size_t as_is = 0;
    for (std::size_t i = 0; i < text.size();) {
        if (is_plain(text[i])) {
            ++i;
            continue;
        }
        const std::size_t length = utf8_length(text.substr(i));
        if (length > 1) {
            i += length;
            continue;
        }
        out.append(text, as_is, i - as_is);
        if (length == 0) {
            out += kReplacement;
        } else {
            write_escape(text[i], out);
        }
        as_is = ++i;
    }
    out.append(text, as_is);
    out += '"';
}

class Writer {
public:
    Writer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

    void write(const Value& value) {
        if (value.is_object()) {
            write_object(value.object());
        } else if (value.is_array()) {
            write_array(value.array());
        } else if (value.is_string()) {
            write_string(value.as_string(), out_);
        } else if (value.is_number()) {
            out_ += value.number_text();
        } else if (const auto boolean = value.boolean()) {
            out_ += *boolean ? "true" : "false";
        } else {
            out_ += "null";
        }
    }

private:
    void write_object(const Object& members) {
        out_ += '{';
        ++depth_;
        for (const Member& member : members) {
            new_element(&member != members.data());
            write_string(member.key, out_);
            out_ += pretty_ ? ": " : ":";
            write(member.value);
        }
        close('}', members.empty());
    }

    void write_array(const Array& elements) {
        out_ += '[';
        ++depth_;
        for (const Value& element : elements) {
            new_element(&element != elements.data());
            write(element);
        }
        close(']', elements.empty());
    }

    void new_element(bool comma) {
        if (comma) {
            out_ += ',';
        }
        new_line();
    }

    void close(char bracket, bool empty) {
        --depth_;
        if (!empty) {
            new_line();
        }
        out_ += bracket;
    }

    void new_line() {
        if (pretty_) {
            out_ += '\n';
            out_.append(depth_ * 2, ' ');
        }
    }

    std::string& out_;
    bool pretty_;
    std::size_t depth_ = 0;
};

}  // namespace

void Value::dump_to(std::string& out) const {
    Writer(out, false).write(*this);
}

std::string Value::dump() const {
    std::string out;
    dump_to(out);
    return out;
}

std::string Value::dump_pretty() const {
    std::string out;
    Writer(out, true).write(*this);
    return out;
}

}  // namespace farhold::json
