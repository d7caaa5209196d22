// SPDX-License-Identifier: MIT
// A function pointer would have to be kept with every item.
// expect: Deleter must be empty and default-constructible.*write: struct deleter
#include <poolproof/object_pool.hpp>

#include <cstdlib>
#include <memory>

#if defined(MISTAKE)
using deleter = void (*)(void*);
constexpr auto make = [] { return std::unique_ptr<int, deleter>(nullptr, std::free); };
#else
struct deleter {
  void operator()(int* freed) const { std::free(freed); }
};
constexpr auto make = [] { return std::unique_ptr<int, deleter>(); };
#endif
poolproof::object_pool<int, deleter> pool(make);
