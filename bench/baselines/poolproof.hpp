// SPDX-License-Identifier: MIT
// The subject: object_pool as its README shows it, with its default options.
#pragma once

#include <memory>
#include <poolproof/object_pool.hpp>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T, poolproof::sync_policy Sync>
class pool_of_policy {
 public:
  static constexpr const char* name = "poolproof";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() { return pool_.try_get(); }
  [[gnu::always_inline]] std::unique_ptr<T> try_get_near() { return pool_.try_get_near(); }
  [[gnu::always_inline]] std::unique_ptr<T> get() { return pool_.get(); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { pool_.put(std::move(item)); }

  [[gnu::always_inline]] auto borrow() { return pool_.borrow(); }
  void rotate() { pool_.rotate(); }
  poolproof::pool_stats stats() const { return pool_.stats(); }

 private:
  poolproof::object_pool<T, std::default_delete<T>, Sync> pool_;
};

template <class T>
using poolproof_pool = pool_of_policy<T, poolproof::std_sync>;

}  // namespace pool_bench
