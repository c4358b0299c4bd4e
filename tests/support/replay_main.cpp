// SPDX-License-Identifier: Apache-2.0
//
// main() of a fuzz target in builds without libFuzzer: runs the inputs of the corpus folders named
// on the command line, and the empty input.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    int count = 1;
    static const std::uint8_t nothing = 0;
    LLVMFuzzerTestOneInput(&nothing, 0);
    for (int i = 1; i < argc; ++i) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream file(entry.path(), std::ios::binary);
            const std::string input{std::istreambuf_iterator<char>(file), {}};
            std::printf("%s\n", entry.path().c_str());
            std::fflush(stdout);
            // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
            LLVMFuzzerTestOneInput(
                reinterpret_cast<const std::uint8_t*>(input.data()), input.size()
            );
            ++count;
        }
    }
    std::printf("%d inputs replayed\n", count);
    return 0;
}
