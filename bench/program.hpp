// SPDX-License-Identifier: MIT
// What the programs with scenarios have in common: what they know of their own build and
// surroundings, for the runner to record, and their main.
#pragma once

#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <filesystem>
#include <latch>
#include <poolproof/pool_stats.hpp>
#include <poolproof/sync.hpp>
#include <string>
#include <thread>

namespace pool_bench {

inline constexpr const char* compiler =
#if defined(__clang__)
    "clang++ " __clang_version__;
#else
    "g++ " __VERSION__;
#endif

inline constexpr const char* optimized =
#if defined(__OPTIMIZE__)
    "yes";
#else
    "no";
#endif

// The file whose malloc this process calls: a preload that was refused shows.
inline std::string allocator_name() {
  Dl_info found{};
  void* const symbol = dlsym(RTLD_DEFAULT, "malloc");
  if (symbol == nullptr || dladdr(symbol, &found) == 0) return "unknown";
  return std::filesystem::path(found.dli_fname).filename().string();
}

inline void describe_build() {
  benchmark::AddCustomContext("compiler", compiler);
  benchmark::AddCustomContext("optimized", optimized);
  benchmark::AddCustomContext("pin", std::string(poolproof::name_of(poolproof::std_sync::pin())));
  benchmark::AddCustomContext("allocator", allocator_name());
}

// A program's main. glibc leaves out the locked instructions of a mutex, and some of malloc's,
// while a process has one thread. Programs with a pool have more: a second thread waits through the
// whole run.
inline int run_all(int argc, char** argv, void (*add_scenarios)()) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  describe_build();
  add_scenarios();
  std::latch finished{1};
  const std::jthread second_thread([&finished] { finished.wait(); });
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  finished.count_down();
  return 0;
}

}  // namespace pool_bench
