// SPDX-License-Identifier: Apache-2.0
//
// Randomness as a dependency: the programs seed it from the kernel, the simulation from its seed.
// Not for keys or tokens; those come from OpenSSL (common/pki).
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace farhold {

class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}

    // Seeded by the kernel.
    static Random from_system();

    std::uint64_t next() { return engine_(); }
    // Uniform in [low, high], both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high);
    // Uniform in [0, 1).
    double unit();
    bool chance(double probability) { return unit() < probability; }

    // A version 4 UUID in lower case, as Kubernetes writes uids.
    std::string uuid();
    // `length` characters of the alphabet that Kubernetes uses for generateName.
    std::string suffix(int length);

private:
    std::mt19937_64 engine_;
};

}  // namespace farhold
