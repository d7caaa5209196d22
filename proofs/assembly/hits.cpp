// SPDX-License-Identifier: MIT
// The same sections where a user has them: in a hit of a pool. take_some and give_some are in none.
#include <poolproof/object_pool.hpp>

namespace {

using namespace poolproof;
using pool = object_pool<int>;
using core = pool_core<int, std::default_delete<int>, std_sync>;

}  // namespace

extern "C" {

int* hit_take(pool& from) { return from.get().release(); }
void hit_loan(pool& from, pool::handle* place) { ::new (place) pool::handle(from.borrow()); }
void hit_give(pool& to, int* item) { to.put(std::unique_ptr<int>(item)); }
void hit_hand_back(pool::handle& lent) { lent.~handle(); }

// Where their near_shards are: a pool's first member, the next one for handles, one in the core.
extern const std::uint64_t near_bytes = sizeof(near_shards<int, std_sync>);
const void* near_of(core& of) { return &of.near_of_handles(); }

}  // extern "C"
