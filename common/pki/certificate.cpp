// SPDX-License-Identifier: Apache-2.0
#include "common/pki/certificate.hpp"

#include "common/base/encoding.hpp"
#include "common/pki/openssl.hpp"

#include <arpa/inet.h>

#include <array>
#include <memory>
#include <optional>

namespace farhold::pki {

namespace {

std::string utf8_of(const ASN1_STRING* text) {
    unsigned char* bytes = nullptr;
    const int size = ASN1_STRING_to_UTF8(&bytes, text);
    if (size < 0) {
        return {};
    }
    std::string result(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return result;
}

std::vector<std::string> name_entries(const X509_NAME* name, int nid) {
    std::vector<std::string> values;
    for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0;
         at = X509_NAME_get_index_by_NID(name, nid, at)) {
        values.push_back(utf8_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
    }
    return values;
}

std::optional<WallTime> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return std::nullopt;
    }
    const std::chrono::year_month_day day{
        std::chrono::year(parts.tm_year + 1900), std::chrono::month(unsigned(parts.tm_mon + 1)),
        std::chrono::day(unsigned(parts.tm_mday))
    };
    // A year beyond what nanoseconds can count (2262) is as good as for ever.
    if (day.year() >= std::chrono::year(2262)) {
        return WallTime::max();
    }
    return std::chrono::sys_days(day) + std::chrono::hours(parts.tm_hour) +
           std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec);
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && ASN1_STRING_length(address) != 16) {
        return {};
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size());
}

void read_alternative_names(X509* handle, Certificate& certificate) {
    const std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(handle, NID_subject_alt_name, nullptr, nullptr)
        )
    );
    for (int at = 0; names && at < sk_GENERAL_NAME_num(names.get()); ++at) {
        const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), at);
        switch (name->type) {
            case GEN_DNS:
                certificate.dns_names.push_back(utf8_of(name->d.dNSName));
                break;
            case GEN_URI:
                certificate.uris.push_back(utf8_of(name->d.uniformResourceIdentifier));
                break;
            case GEN_IPADD:
                certificate.ip_addresses.push_back(address_text(name->d.iPAddress));
                break;
            default:
                break;
        }
    }
}

X509Ptr first_of(const Certificate& certificate) {
    auto handles = read_certificates(certificate.pem);
    return handles ? std::move(handles->front()) : nullptr;
}

}  // namespace

Result<Certificate> read_certificate(x509_st* handle) {
    Certificate certificate;
    const X509_NAME* subject = X509_get_subject_name(handle);
    const auto common_names = name_entries(subject, NID_commonName);
    certificate.subject_cn = common_names.empty() ? "" : common_names.front();
    certificate.organizations = name_entries(subject, NID_organizationName);
    read_alternative_names(handle, certificate);
    const auto not_before = time_of(X509_get0_notBefore(handle));
    const auto not_after = time_of(X509_get0_notAfter(handle));
    certificate.key_id = key_id_of(handle);
    certificate.pem = to_pem(handle);
    ERR_clear_error();
    if (!not_before || !not_after || certificate.key_id.empty()) {
        return fail(ErrorCode::invalid_argument, "certificate: its times or key cannot be read");
    }
    certificate.not_before = *not_before;
    certificate.not_after = *not_after;
    return certificate;
}

Result<Certificate> Certificate::from_pem(std::string_view pem) {
    const auto handles = read_certificates(pem);
    if (!handles) {
        return fail(handles.error());
    }
    return read_certificate(handles->front().get());
}

bool Certificate::issued_by(const Certificate& issuer) const {
    const X509Ptr own = first_of(*this);
    const X509Ptr authority = first_of(issuer);
    const bool verified = own && authority &&
                          X509_check_issued(authority.get(), own.get()) == X509_V_OK &&
                          X509_verify(own.get(), X509_get0_pubkey(authority.get())) == 1;
    ERR_clear_error();
    return verified;
}

bool Certificate::matches(const PrivateKey& key) const {
    return key_id == key.public_key().id();
}

bool is_due_for_renewal(const Certificate& certificate, WallTime now) {
    const Duration life = certificate.not_after - certificate.not_before;
    return now >= certificate.not_after - life / 3;
}

}  // namespace farhold::pki
