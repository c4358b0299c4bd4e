// SPDX-License-Identifier: Apache-2.0
#include "common/base/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace farhold {

void ensure_failed(std::string_view what, std::source_location where) {
    std::fprintf(
        stderr, "level=error msg=\"broken invariant\" what=\"%.*s\" at=%s:%u\n",
        static_cast<int>(what.size()), what.data(), where.file_name(), where.line()
    );
    std::abort();
}

}  // namespace farhold
