// SPDX-License-Identifier: MIT
// A factory is no pool.
// expect: conver
#include <poolproof/object_pool.hpp>

#include <memory>

constexpr auto make = [] { return std::make_unique<int>(); };
#if defined(MISTAKE)
poolproof::object_pool<int> pool = make;
#else
poolproof::object_pool<int> pool{make};
#endif
