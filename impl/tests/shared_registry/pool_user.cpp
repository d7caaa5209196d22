// SPDX-License-Identifier: MIT
// A plugin with a pool of its own, which ends when it is unloaded.
#include <poolproof/object_pool.hpp>

namespace {

poolproof::object_pool<int> pool;

}  // namespace

extern "C" [[gnu::visibility("default")]] void use_pool() { static_cast<void>(pool.borrow()); }
