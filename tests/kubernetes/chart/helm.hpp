// SPDX-License-Identifier: Apache-2.0
//
// The real Helm, our chart and a test's control plane. The release is farhold in namespace farhold.
#pragma once

#include "tests/support/kubernetes/cluster.hpp"
#include "tests/support/rig/process.hpp"
#include "tests/support/skip.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace farhold::test {

class Helm {
public:
    static constexpr auto kAccount = "farhold-cloudcore";
    static constexpr auto kUser = "system:serviceaccount:farhold:farhold-cloudcore";
    static constexpr auto kSelector = "app.kubernetes.io/instance=farhold";

    // Makes the namespace, which takes only pods of the Pod Security Standard "restricted".
    explicit Helm(const Cluster& cluster) : cluster_(cluster) {
        if (!std::filesystem::exists(program())) skip_tests("there is no " + program());
        cluster.apply(R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"farhold",
            "labels":{"pod-security.kubernetes.io/enforce":"restricted"}}})");
    }

    // install or upgrade, with --set for each of the values.
    std::string deploy(const std::string& verb, const std::vector<std::string>& values = {}) const {
        const Outcome outcome = try_deploy(verb, values);
        if (outcome.exit_code != 0) throw std::runtime_error("helm: " + outcome.output);
        return outcome.output;
    }
    Outcome try_deploy(const std::string& verb, const std::vector<std::string>& values) const {
        std::vector<std::string> argv{verb, "farhold", chart()};
        for (const std::string& value : values) argv.insert(argv.end(), {"--set", value});
        return helm(std::move(argv));
    }
    void uninstall() const {
        const Outcome outcome = helm({"uninstall", "farhold"});
        if (outcome.exit_code != 0) throw std::runtime_error("helm: " + outcome.output);
    }

private:
    static std::string chart() {
        return std::string(std::getenv("FARHOLD_SOURCE_DIR")) + "/charts/cloudcore";
    }
    std::string program() const { return cluster_.programs() + "/helm"; }
    Outcome helm(std::vector<std::string> argv) const {
        std::vector<std::string> all{"env"};
        for (const char* kind : {"CACHE", "CONFIG", "DATA"}) {
            all.push_back(
                std::string("HELM_") + kind + "_HOME=" + cluster_.folder() + "/helm-" + kind
            );
        }
        all.push_back(program());
        all.insert(all.end(), argv.begin(), argv.end());
        all.insert(
            all.end(), {"--namespace", "farhold", "--kubeconfig", cluster_.admin_kubeconfig()}
        );
        return run_to_end(all);
    }

    const Cluster& cluster_;
};

}  // namespace farhold::test
