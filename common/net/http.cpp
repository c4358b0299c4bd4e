// SPDX-License-Identifier: Apache-2.0
#include "common/net/http.hpp"

#include <algorithm>
#include <cctype>

namespace farhold::net {

namespace {

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

bool same_name(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

HttpResponse make_response(int status, std::string_view content_type, std::string body) {
    HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", std::string(content_type));
    response.body = std::move(body);
    return response;
}

}  // namespace

void HttpHeaders::add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

const HttpHeaders::Field* HttpHeaders::find(std::string_view name) const {
    const auto field =
        std::ranges::find_if(fields_, [name](const Field& f) { return same_name(f.first, name); });
    return field == fields_.end() ? nullptr : &*field;
}

std::string_view HttpHeaders::get(std::string_view name) const {
    const Field* field = find(name);
    return field == nullptr ? std::string_view() : field->second;
}

bool HttpHeaders::has(std::string_view name) const {
    return find(name) != nullptr;
}

std::string_view HttpRequest::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view HttpRequest::query() const {
    const auto at = target.find('?');
    return at == std::string::npos ? std::string_view() : std::string_view(target).substr(at + 1);
}

HttpResponse text_response(int status, std::string body) {
    return make_response(status, "text/plain; charset=utf-8", std::move(body));
}

HttpResponse json_response(int status, std::string body) {
    return make_response(status, "application/json", std::move(body));
}

}  // namespace farhold::net
