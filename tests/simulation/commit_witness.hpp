// SPDX-License-Identifier: Apache-2.0
//
// Reads along on one connection and checks that a batch is confirmed only when it is on the disk.
#pragma once

#include "common/tunnel/frame.hpp"
#include "crashing_store.hpp"
#include "world.hpp"

#include <map>
#include <string>

namespace farhold::simulation {

class CommitWitness {
public:
    CommitWitness(World& world, std::string node, const CrashingStore& disk)
        : world_(world), node_(std::move(node)), disk_(disk) {}

    // As the machine gets and sends it.
    void received(const std::string& bytes);
    void sent(const std::string& bytes);

private:
    void check(const tunnel::Batch& batch);

    World& world_;
    std::string node_;
    const CrashingStore& disk_;
    tunnel::FrameReader downward_;
    tunnel::FrameReader upward_;
    bool broken_ = false;  // The hub's side broke the protocol; the machine finds out by itself.
    std::map<std::uint64_t, tunnel::Batch> batches_;
    std::map<object::ObjectKey, std::uint64_t> newest_;  // The batch that spoke of it last.
};

}  // namespace farhold::simulation
