// SPDX-License-Identifier: MIT
#include "pool_client.hpp"

namespace poolproof::proofs {

std::unique_ptr<checker::program> narrow_portable_player(const client& played,
                                                         const pool_setting& setting) {
  return std::make_unique<pool_client<portable_client_sync<narrow>>>(played, setting);
}

}  // namespace poolproof::proofs
