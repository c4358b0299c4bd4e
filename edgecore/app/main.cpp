// SPDX-License-Identifier: Apache-2.0
#include "edgecore/app/device_commands.hpp"
#include "edgecore/app/machine_commands.hpp"
#include "edgecore/app/run.hpp"
#include "edgecore/app/settings.hpp"

int main(int argc, char** argv) {
    using namespace farhold;
    edge::Settings settings;
    config::CommandLine line(
        "edgecore", "Runs this machine's share of a Kubernetes cluster, connected or not.",
        FARHOLD_VERSION
    );
    config::Command& run = line.root().command("run", "runs edgecore");
    edge::declare(run, settings);
    run.action([&settings] { return edge::run(settings); });
    const edge::MachineCommands machine_commands(line.root(), settings);
    const edge::DeviceCommands device_commands(line.root(), settings);
    return line.run(argc, argv);
}
