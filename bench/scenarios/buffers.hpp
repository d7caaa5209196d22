// SPDX-License-Identifier: MIT
// buffers: each thread gets buffers of a size, writes a byte to each page of them, and gives them
// back: one, or eight before the first goes back. The first of all are got before the clock starts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct buffers {
  static constexpr const char* name = "buffers";
  static constexpr std::size_t several = 8;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    if (state.range(1) == 1)
      run_with(std::make_index_sequence<1>(), state, shared, record);
    else
      run_with(std::make_index_sequence<several>(), state, shared, record);
  }

 private:
  static constexpr std::size_t page = 4096;

  template <std::size_t... AtOnce, class Pool>
  static void run_with(std::index_sequence<AtOnce...> at_once, benchmark::State& state,
                       Pool& shared, recorder& record) {
    const auto bytes = static_cast<std::size_t>(state.range(0));
    use_some(at_once, shared, bytes);
    // Of a pool, `constructed` are the buffers that its loop has made.
    std::uint64_t made_before = 0;
    record.meet();
    if constexpr (requires { shared.made(bytes); }) made_before = shared.made(bytes);
    record.start();
    for (auto _ : state) use_some(at_once, shared, bytes);
    record.finish(state.iterations() * static_cast<std::int64_t>(sizeof...(AtOnce)), [&] {
      if constexpr (requires { shared.made(bytes); })
        record.set("constructed", static_cast<double>(shared.made(bytes) - made_before));
    });
  }

  template <std::size_t... AtOnce, class Pool>
  [[gnu::always_inline]] static void use_some(std::index_sequence<AtOnce...>, Pool& shared,
                                              std::size_t bytes) {
    const std::array held{(static_cast<void>(AtOnce), shared.get(bytes))...};
    for (const auto& each : held) {
      std::byte* const data = each.data();
      for (std::size_t at = 0; at < bytes; at += page) data[at] = std::byte{1};
      benchmark::DoNotOptimize(data);
      benchmark::ClobberMemory();
    }
  }
};

}  // namespace pool_bench
