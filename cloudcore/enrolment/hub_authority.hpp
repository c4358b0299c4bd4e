// SPDX-License-Identifier: Apache-2.0
//
// The hub's own CA (P-256, ten years), which machines pin; the embedded API has another one. It is made
// at the first start, and never again: with another CA no machine would come back. Damage is an error.
#pragma once

#include "common/async/task.hpp"
#include "common/base/error.hpp"
#include "common/base/time.hpp"
#include "common/datadir/data_dir.hpp"
#include "common/kubeapi/kube_client.hpp"
#include "common/pki/certificate.hpp"

#include <string>

namespace farhold::enrolment {

// Standalone: DIR/hub-ca.crt and DIR/hub-ca.key, the key with mode 0600.
Result<pki::CertificateAuthority> keep_authority(const datadir::DataDir& dir, WallTime now);

// Beside a cluster: the Secret kube-system/NAME of type kubernetes.io/tls, which may be somebody's own.
// Of two cloudcores that start at once the second takes what the first has made.
Task<Result<pki::CertificateAuthority>> keep_authority(
    kubeapi::KubeObjects& client, std::string name, WallTime now
);

}  // namespace farhold::enrolment
