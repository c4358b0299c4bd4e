// SPDX-License-Identifier: Apache-2.0
#include "common/http2/session.hpp"

#include "common/base/ensure.hpp"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_map>
#include <utility>

namespace farhold::http2 {

namespace {

// Each entry of a header list costs this much beside its text (RFC 9113 section 6.5.2).
constexpr std::size_t kHeaderOverhead = 32;

// Of all streams together. Data is given back to it at once, so it only bounds one burst.
constexpr std::int32_t kConnectionWindow = 1 << 24;

// The library copies names and values unless told otherwise, and only reads them.
std::vector<nghttp2_nv> to_native(const Headers& headers) {
    std::vector<nghttp2_nv> native;
    native.reserve(headers.size());
    const auto bytes = [](const std::string& text) {
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-*-cast): what the C interface wants.
        return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
    };
    for (const auto& header : headers) {
        native.push_back(
            {bytes(header.name), bytes(header.value), header.name.size(), header.value.size(),
             NGHTTP2_NV_FLAG_NONE}
        );
    }
    return native;
}

Error library_error(int code) {
    return {ErrorCode::internal, std::string("HTTP/2: ") + nghttp2_strerror(code)};
}

std::unexpected<Error> no_such_stream() {
    return fail(ErrorCode::not_found, "HTTP/2: the stream is closed");
}

bool is_informational(const Headers& headers) {
    const auto status = find_header(headers, ":status");
    return status && status->starts_with('1');
}

std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
    const auto found = std::ranges::find(headers, name, &Header::name);
    if (found == headers.end()) {
        return std::nullopt;
    }
    return found->value;
}

class Session::Impl {
public:
    Impl(Role role, const Limits& limits);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { nghttp2_session_del(native_); }

    Result<void> receive(std::string_view bytes);
    void fill_output();
    Result<StreamId> start_request(const Headers& headers);
    Result<void> respond(StreamId id, const Headers& headers, bool with_body);
    Result<void> send(StreamId id, std::string_view bytes);
    Result<void> end(StreamId id, const Headers* trailers);
    void reset(StreamId id, StreamError error);
    void go_away();

    nghttp2_session* native() const { return native_; }

    std::vector<Event> events;
    std::string output;

private:
    struct Stream {
        Headers incoming;
        std::size_t incoming_bytes = 0;
        std::string outgoing;
        std::size_t sent = 0;  // Of `outgoing`.
        bool sending = false;  // There is a body to send, of which the end may not be known yet.
        bool ended = false;
        std::optional<Headers> trailers;
        std::string reset_reason;  // Why we reset it.
    };

    Stream* find(StreamId id);
    nghttp2_data_provider body_of();
    void header_received(StreamId id, std::string_view name, std::string_view value);
    void frame_received(const nghttp2_frame& frame);
    void data_received(StreamId id, std::string_view bytes);
    void closed(StreamId id, std::uint32_t code);
    ssize_t fill_data(StreamId id, std::uint8_t* into, std::size_t size, std::uint32_t& flags);

    static Impl& self(void* user) { return *static_cast<Impl*>(user); }
    static void set_callbacks(nghttp2_session_callbacks* callbacks);
    static int on_header(
        nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
        std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
        void* user
    );

    Limits limits_;
    nghttp2_session* native_ = nullptr;
    std::unordered_map<StreamId, Stream> streams_;
    std::optional<Error> failure_;  // We have told the peer that it broke the protocol.
};

Session::Impl::Impl(Role role, const Limits& limits) : limits_(limits) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    ensure(nghttp2_session_callbacks_new(&callbacks) == 0, "memory for HTTP/2 callbacks");
    ensure(nghttp2_option_new(&option) == 0, "memory for HTTP/2 options");
    set_callbacks(callbacks);
    nghttp2_option_set_no_auto_window_update(option, 1);
    const auto create =
        role == Role::client ? &nghttp2_session_client_new2 : &nghttp2_session_server_new2;
    ensure(create(&native_, callbacks, this, option) == 0, "memory for an HTTP/2 session");
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_option_del(option);

    const std::array settings{
        nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.peer_streams},
        nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window_bytes},
        nghttp2_settings_entry{
            NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
            static_cast<std::uint32_t>(limits.header_list_bytes)
        },
    };
    // A server has no use for the first one.
    const std::size_t skip = role == Role::server ? 1 : 0;
    ensure(
        nghttp2_submit_settings(
            native_, NGHTTP2_FLAG_NONE, settings.data() + skip, settings.size() - skip
        ) == 0 &&
            nghttp2_session_set_local_window_size(
                native_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow
            ) == 0,
        "our HTTP/2 settings are valid"
    );
}

int Session::Impl::on_header(
    nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user
) {
    Impl& impl = self(user);
    const StreamId id = frame->hd.stream_id;
    impl.header_received(id, as_text(name, name_size), as_text(value, value_size));
    const Stream* stream = impl.find(id);
    const bool refused = stream != nullptr && !stream->reset_reason.empty();
    return refused ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : 0;
}

