// SPDX-License-Identifier: Apache-2.0
#include "common/object/time_text.hpp"
#include "embedded_server.hpp"

namespace farhold::api_behaviour {

std::unique_ptr<Server> fresh_server() {
    return std::make_unique<EmbeddedServer>([] {
        return object::parse_time("2026-05-04T03:02:01Z").value();
    });
}

}  // namespace farhold::api_behaviour
