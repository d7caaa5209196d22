// The clients of pool_dequeue: an owner that pushes and pops, and up to two thieves.
#pragma once

#include "client.hpp"

namespace poolproof::proofs {

family dequeue_clients();

}  // namespace poolproof::proofs
