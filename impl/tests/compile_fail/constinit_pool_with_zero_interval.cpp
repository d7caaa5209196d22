// SPDX-License-Identifier: MIT
// A bad argument of a constant is found by the compiler.
// expect: constant
#include <poolproof/object_pool.hpp>

#include <chrono>
#include <memory>

#if defined(MISTAKE)
constexpr std::chrono::seconds interval{0};
#else
constexpr std::chrono::seconds interval{1};
#endif
constinit poolproof::object_pool<int> pool([] { return std::make_unique<int>(); },
                                           {.cycle_interval = interval});
