// SPDX-License-Identifier: MIT
// buffers: each thread gets buffers of a size, writes a byte to each page of them, and gives them
// back: `at_once` before the first goes back. The first of all are got before the clock starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../harness.hpp"

namespace pool_bench {

struct buffers {
  static constexpr const char* name = "buffers";

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    const auto bytes = static_cast<std::size_t>(state.range(0));
    const auto at_once = static_cast<std::size_t>(state.range(1));
    use_some(shared, bytes, at_once);
    std::uint64_t made_before = 0;
    record.meet();
    if constexpr (requires { shared.made(bytes); }) made_before = shared.made(bytes);
    record.start();
    for (auto _ : state) use_some(shared, bytes, at_once);
    // Of a pool: those that its loop has made.
    record.finish(state.iterations() * state.range(1), [&] {
      if constexpr (requires { shared.made(bytes); })
        record.set("constructed", static_cast<double>(shared.made(bytes) - made_before));
    });
  }

 private:
  static constexpr std::size_t most_at_once = 8;
  static constexpr std::size_t page = 4096;

  template <class Pool>
  [[gnu::always_inline]] static void use_some(Pool& shared, std::size_t bytes,
                                              std::size_t at_once) {
    std::array<std::optional<decltype(shared.get(bytes))>, most_at_once> held;
    for (std::size_t i = 0; i < at_once; ++i) {
      held[i].emplace(shared.get(bytes));
      std::byte* const data = held[i]->data();
      for (std::size_t at = 0; at < bytes; at += page) data[at] = std::byte{1};
      benchmark::DoNotOptimize(data);
      benchmark::ClobberMemory();
    }
  }
};

}  // namespace pool_bench
