// SPDX-License-Identifier: MIT
// A handle is not copied.
// expect: deleted
#include <poolproof/object_pool.hpp>

#include <utility>

poolproof::object_pool<int> pool;
poolproof::object_pool<int>::handle lent = pool.borrow();
#if defined(MISTAKE)
poolproof::object_pool<int>::handle other = lent;
#else
poolproof::object_pool<int>::handle other = std::move(lent);
#endif
