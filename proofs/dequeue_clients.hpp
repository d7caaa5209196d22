// SPDX-License-Identifier: MIT
// The clients of pool_dequeue: an owner that pushes and pops, and up to two thieves, one item at a
// time or up to two.
#pragma once

#include "client.hpp"

namespace poolproof::proofs {

family dequeue_clients();
family dequeue_batch_clients();

}  // namespace poolproof::proofs
