// SPDX-License-Identifier: MIT
// The deleter of an array needs its length, or `delete[]`: a pool of them would be a trap.
// expect: T must not be an array
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
using item = int[];
#else
using item = int;
#endif
poolproof::object_pool<item> pool([] { return std::unique_ptr<item>(); });
