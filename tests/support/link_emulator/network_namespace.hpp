// SPDX-License-Identifier: Apache-2.0
//
// A network namespace of a test's own, with its loopback up. The destructor removes it, and with it
// the interfaces in it. Needs root and /dev/net/tun: without them the executable ends as skipped.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace farhold::test {

class NetworkNamespace {
public:
    // `purpose` is a few letters for the name, which is made unique.
    explicit NetworkNamespace(const std::string& purpose);
    NetworkNamespace(const NetworkNamespace&) = delete;
    NetworkNamespace& operator=(const NetworkNamespace&) = delete;
    ~NetworkNamespace();

    const std::string& name() const { return name_; }

    // `ip -n NAME words...`; throws with its words when it fails.
    void ip(std::vector<std::string> words) const;
    // Any program inside; its standard output.
    std::string run(std::vector<std::string> words) const;

    // Calls it on a thread that is in the namespace, and returns when it has ended. Sockets that it
    // opens stay in the namespace.
    void inside(const std::function<void()>& body) const;

private:
    std::string name_;
};

// For the calling thread, for good.
void enter_network_namespace(const std::string& name);

}  // namespace farhold::test
