// The clients of object_pool: threads that put, get and rotate.
#pragma once

#include "client.hpp"

namespace poolproof::proofs {

// All threads on one CPU, hence on one shard.
family one_cpu_clients();
// The threads on two CPUs in turn. The pool is told of one, so that the second shard is added by
// the first thread that needs it.
family two_cpu_clients();
// Four threads on two CPUs: the first and the third on one, the second and the fourth on the other.
family four_thread_clients();

}  // namespace poolproof::proofs
