// SPDX-License-Identifier: Apache-2.0
//
// Somebody with kubectl: makes, changes and deletes objects, at a pace and in a mix drawn by chance.
#pragma once

#include "fleet.hpp"

#include <set>
#include <string>

namespace farhold::simulation {

class User {
public:
    User(Fleet& fleet);

    void start();
    // What pods refer to is there at last.
    void stop();

private:
    void work();
    void make_pod();
    void make_pod_named(const std::string& name, const std::string& node);
    void delete_pod();
    void replace_pod();
    void change_data();
    void relabel_pod();
    void change_image();
    void recreate_node();
    void clear_out();
    [[nodiscard]] ObjectPtr some(const std::string& kind);
    void put_data(const std::string& kind, int number);

    Fleet& fleet_;
    World& world_;
    Duration pace_;
    std::size_t pods_max_;
    bool working_ = false;
    int made_ = 0;
};

}  // namespace farhold::simulation
