// SPDX-License-Identifier: Apache-2.0
//
// The stage of most tests in a cluster: a control plane, cloudcore beside it, and one machine that is
// enrolled and Ready on a real containerd.
#pragma once

#include "tests/support/kubernetes/cluster.hpp"
#include "tests/support/rig/site.hpp"

#include <functional>
#include <string>
#include <utility>

namespace farhold::test {

class ClusterSite {
    // Before the rest, since its folder is the containerd's.
    ContainerdFixture runtime_;

public:
    using AdjustCluster = std::function<void(ClusterOptions&)>;
    // Called when the cluster runs and nothing else does.
    using Prepare = std::function<void(Cluster&, CloudOptions&)>;

    explicit ClusterSite(
        const AdjustCluster& adjust = {}, const Site::Adjust& adjust_site = {},
        const Prepare& prepare = {}
    )
        : cluster(options(adjust)),
          started_(cluster),
          site_(runtime_, with_cluster(adjust_site, prepare)) {}

    // Applies a pod and returns when the cloud calls it Running.
    void run_pod(const std::string& name, const PodOptions& options = {}) {
        site_.run_pod(name, options);
    }
    void require_healed() { site_.require_healed(); }

    Cluster cluster;

private:
    struct Started {
        explicit Started(Cluster& cluster) { cluster.start(); }
    };
    Started started_;
    Site site_;

    ClusterOptions options(const AdjustCluster& adjust) const {
        ClusterOptions made;
        made.folder = runtime_.folder() + "/cluster";
        if (adjust) adjust(made);
        return made;
    }

    // Site asks twice, once for each part.
    Site::Adjust with_cluster(const Site::Adjust& adjust, const Prepare& prepare) {
        CloudOptions prepared;
        prepared.cluster_kubeconfig = prepared.admin_kubeconfig = cluster.admin_kubeconfig();
        prepared.kubectl = cluster.programs() + "/kubectl";
        if (prepare) prepare(cluster, prepared);
        return [prepared, adjust](CloudOptions& cloud, MachineOptions& machine) {
            cloud.cluster_kubeconfig = prepared.cluster_kubeconfig;
            cloud.admin_kubeconfig = prepared.admin_kubeconfig;
            cloud.kubectl = prepared.kubectl;
            if (adjust) adjust(cloud, machine);
        };
    }

public:
    Cloud& cloud = site_.cloud;
    Machine& machine = site_.machine;
    ContainerdFixture& runtime = site_.runtime;
};

}  // namespace farhold::test
