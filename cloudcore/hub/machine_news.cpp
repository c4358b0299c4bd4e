// SPDX-License-Identifier: Apache-2.0
#include "cloudcore/hub/machine_news.hpp"

#include <fmt/format.h>

namespace farhold::hub {

std::string_view reason_of(MachineNews::Kind kind) {
    switch (kind) {
        case MachineNews::Kind::store_went_back:
            return "StoreWentBack";
        case MachineNews::Kind::reports_lost:
            return "ReportsLost";
        case MachineNews::Kind::cloned:
            return "MachineCloned";
        case MachineNews::Kind::node_made_anew:
            return "NodeMadeAnew";
    }
    return "Unknown";
}

MachineNews node_made_anew() {
    return {
        .kind = MachineNews::Kind::node_made_anew,
        .message =
            "this Node was deleted and made anew while its machine had objects; what the "
            "cluster lacks of them stays there until somebody confirms that it is gone "
            "(cloudcore holds list)",
    };
}

std::vector<MachineNews> news_of(const Judgement& judgement, const tunnel::Hello& hello) {
    using Kind = MachineNews::Kind;
    std::vector<MachineNews> news;
    if (judgement.went_back_is_news) {
        const std::uint64_t acked = judgement.next.acked_seq;
        const std::uint64_t missing = acked > hello.seq_high ? acked - hello.seq_high : 0;
        news.push_back({
            .kind = Kind::store_went_back,
            .count = missing,
            .message = fmt::format(
                "the machine's store went back in time (restored, or its last writes are gone): "
                "{} acknowledged report numbers are missing there; it gets its objects anew",
                missing
            ),
        });
    }
    if (judgement.reports_lost > 0) {
        news.push_back({
            .kind = Kind::reports_lost,
            .count = judgement.reports_lost,
            .message = fmt::format(
                "the machine lost {} durable reports to damage on its disk", judgement.reports_lost
            ),
        });
    }
    if (judgement.clone_is_news) {
        news.push_back({
            .kind = Kind::cloned,
            .message = "two machines run with this node's identity and store; the one that came "
                       "later is refused, its pods go on running there",
        });
    }
    return news;
}

}  // namespace farhold::hub
