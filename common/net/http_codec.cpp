// SPDX-License-Identifier: Apache-2.0
#include "common/net/http_codec.hpp"

#include "common/base/ensure.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace farhold::net {

namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

Refusal refusal_for(const error_code& error) {
    if (error == http::error::header_limit) {
        return {431, "the header is too long"};
    }
    if (error == http::error::body_limit) {
        return {413, "the body is too long"};
    }
    return {400, "not valid HTTP/1.1: " + error.message()};
}

// Beast 1.81 asserts that it sees the last chunk whole ("0", two line ends), so that a peer who sends
// less at a time would end the process. As long as a chunked message is not done, that much is still
// to come; so nothing is lost by waiting for it.
constexpr std::size_t kLastChunkBytes = 5;

template <class Parser>
bool has_enough(const Parser& parser, std::size_t bytes) {
    const bool is_in_chunks = parser.is_header_done() && parser.chunked();
    return bytes >= (is_in_chunks ? kLastChunkBytes : 1);
}

template <class Parser>
std::expected<Progress, Refusal> advance_parser(Parser& parser, std::string& bytes) {
    while (!parser.is_done() && has_enough(parser, bytes.size())) {
        error_code error;
        const std::size_t used = parser.put(boost::asio::buffer(bytes), error);
        bytes.erase(0, used);
        if (error == http::error::need_more || (!error && used == 0)) {
            break;
        }
        if (error) {
            return std::unexpected(refusal_for(error));
        }
    }
    if (parser.is_done()) {
        return Progress::done;
    }
    return parser.is_header_done() ? Progress::body : Progress::head;
}

template <class Fields>
HttpHeaders headers_of(const Fields& fields) {
    HttpHeaders headers;
    for (const auto& field : fields) {
        headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    return headers;
}

void append_field(std::string& head, std::string_view name, std::string_view value) {
    const auto start = head.size();
    fmt::format_to(std::back_inserter(head), "{}: {}", name, value);
    for (auto at = start; at < head.size(); ++at) {
        const auto c = static_cast<unsigned char>(head[at]);
        if (c < 0x20 || c == 0x7f) {
            head[at] = ' ';
        }
    }
    head += "\r\n";
}

}  // namespace

Error to_error(const Refusal& refusal) {
    const auto code = refusal.status == 413 ? ErrorCode::resource_exhausted : ErrorCode::corrupt;
    return {code, "the answer: " + refusal.text};
}

struct RequestReader::Impl {
    std::expected<Progress, Refusal> check_head() {
        const auto& message = parser.get();
        if (std::distance(message.begin(), message.end()) > std::ptrdiff_t(kHeaderFieldsMax)) {
            return std::unexpected(Refusal{431, "too many header fields"});
        }
        if (message.version() >= 11 && message.count(http::field::host) != 1) {
            return std::unexpected(Refusal{400, "exactly one Host is needed"});
        }
        const auto target = message.target();
        if (target.empty() || (target[0] != '/' && target != "*")) {
            return std::unexpected(Refusal{400, "the target is not a path"});
        }
        head_checked = true;
        return Progress::body;
    }

    http::request_parser<http::string_body> parser;
    bool head_checked = false;
};

RequestReader::RequestReader(std::size_t header_bytes_max, std::size_t body_bytes_max)
    : impl_(std::make_unique<Impl>()) {
    ensure(header_bytes_max <= UINT32_MAX, "a sane limit of header bytes");
    impl_->parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
    impl_->parser.body_limit(body_bytes_max);
    impl_->parser.eager(true);
}

RequestReader::~RequestReader() = default;

std::expected<Progress, Refusal> RequestReader::advance(std::string& bytes) {
    auto progress = advance_parser(impl_->parser, bytes);
    if (progress && *progress != Progress::head && !impl_->head_checked) {
        if (auto checked = impl_->check_head(); !checked) {
            return checked;
        }
    }
    return progress;
}

bool RequestReader::expects_continue() const {
    const auto& message = impl_->parser.get();
    return boost::beast::iequals(message[http::field::expect], "100-continue");
}

bool RequestReader::keep_alive() const {
    return impl_->parser.keep_alive();
}

HttpRequest RequestReader::take() {
    auto message = impl_->parser.release();
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.headers = headers_of(message);
    request.body = std::move(message.body());
    return request;
}

struct ResponseReader::Impl {
    std::expected<Progress, Refusal> check_head(Progress progress) const {
        const auto& message = parser.get();
        if (message.result_int() < 100) {
            return std::unexpected(Refusal{400, "not valid HTTP/1.1: no such status"});
        }
        if (std::distance(message.begin(), message.end()) > std::ptrdiff_t(kHeaderFieldsMax)) {
            return std::unexpected(Refusal{431, "too many header fields"});
        }
        return progress;
    }

    http::response_parser<http::string_body> parser;
};

ResponseReader::ResponseReader(std::size_t body_bytes_max, bool answers_head)
    : impl_(std::make_unique<Impl>()) {
    impl_->parser.body_limit(body_bytes_max);
    impl_->parser.eager(true);
    impl_->parser.skip(answers_head);
}

ResponseReader::ResponseReader(ResponseReader&& other) noexcept = default;
ResponseReader::~ResponseReader() = default;

std::expected<Progress, Refusal> ResponseReader::advance(std::string& bytes) {
    const auto progress = advance_parser(impl_->parser, bytes);
    return progress && *progress != Progress::head ? impl_->check_head(*progress) : progress;
}

std::expected<Progress, Refusal> ResponseReader::end_of_stream() {
    error_code error;
    impl_->parser.put_eof(error);
    if (error || !impl_->parser.is_done()) {
        return std::unexpected(Refusal{400, "the answer is incomplete"});
    }
    return Progress::done;
}

std::string ResponseReader::take_body() {
    return std::exchange(impl_->parser.get().body(), {});
}

bool ResponseReader::keep_alive() const {
    return impl_->parser.keep_alive();
}

HttpResponse ResponseReader::take() {
    auto& message = impl_->parser.get();
    HttpResponse response;
    response.status = static_cast<int>(message.result_int());
    response.headers = headers_of(message);
    response.body = take_body();
    return response;
}

std::string encode_request(const HttpRequest& request, std::string_view host, bool keep_alive) {
    std::string bytes = fmt::format("{} {} HTTP/1.1\r\n", request.method, request.target);
    append_field(bytes, "Host", host);
    for (const auto& [name, value] : request.headers.fields()) {
        append_field(bytes, name, value);
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
        append_field(bytes, "Content-Length", std::to_string(request.body.size()));
    }
    bytes += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
    bytes += request.body;
    return bytes;
}

std::string encode_head(
    int status, const HttpHeaders& headers, Framing framing, std::size_t length, bool keep_alive
) {
    const std::string_view reason =
        http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
    std::string head = fmt::format("HTTP/1.1 {} {}\r\n", status, reason);
    for (const auto& [name, value] : headers.fields()) {
        append_field(head, name, value);
    }
    if (framing == Framing::chunked) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (status != 204 && status != 304) {
        append_field(head, "Content-Length", std::to_string(length));
    }
    if (!keep_alive) {
        head += "Connection: close\r\n";
    }
    head += "\r\n";
    return head;
}

std::string encode_chunk(std::string_view bytes) {
    return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace farhold::net
