// SPDX-License-Identifier: MIT
// The pool keeps bare pointers.
// expect: must be T\*: remove the member type 'pointer'
#include <poolproof/object_pool.hpp>

#include <memory>

struct deleter {
#if defined(MISTAKE)
  struct pointer {
    pointer(decltype(nullptr) = nullptr) {}
    explicit operator bool() const { return false; }
    friend bool operator==(pointer, pointer) { return true; }
  };
  void operator()(pointer) const {}
#else
  void operator()(int* deleted) const { delete deleted; }
#endif
};
poolproof::object_pool<int, deleter> pool([] { return std::unique_ptr<int, deleter>(); });
