// SPDX-License-Identifier: Apache-2.0
//
// A containerd of a test's own: configuration, data, socket, bridge and images in a temporary
// folder. The destructor removes every pod, process, mount, interface, rule, cgroup and folder again
// (tools/containerd_down); what a killed test leaves, the next fixture removes. Two folders cannot be
// its own, since containerd has them fixed: /run/containerd/s and /run/containerd/runc.
//
// Where it cannot run (no root, no containerd) the constructor ends the whole executable as skipped.
// With it come the images localhost/farhold/pause:1 and kBusybox.
#pragma once

#include "tests/support/temp_dir.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace farhold::test {

class ContainerdFixture {
public:
    static constexpr auto kBusybox = "localhost/farhold/busybox:1";

    ContainerdFixture();
    ContainerdFixture(const ContainerdFixture&) = delete;
    ContainerdFixture& operator=(const ContainerdFixture&) = delete;
    ~ContainerdFixture();

    const std::string& socket() const { return socket_; }
    // The fixture's folder; free for the test's own files, such as logs of pods.
    const std::string& folder() const { return folder_.path(); }

    // For the pods of the test; removed with the fixture, as are those that begin with it and "-".
    std::string cgroup_parent() const { return "/" + bridge_; }
    // Of the network; also the name of its bridge.
    const std::string& network() const { return bridge_; }
    // Where containerd finds its CNI plugins: links that a test may replace.
    std::string plugins() const { return folder_.file("plugins"); }
    std::string network_config() const { return folder_.file("cni/10-farhold.conflist"); }

    // Starts it again, with the data it had, and returns when it answers.
    void start();
    // SIGKILL; containers and their shims go on.
    void kill();
    // To containerd itself, such as SIGSTOP.
    void signal(int number) const;
    // As if the machine had lost power: no process, mount or network namespace of a pod is left, nor
    // containerd's state, and containerd is not running. Images are still there after start().
    void cut_power();

    // Runs `ctr` in Kubernetes' namespace and answers its output; fails the test if it fails.
    std::string ctr(const std::vector<std::string>& arguments);

private:
    void write_config();
    void import_images();
    void remove_pods();
    void kill_leftovers();
    void unmount_leftovers();
    // What fixtures have left whose process was killed.
    static void remove_the_dead();
    static std::string registration();

    TempDir folder_;
    std::string socket_;
    std::string bridge_;  // Also the name of its cgroup.
    ::pid_t pid_ = 0;
};

}  // namespace farhold::test
