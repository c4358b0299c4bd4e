// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/app/hold_commands.hpp"
#include "cloudcore/app/serve.hpp"
#include "cloudcore/app/settings.hpp"
#include "cloudcore/app/token_commands.hpp"

int main(int argc, char** argv) {
    using namespace farhold;
    cloud::Settings settings;
    config::CommandLine line(
        "cloudcore", "The cloud side of Farhold: Kubernetes for machines that lose their network.",
        FARHOLD_VERSION
    );
    config::Command& serve = line.root().command("serve", "runs cloudcore");
    cloud::declare_serve(serve, settings);
    serve.action([&settings] { return cloud::serve(settings); });
    const cloud::TokenCommands token_commands(line.root());
    const cloud::HoldCommands hold_commands(line.root());
    return line.run(argc, argv);
}
