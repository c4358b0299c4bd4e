// SPDX-License-Identifier: Apache-2.0
#include "common/spdy/header_block.hpp"

#include "common/base/ensure.hpp"
#include "common/spdy/big_endian.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace farhold::spdy {
namespace {

// draft-mbelshe-httpbis-spdy-00, 2.6.10.1: words, each with its length before it, and a text.
constexpr std::array<std::string_view, 65> kDictionaryWords = {
    "options",
    "head",
    "post",
    "put",
    "delete",
    "trace",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "connection",
    "content-base",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "retry-after",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "vary",
    "via",
    "warning",
    "www-authenticate",
    "method",
    "get",
    "status",
    "200 OK",
    "version",
    "HTTP/1.1",
    "url",
    "public",
    "set-cookie",
    "keep-alive",
    "origin",
};
constexpr std::string_view kDictionaryText =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 "
    "Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 "
    "Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service "
    "UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, "
    "Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,"
    "sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

std::string make_dictionary() {
    std::string dictionary;
    for (const std::string_view word : kDictionaryWords) {
        append_u32(dictionary, static_cast<std::uint32_t>(word.size()));
        dictionary += word;
    }
    return dictionary += kDictionaryText;
}

const std::string& dictionary() {
    static const std::string made = make_dictionary();
    return made;
}

// zlib takes what it does not change by a pointer to what it could.
Bytef* bytes_of(std::string_view text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast,cppcoreguidelines-pro-type-const-cast)
    return reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
}

// The dictionary and what little comes after it fit; a whole window would cost 256 KiB a session.
constexpr int kWindowBits = 11;
constexpr int kMemoryLevel = 2;

constexpr std::size_t kPieceBytes = 1024;

std::unexpected<Error> corrupt(std::string what) {
    return fail(ErrorCode::corrupt, "header block: " + std::move(what));
}

bool is_proper_name(std::string_view name) {
    return !name.empty() &&
           std::ranges::none_of(name, [](char c) { return (c >= 'A' && c <= 'Z') || c == '\0'; });
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
    const auto found = std::ranges::find(headers, name, &Headers::value_type::first);
    return found == headers.end() ? std::string_view() : found->second;
}

HeaderPacker::HeaderPacker() : stream_(std::make_unique<z_stream_s>()) {
    const int begun = deflateInit2(
        stream_.get(), Z_BEST_SPEED, Z_DEFLATED, kWindowBits, kMemoryLevel, Z_DEFAULT_STRATEGY
    );
    ensure(begun == Z_OK, "memory to deflate headers");
    const std::string& words = dictionary();
    const int told =
        deflateSetDictionary(stream_.get(), bytes_of(words), static_cast<uInt>(words.size()));
    ensure(told == Z_OK, "a dictionary before the first block");
}

HeaderPacker::~HeaderPacker() {
    deflateEnd(stream_.get());
}

std::string HeaderPacker::pack(const Headers& headers) {
    std::string plain;
    append_u32(plain, static_cast<std::uint32_t>(headers.size()));
    for (const auto& [name, value] : headers) {
        for (const std::string* text : {&name, &value}) {
            append_u32(plain, static_cast<std::uint32_t>(text->size()));
            plain += *text;
        }
    }
    std::string packed;
    std::array<char, kPieceBytes> piece;
    stream_->next_in = bytes_of(plain);
    stream_->avail_in = static_cast<uInt>(plain.size());
    do {
        stream_->next_out = bytes_of({piece.data(), piece.size()});
        stream_->avail_out = static_cast<uInt>(piece.size());
        const int outcome = deflate(stream_.get(), Z_SYNC_FLUSH);
        ensure(outcome == Z_OK || outcome == Z_BUF_ERROR, "deflate goes on for ever");
        packed.append(piece.data(), piece.size() - stream_->avail_out);
    } while (stream_->avail_out == 0);
    return packed;
}

HeaderUnpacker::HeaderUnpacker() : stream_(std::make_unique<z_stream_s>()) {
    ensure(inflateInit(stream_.get()) == Z_OK, "memory to inflate headers");
}

HeaderUnpacker::~HeaderUnpacker() {
    inflateEnd(stream_.get());
}

Result<std::string> HeaderUnpacker::inflate_block(std::string_view block) {
    std::string plain;
    std::array<char, kPieceBytes> piece;
    stream_->next_in = bytes_of(block);
    stream_->avail_in = static_cast<uInt>(block.size());
    do {
        stream_->next_out = bytes_of({piece.data(), piece.size()});
        stream_->avail_out = static_cast<uInt>(piece.size());
        int outcome = inflate(stream_.get(), Z_SYNC_FLUSH);
        if (outcome == Z_NEED_DICT) {
            const std::string& words = dictionary();
            if (inflateSetDictionary(
                    stream_.get(), bytes_of(words), static_cast<uInt>(words.size())
                ) != Z_OK) {
                return corrupt("packed with another dictionary");
            }
            outcome = inflate(stream_.get(), Z_SYNC_FLUSH);
        }
        if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
            return corrupt("not deflated");
        }
        plain.append(piece.data(), piece.size() - stream_->avail_out);
        if (plain.size() > kHeaderBytesMax) {
            return fail(ErrorCode::resource_exhausted, "header block: too long");
        }
    } while (stream_->avail_out == 0);
    if (stream_->avail_in != 0) {
        return corrupt("bytes after its end");
    }
    return plain;
}

Result<Headers> HeaderUnpacker::unpack(std::string_view block) {
    const auto plain = inflate_block(block);
    if (!plain) {
        return fail(plain.error());
    }
    Reader reader(*plain);
    Headers headers;
    for (std::uint32_t left = reader.u32(); left > 0 && !reader.failed(); --left) {
        std::string_view name = reader.text();
        const std::string_view value = reader.text();
        if (reader.failed()) {
            break;
        }
        if (!is_proper_name(name) ||
            std::ranges::find(headers, name, &Headers::value_type::first) != headers.end()) {
            return corrupt("a name is empty, in upper case or there twice");
        }
        headers.emplace_back(name, value);
    }
    if (reader.failed() || !reader.at_end()) {
        return corrupt("its lengths do not fit");
    }
    return headers;
}

}  // namespace farhold::spdy
