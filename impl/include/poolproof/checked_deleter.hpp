// SPDX-License-Identifier: MIT
// What ends the items of a checked_pool.
//
// Stands on: call_site, checked_items.
#pragma once

#include <poolproof/call_site.hpp>
#include <poolproof/checked_items.hpp>

namespace poolproof {

// What destroys an item of a checked pool: notes it, and does what Deleter does.
template <class T, class Deleter>
struct checked_deleter {
  [[gnu::noinline]] void operator()(T* item) const {
    checked_items::instance().note_end(item, call_site::of_caller("destroyed"));
    Deleter()(item);
  }
};

}  // namespace poolproof
