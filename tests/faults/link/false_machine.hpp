// SPDX-License-Identifier: Apache-2.0
//
// Another edgecore with the credentials of a machine, an empty store and no container runtime: to see
// how it takes a hub that is none, while the machine itself goes on.
#pragma once

#include "link_site.hpp"

#include <filesystem>
#include <string>

namespace farhold::test {

class FalseMachine {
public:
    // `hub` is HOST:PORT.
    FalseMachine(LinkSite& here, const std::string& name, const std::string& hub)
        : machine_(here.site.cloud, options(here, name, hub)) {
        namespace fs = std::filesystem;
        const Machine& original = here.site.machine;
        fs::create_directories(machine_.data_dir());
        fs::copy(
            original.data_dir() + "/credentials.pem", machine_.data_dir() + "/credentials.pem"
        );
        fs::copy(here.site.folder() + "/edgecore.yaml", folder(here, name) + "/edgecore.yaml");
    }

    Machine& operator*() { return machine_; }
    Machine* operator->() { return &machine_; }

    std::string trouble() const {
        return std::string(machine_.status().text_at({"link", "trouble"}));
    }
    long resident_kb() {
        const std::string path = "/proc/" + std::to_string(machine_.process().pid()) + "/status";
        const std::string text = read_text(path);
        const auto at = text.find("VmRSS:");
        return at == std::string::npos ? 0 : std::stol(text.substr(at + 6));
    }

private:
    static std::string folder(const LinkSite& here, const std::string& name) {
        return here.site.folder() + "/" + name;
    }
    static MachineOptions options(
        const LinkSite& here, const std::string& name, const std::string& hub
    ) {
        const std::string place = folder(here, name);
        MachineOptions options;
        options.folder = place;
        options.hub = hub;
        options.network_namespace = here.line.edge().name();
        options.flags = {
            "--data-dir",        place + "/edge-data", "--pod-log-dir",
            place + "/pod-logs", "--runtime-endpoint", "unix://" + place + "/no-runtime.sock",
        };
        return options;
    }

    Machine machine_;
};

}  // namespace farhold::test
