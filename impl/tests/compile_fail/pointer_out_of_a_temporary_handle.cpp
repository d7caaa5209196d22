// SPDX-License-Identifier: MIT
// The item would be back in the pool before the pointer is used.
// expect: deleted
#include <poolproof/object_pool.hpp>

poolproof::object_pool<int> pool;

#if defined(MISTAKE)
int* borrowed = pool.borrow().get();
#else
auto lent = pool.borrow();
int* borrowed = lent.get();
#endif
