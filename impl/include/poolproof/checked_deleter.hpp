// SPDX-License-Identifier: MIT
// What ends the items of a checked_pool.
//
// Stands on: call_site, checked_items, the standard library.
#pragma once

#include <poolproof/call_site.hpp>
#include <poolproof/checked_items.hpp>

#include <memory>
#include <type_traits>

namespace poolproof {

// What destroys an item of a checked pool: notes it, and does what Deleter does.
template <class T, class Deleter>
struct checked_deleter {
  // What object_pool sees of it is this, which always is.
  static_assert(std::is_empty_v<Deleter> && std::is_default_constructible_v<Deleter> &&
                    std::is_same_v<typename std::unique_ptr<T, Deleter>::pointer, T*>,
                "checked_pool: Deleter must be empty and default-constructible, and its pointer "
                "T*, since the pool keeps bare pointers");

  [[gnu::noinline]] void operator()(T* item) const {
    checked_items::instance().note_end(item, call_site::of_caller("destroyed"));
    Deleter()(item);
  }
};

}  // namespace poolproof
