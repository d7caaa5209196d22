// SPDX-License-Identifier: MIT
// bounded: each thread gets one of `most` objects, waits if there is none, and gives it back.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

// A peer is made by the first of the threads: how many objects there are, the run says.
template <class Peer>
class lazily {
 public:
  static constexpr const char* name = Peer::name;
  static constexpr bool keeps = true;

  Peer& make(std::size_t most) { return made_.emplace(most); }
  Peer& made() { return *made_; }

 private:
  std::optional<Peer> made_;
};

struct bounded {
  static constexpr const char* name = "bounded";

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    if (state.thread_index() == 0) shared.make(static_cast<std::size_t>(state.range(0)));
    record.meet();
    auto& made = shared.made();
    made.give_back(made.get());
    record.start();
    for (auto _ : state) {
      auto item = made.get();
      use(&*item);
      made.give_back(std::move(item));
    }
    record.finish(state.iterations());
  }
};

}  // namespace pool_bench
