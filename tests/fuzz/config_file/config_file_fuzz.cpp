// SPDX-License-Identifier: Apache-2.0
//
// Configuration files and kubeconfigs: an error names the file and the line (and in ours, where
// there is one, the key); what is taken is no larger than what was read.
#include "common/base/ensure.hpp"
#include "common/config/yaml_settings.hpp"
#include "common/kubeconfig/kubeconfig.hpp"
#include "tests/support/fuzz_input.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

using namespace farhold;

namespace {

int line_in(std::string_view message, std::string_view path) {
    ensure(message.starts_with(path), "an error names its file");
    message.remove_prefix(path.size());
    ensure(message.starts_with(':'), "and its line");
    return std::atoi(std::string(message.substr(1)).c_str());
}

void check_settings(const std::string& text) {
    const auto settings = config::parse_yaml_settings(text, "edge.yaml");
    const auto lines = 2 + std::ranges::count(text, '\n') + std::ranges::count(text, '\r');
    if (!settings) {
        const int line = line_in(settings.error().message(), "edge.yaml");
        ensure(line >= 1 && line <= lines, "a line that is there");
        return;
    }
    std::size_t bytes = 0;
    std::set<std::string> keys;
    for (const config::YamlSetting& setting : *settings) {
        ensure(setting.line >= 1 && setting.line <= lines, "a line that is there");
        ensure(keys.insert(setting.key).second, "a key stands once");
        bytes += setting.key.size();
        for (const std::string& value : setting.values) {
            bytes += value.size();
        }
    }
    // An escape of four characters may become three bytes.
    ensure(bytes <= text.size(), "nothing grows");
}

void check_kubeconfig(const std::string& text) {
    const auto config = kubeconfig::parse(text, "admin.kubeconfig");
    if (!config) {
        ensure(config.error().message().starts_with("admin.kubeconfig:"), "the file is named");
        return;
    }
    ensure(config->server.starts_with("https://"), "only with TLS");
    if (config->client_certificate_pem.empty() || config->ca_pem.empty()) {
        return;  // We write none that names files.
    }
    const auto again = kubeconfig::parse(
        kubeconfig::render(
            {.server = "https://127.0.0.1:1",
             .ca_pem = config->ca_pem,
             .client_certificate_pem = config->client_certificate_pem,
             .client_key_pem = config->client_key_pem,
             .token = {}},
            "farhold"
        ),
        "admin.kubeconfig"
    );
    ensure(again.has_value() && again->ca_pem == config->ca_pem, "ours can be read");
    ensure(again->client_certificate_pem == config->client_certificate_pem, "with its user");
    ensure(again->client_key_pem == config->client_key_pem, "and the key");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzInput in(data, size);
    const bool is_kubeconfig = in.byte() == 'k';
    const std::string text(in.rest());
    if (is_kubeconfig) {
        check_kubeconfig(text);
    } else {
        check_settings(text);
    }
    return 0;
}
