// SPDX-License-Identifier: MIT
// The policies of the pool's clients: the models' policies, on a machine whose accidents a client
// asks for as it goes: refused memory, a migration, an interruption, a refused restart.
//
// Stands on: the models' checked_sync and section_sync, <poolproof/shard.hpp>.
#pragma once

#include <poolproof/shard.hpp>

#include "section_sync.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace poolproof::proofs {

using models::call_site;

// How much is done at once, and how deep a magazine is.
struct as_shipped {
  struct limits : models::model_limits {
    static constexpr std::uint32_t private_items = 2;
  };
  static constexpr std::uint32_t magazine_capacity = 2;
  static constexpr std::uint32_t tick_period = 256;
};
// So small that a few items go past everything, and every second take looks at the clock.
struct small {
  struct limits {
    static constexpr std::uint32_t first_ring = 2;
    static constexpr std::uint32_t cycle_batch = 2;
    static constexpr std::size_t call_budget = 1;
    static constexpr std::uint32_t exposed_puts = 1;
    static constexpr std::uint32_t private_items = 2;
  };
  static constexpr std::uint32_t magazine_capacity = 3;
  static constexpr std::uint32_t tick_period = 2;
};

// The same with other bounds: what a cycle does at once is less than what a call may do for it.
struct narrow {
  struct limits : small::limits {
    static constexpr std::uint32_t cycle_batch = 1;
    static constexpr std::size_t call_budget = 2;
    static constexpr std::uint32_t private_items = 1;
  };
  static constexpr std::uint32_t magazine_capacity = 2;
  static constexpr std::uint32_t tick_period = 2;
};

// Of one execution. By thread; the last is the one before and after the threads.
struct client_machine {
  struct thread {
    std::uint32_t cpu = 0;
    unsigned migrations = 0;       // left: at a question for its CPU
    unsigned refused_request = 0;  // the how manyeth for memory from now on; 0: none
    unsigned refusals = 0;         // of memory, so far
    unsigned restarts = 0;         // of sections, so far; in a call, its own
  };

  std::uint32_t cpus = 1;       // that a migration chooses from
  std::uint32_t cpus_told = 1;  // that the pool is told of
  unsigned patience = 1;
  std::array<thread, models::max_threads + 1> threads{};
  std::int64_t blocks = 0;  // of memory for items: rings

  thread& self() noexcept { return threads[models::current_thread()]; }
};

inline client_machine this_client;

// Without sections: the portable pin.
template <class Sizes>
struct portable_client_sync : models::checked_sync {
  using limits = typename Sizes::limits;

  // Of calls that no section serves each ticks, or none: a count of its own would be one more thing
  // that threads share.
  class ticker {
   public:
    bool tick() noexcept { return period < production_period; }
    bool tick_slowly() noexcept { return tick(); }
    static std::uint32_t pace() noexcept { return 1; }
    static void set_pace(std::uint32_t) noexcept {}
    static constexpr std::uint32_t period = Sizes::tick_period;

   private:
    static constexpr std::uint32_t production_period = 256;
  };

  static std::uint32_t cpu(call_site from = call_site::here()) noexcept {
    client_machine::thread& self = this_client.self();
    if (self.migrations != 0 && checker::choose(2, models::place_of(from)) == 1) {
      --self.migrations;
      self.cpu = (self.cpu + 1) % this_client.cpus;
    }
    return self.cpu;
  }
  static std::uint32_t cpu_count() noexcept { return this_client.cpus_told; }
  static unsigned patience() noexcept { return this_client.patience; }

  // What is aligned for shards is for the pool itself.
  static void* allocate(std::size_t size, std::size_t alignment,
                        call_site from = call_site::here()) noexcept {
    client_machine::thread& self = this_client.self();
    if (self.refused_request != 0 && --self.refused_request == 0) {
      ++self.refusals;
      return nullptr;
    }
    this_client.blocks += alignment < shard_alignment ? 1 : 0;
    return checker::allocate(size, alignment, models::place_of(from));
  }
  static void deallocate(void* memory, std::size_t, std::size_t alignment,
                         call_site from = call_site::here()) noexcept {
    this_client.blocks -= alignment < shard_alignment ? 1 : 0;
    checker::deallocate(memory, models::place_of(from));
  }
  static void* allocate_zeroed(std::size_t size, std::size_t alignment,
                               call_site from = call_site::here()) noexcept {
    return allocate(size, alignment, from);
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment,
                                call_site from = call_site::here()) noexcept {
    deallocate(memory, size, alignment, from);
  }
};

// With sections.
template <class Sizes>
struct section_client_sync : portable_client_sync<Sizes> {
  struct sections : models::sections_of_depth<Sizes::magazine_capacity> {
    [[nodiscard]] static bool restart_all(call_site from = call_site::here()) noexcept {
      ++this_client.self().restarts;
      return models::sections_of_depth<Sizes::magazine_capacity>::restart_all(from);
    }
  };

  static std::uint32_t cpu(call_site from = call_site::here()) noexcept {
    return models::running_machine->cpus.current(models::place_of(from));
  }
};

}  // namespace poolproof::proofs
