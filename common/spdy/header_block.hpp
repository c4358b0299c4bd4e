// SPDX-License-Identifier: Apache-2.0
//
// Pure: header blocks of SPDY/3: names and values, deflated with a dictionary that both ends know. One
// packer and one unpacker live as long as the connection, since each block builds on those before.
#pragma once

#include "common/base/error.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct z_stream_s;

namespace farhold::spdy {

// Names are lower case, and none comes twice.
using Headers = std::vector<std::pair<std::string, std::string>>;

// The value of that name, or an empty text.
std::string_view find_header(const Headers& headers, std::string_view name);

inline constexpr std::size_t kHeaderBytesMax = 16 << 10;  // Unpacked.

class HeaderPacker {
public:
    HeaderPacker();
    HeaderPacker(const HeaderPacker&) = delete;
    HeaderPacker& operator=(const HeaderPacker&) = delete;
    ~HeaderPacker();

    std::string pack(const Headers& headers);

private:
    std::unique_ptr<z_stream_s> stream_;
};

class HeaderUnpacker {
public:
    HeaderUnpacker();
    HeaderUnpacker(const HeaderUnpacker&) = delete;
    HeaderUnpacker& operator=(const HeaderUnpacker&) = delete;
    ~HeaderUnpacker();

    // After an error it is of no more use.
    Result<Headers> unpack(std::string_view block);

private:
    Result<std::string> inflate_block(std::string_view block);

    std::unique_ptr<z_stream_s> stream_;
};

}  // namespace farhold::spdy
