// SPDX-License-Identifier: Apache-2.0
//
// The last words of a container: whatever it wrote into its log or its termination message, a status
// that carries them can be sent.
#include "common/base/ensure.hpp"
#include "common/json/value.hpp"
#include "edgecore/volumes/file_access.hpp"
#include "edgecore/volumes/pod_directory.hpp"
#include "tests/support/fuzz_input.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

using namespace farhold;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    static const test::TempDir folder;
    const std::string path = folder.file("0.log");
    ensure(volumes::write_file(path, in.rest(), 0600).has_value(), "a log");
    const std::string tail = volumes::log_tail(path);
    ensure(tail.size() <= 2048 && std::ranges::count(tail, '\n') <= 80, "Kubernetes' limits");
    const auto sent = json::Value::parse(json::Value::of(tail).dump());
    ensure(sent && sent->is_string(), "a status can be sent");
    return 0;
}