void Session::Impl::set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
                self(user).streams_.try_emplace(frame->hd.stream_id);
            }
            return 0;
        }
    );
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &Impl::on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            self(user).frame_received(*frame);
            return 0;
        }
    );
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data,
           std::size_t size, void* user) {
            self(user).data_received(id, as_text(data, size));
            return 0;
        }
    );
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks,
        [](nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
            self(user).closed(id, code);
            return 0;
        }
    );
    // A request that cannot be sent any more has no stream yet that could be closed.
    nghttp2_session_callbacks_set_on_frame_not_send_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
            if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
                self(user).closed(frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
            }
            return 0;
        }
    );
    // The library ends a broken connection by itself; the GOAWAY it sends is where it says why.
    nghttp2_session_callbacks_set_on_frame_send_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
                std::string reason = nghttp2_http2_strerror(frame->goaway.error_code);
                if (frame->goaway.opaque_data_len > 0) {
                    reason += ": ";
                    reason += as_text(frame->goaway.opaque_data, frame->goaway.opaque_data_len);
                }
                self(user).failure_ =
                    Error(ErrorCode::corrupt, "HTTP/2: the peer broke the protocol: " + reason);
            }
            return 0;
        }
    );
}

Session::Impl::Stream* Session::Impl::find(StreamId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
}

Result<void> Session::Impl::receive(std::string_view bytes) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const ssize_t taken = nghttp2_session_mem_recv(native_, data, bytes.size());
    if (taken < 0) {
        const int code = static_cast<int>(taken);
        return fail(
            ErrorCode::corrupt,
            std::string("HTTP/2: the peer broke the protocol: ") + nghttp2_strerror(code)
        );
    }
    fill_output();
    if (failure_) {
        return fail(*failure_);
    }
    return {};
}

void Session::Impl::header_received(StreamId id, std::string_view name, std::string_view value) {
    Stream* stream = find(id);
    if (stream == nullptr) {
        return;
    }
    stream->incoming_bytes += name.size() + value.size() + kHeaderOverhead;
    if (stream->incoming_bytes > limits_.header_list_bytes) {
        stream->reset_reason =
            "header list over " + std::to_string(limits_.header_list_bytes) + " bytes";
        return;
    }
    stream->incoming.push_back({std::string(name), std::string(value)});
}

void Session::Impl::frame_received(const nghttp2_frame& frame) {
    const StreamId id = frame.hd.stream_id;
    if (frame.hd.type == NGHTTP2_GOAWAY) {
        const auto& goaway = frame.goaway;
        std::string reason = nghttp2_http2_strerror(goaway.error_code);
        if (goaway.opaque_data_len > 0) {
            reason += ": ";
            reason += as_text(goaway.opaque_data, goaway.opaque_data_len);
        }
        events.emplace_back(GoawayReceived{goaway.last_stream_id, std::move(reason)});
        return;
    }
    Stream* stream = find(id);
    if (stream == nullptr) {
        return;
    }
    if (frame.hd.type == NGHTTP2_HEADERS) {
        Headers headers = std::exchange(stream->incoming, {});
        stream->incoming_bytes = 0;
        if (!is_informational(headers)) {
            events.emplace_back(HeadersReceived{id, std::move(headers)});
        }
    }
    const bool may_end = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
    if (may_end && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        events.emplace_back(PeerEnded{id});
    }
}

void Session::Impl::data_received(StreamId id, std::string_view bytes) {
    nghttp2_session_consume_connection(native_, bytes.size());
    // Chunks of one reading are joined.
    auto* last = events.empty() ? nullptr : std::get_if<DataReceived>(&events.back());
    if (last != nullptr && last->stream == id) {
        last->bytes += bytes;
    } else {
        events.emplace_back(DataReceived{id, std::string(bytes)});
    }
}

void Session::Impl::closed(StreamId id, std::uint32_t code) {
    const auto found = streams_.find(id);
    if (found == streams_.end()) {
        return;
    }
    std::string reason = std::move(found->second.reset_reason);
    auto error = static_cast<StreamError>(code);
    if (!reason.empty()) {
        error = StreamError::enhance_your_calm;
    } else if (code != NGHTTP2_NO_ERROR) {
        reason = nghttp2_http2_strerror(code);
    }
    streams_.erase(found);
    events.emplace_back(StreamClosed{id, error, std::move(reason)});
}

void Session::Impl::fill_output() {
    for (;;) {
        const std::uint8_t* data = nullptr;
        const ssize_t size = nghttp2_session_mem_send(native_, &data);
        // Only memory can be lacking here: the callbacks never fail.
        ensure(size >= 0, "HTTP/2 output can be made");
        if (size == 0) {
            return;
        }
        output += as_text(data, static_cast<std::size_t>(size));
    }
}

