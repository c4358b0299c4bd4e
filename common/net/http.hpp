// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 messages as values. Header names compare without case.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace farhold::net {

class HttpHeaders {
public:
    using Field = std::pair<std::string, std::string>;

    HttpHeaders() = default;
    HttpHeaders(std::initializer_list<Field> fields) : fields_(fields) {}

    void add(std::string name, std::string value);
    // The first value of that name, or an empty text.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;

    const std::vector<Field>& fields() const { return fields_; }

private:
    const Field* find(std::string_view name) const;

    std::vector<Field> fields_;
};

struct HttpRequest {
    std::string method = "GET";
    std::string target = "/";  // As it came: path and query, percent-encoded.
    HttpHeaders headers;
    std::string body;

    // The target up to '?', and what follows it.
    std::string_view path() const;
    std::string_view query() const;
};

// Content-Length, Transfer-Encoding and Connection are the transport's business: never put them here.
struct HttpResponse {
    int status = 200;
    HttpHeaders headers;
    std::string body;
};

HttpResponse text_response(int status, std::string body);
HttpResponse json_response(int status, std::string body);

}  // namespace farhold::net
