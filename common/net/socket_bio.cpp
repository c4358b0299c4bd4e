// SPDX-License-Identifier: Apache-2.0
#include "common/net/socket_bio.hpp"

#include "common/base/ensure.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace farhold::net {

namespace {

int socket_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool is_retry(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int write_bytes(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
    BIO_clear_retry_flags(bio);
    const ssize_t count = ::send(socket_of(bio), bytes, size, MSG_NOSIGNAL);
    if (count < 0) {
        if (is_retry(errno)) {
            BIO_set_retry_write(bio);
        }
        return 0;
    }
    *written = static_cast<std::size_t>(count);
    return 1;
}

int read_bytes(BIO* bio, char* bytes, std::size_t size, std::size_t* read) {
    BIO_clear_retry_flags(bio);
    const ssize_t count = ::recv(socket_of(bio), bytes, size, 0);
    if (count <= 0) {
        if (count == 0) {
            BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
        } else if (is_retry(errno)) {
            BIO_set_retry_read(bio);
        }
        return 0;
    }
    *read = static_cast<std::size_t>(count);
    return 1;
}

long control(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
        default:
            return 0;
    }
}

// OpenSSL wants one description for all BIOs of a kind; it lives as long as the process.
const BIO_METHOD* socket_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
        ensure(
            made != nullptr && BIO_meth_set_write_ex(made, write_bytes) == 1 &&
                BIO_meth_set_read_ex(made, read_bytes) == 1 &&
                BIO_meth_set_ctrl(made, control) == 1,
            "OpenSSL takes a BIO method"
        );
        return made;
    }();
    return method;
}

}  // namespace

BIO* new_socket_bio(int socket) {
    BIO* bio = BIO_new(socket_method());
    ensure(bio != nullptr, "OpenSSL has memory for a BIO");
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
    BIO_set_init(bio, 1);
    return bio;
}

}  // namespace farhold::net
