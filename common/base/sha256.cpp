// SPDX-License-Identifier: Apache-2.0
#include "common/base/sha256.hpp"

#include "common/base/ensure.hpp"

#include <openssl/evp.h>

#include <memory>

namespace farhold {

namespace {

class Hasher {
public:
    Hasher() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        ensure(context_ != nullptr, "no memory for a digest");
        ensure(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1, "SHA-256 missing");
    }
    void add(std::string_view bytes) {
        EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    }
    std::string finish() {
        std::string out(32, '\0');
        unsigned length = 0;
        EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), &length);
        return out;
    }

private:
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

std::string sha256(std::string_view bytes) {
    Hasher hasher;
    hasher.add(bytes);
    return hasher.finish();
}

std::string sha256_of(std::initializer_list<std::string_view> parts) {
    Hasher hasher;
    for (const std::string_view part : parts) {
        std::string length(8, '\0');
        for (unsigned i = 0; i < 8; ++i) {
            length[i] = static_cast<char>((part.size() >> (8U * i)) & 0xffU);
        }
        hasher.add(length);
        hasher.add(part);
    }
    return hasher.finish();
}

}  // namespace farhold
