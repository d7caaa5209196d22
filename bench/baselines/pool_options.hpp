// SPDX-License-Identifier: MIT
// Pools that differ in one option or hook: what each costs a hit.
#pragma once

#include <cstddef>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <utility>

#include "../objects.hpp"

namespace pool_bench {

using kept_pool = poolproof::object_pool<counted_object>;
using kept_hooks = poolproof::pool_hooks<counted_object>;

// What an option is, beside its name. Bounds are never reached, and hooks do next to nothing.
struct no_option {
  static constexpr const char* name = "no_option";
  static poolproof::pool_options options() { return {}; }
  static kept_hooks hooks() { return {}; }
};
struct named : no_option {
  static constexpr const char* name = "name";
  static poolproof::pool_options options() { return {.name = "measured"}; }
};
struct bounded_items : no_option {
  static constexpr const char* name = "max_retained";
  static poolproof::pool_options options() { return {.max_retained = 1024}; }
};
struct with_idle : no_option {
  static constexpr const char* name = "min_idle";
  static poolproof::pool_options options() { return {.min_idle = 2}; }
};
struct bounded_bytes : no_option {
  static constexpr const char* name = "max_bytes";
  static poolproof::pool_options options() { return {.max_bytes = 1 << 20}; }
  static kept_hooks hooks() {
    return {.size_of = [](const counted_object&) { return sizeof(counted_object); }};
  }
};
struct reset : no_option {
  static constexpr const char* name = "reset";
  static kept_hooks hooks() {
    return {.reset = [](counted_object& item) {
      item.words[0] = 0;
      return true;
    }};
  }
};
struct told_of_drops : no_option {
  static constexpr const char* name = "on_drop";
  static kept_hooks hooks() {
    return {.on_drop = [](counted_object&, poolproof::drop_cause) {}};
  }
};

template <class Option>
class pool_with {
 public:
  static constexpr const char* name = Option::name;

  [[gnu::always_inline]] std::unique_ptr<counted_object> try_get() { return pool_.try_get(); }
  [[gnu::always_inline]] std::unique_ptr<counted_object> get() { return pool_.get(); }
  [[gnu::always_inline]] void put(std::unique_ptr<counted_object> item) {
    pool_.put(std::move(item));
  }

 private:
  kept_pool pool_{std::make_unique<counted_object>, Option::options(), Option::hooks()};
};

}  // namespace pool_bench