ssize_t Session::Impl::fill_data(
    StreamId id, std::uint8_t* into, std::size_t size, std::uint32_t& flags
) {
    Stream* stream = find(id);
    if (stream == nullptr) {
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    const std::size_t count = std::min(size, stream->outgoing.size() - stream->sent);
    std::memcpy(into, stream->outgoing.data() + stream->sent, count);
    stream->sent += count;
    if (stream->sent < stream->outgoing.size()) {
        return static_cast<ssize_t>(count);
    }
    stream->outgoing.clear();
    stream->sent = 0;
    if (!stream->ended) {
        return count > 0 ? static_cast<ssize_t>(count) : NGHTTP2_ERR_DEFERRED;
    }
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers) {
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto native = to_native(*stream->trailers);
        nghttp2_submit_trailer(native_, id, native.data(), native.size());
    }
    return static_cast<ssize_t>(count);
}

nghttp2_data_provider Session::Impl::body_of() {
    nghttp2_data_provider provider{};
    provider.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* into,
                                std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                                void* user) {
        return self(user).fill_data(id, into, size, *flags);
    };
    return provider;
}

Result<StreamId> Session::Impl::start_request(const Headers& headers) {
    if (nghttp2_session_check_request_allowed(native_) == 0) {
        return fail(ErrorCode::unavailable, "HTTP/2: the connection takes no new requests");
    }
    const auto native = to_native(headers);
    const auto body = body_of();
    const StreamId id =
        nghttp2_submit_request(native_, nullptr, native.data(), native.size(), &body, nullptr);
    if (id < 0) {
        return fail(library_error(id));
    }
    streams_.try_emplace(id).first->second.sending = true;
    return id;
}

Result<void> Session::Impl::respond(StreamId id, const Headers& headers, bool with_body) {
    Stream* stream = find(id);
    if (stream == nullptr) {
        return no_such_stream();
    }
    ensure(!stream->sending && !stream->ended, "a stream has one response");
    const auto native = to_native(headers);
    const auto body = body_of();
    const int code = nghttp2_submit_response(
        native_, id, native.data(), native.size(), with_body ? &body : nullptr
    );
    if (code != 0) {
        return fail(library_error(code));
    }
    stream->sending = with_body;
    stream->ended = !with_body;
    return {};
}

Result<void> Session::Impl::send(StreamId id, std::string_view bytes) {
    Stream* stream = find(id);
    if (stream == nullptr) {
        return no_such_stream();
    }
    ensure(stream->sending && !stream->ended, "data is sent between start and end");
    stream->outgoing += bytes;
    // Fails when the body is not waiting for data: it will be asked anyway.
    nghttp2_session_resume_data(native_, id);
    return {};
}

Result<void> Session::Impl::end(StreamId id, const Headers* trailers) {
    Stream* stream = find(id);
    if (stream == nullptr) {
        return no_such_stream();
    }
    ensure(stream->sending && !stream->ended, "a stream is ended once");
    stream->ended = true;
    if (trailers != nullptr) {
        stream->trailers = *trailers;
    }
    nghttp2_session_resume_data(native_, id);
    return {};
}

void Session::Impl::reset(StreamId id, StreamError error) {
    if (find(id) != nullptr) {
        nghttp2_submit_rst_stream(
            native_, NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(error)
        );
    }
}

void Session::Impl::go_away() {
    nghttp2_submit_goaway(
        native_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(native_),
        NGHTTP2_NO_ERROR, nullptr, 0
    );
}

Session::Session(Role role, const Limits& limits) : impl_(std::make_unique<Impl>(role, limits)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<void> Session::receive(std::string_view bytes) {
    return impl_->receive(bytes);
}

std::vector<Event> Session::take_events() {
    return std::exchange(impl_->events, {});
}

std::string Session::take_output() {
    impl_->fill_output();
    return std::exchange(impl_->output, {});
}

bool Session::finished() const {
    return impl_->output.empty() && nghttp2_session_want_read(impl_->native()) == 0 &&
           nghttp2_session_want_write(impl_->native()) == 0;
}

Result<StreamId> Session::start_request(const Headers& headers) {
    return impl_->start_request(headers);
}

Result<void> Session::start_response(StreamId stream, const Headers& headers) {
    return impl_->respond(stream, headers, true);
}

Result<void> Session::respond_at_once(StreamId stream, const Headers& headers) {
    return impl_->respond(stream, headers, false);
}

Result<void> Session::send(StreamId stream, std::string_view bytes) {
    return impl_->send(stream, bytes);
}

Result<void> Session::end(StreamId stream) {
    return impl_->end(stream, nullptr);
}

Result<void> Session::end_with_trailers(StreamId stream, const Headers& trailers) {
    return impl_->end(stream, &trailers);
}

void Session::consume(StreamId stream, std::size_t bytes) {
    nghttp2_session_consume_stream(impl_->native(), stream, bytes);
}

void Session::reset(StreamId stream, StreamError error) {
    impl_->reset(stream, error);
}

void Session::go_away() {
    impl_->go_away();
}

}  // namespace farhold::http2
