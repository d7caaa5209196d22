// The policy of models with sections: checked_sync, with <poolproof/section.hpp>'s sections run as
// sections of the checker, on CPUs that the model makes. Relacy has no sections.
//
//     struct some_model : model, with_sections { some_model() : with_sections(2, 1, 1) {} ... };
//
// Stands on: engine, <poolproof/magazine.hpp>.
#pragma once

#include "engine.hpp"

#include <poolproof/magazine.hpp>

#include <array>
#include <cstdint>

namespace poolproof::models {

// What the kernel does for sections, or fails to do: by which a model shows that it is needed.
enum class kernel_fault : std::uint8_t {
  none,
  restarts_nothing,  // restart_all returns at once
  fences_only,       // it is a fence on every CPU that restarts nothing (PRIVATE_EXPEDITED)
  refuses,           // it says that it may not
};

struct section_machine {
  explicit section_machine(unsigned count, unsigned migrations, unsigned aborts)
      : cpus(count, migrations, aborts) {
    runs.fill(true);
  }

  checker::cpus cpus;
  kernel_fault fault = kernel_fault::none;
  // Which threads the kernel knows.
  std::array<bool, max_threads> runs;
};

struct checked_sections {
  static constexpr bool compiled = true;
  static constexpr std::uint32_t magazine_capacity = 2;

  static bool usable() noexcept { return true; }
  static bool runs() noexcept { return !in_threads() || machine->runs[current_thread()]; }

  [[nodiscard]] static bool restart_all(call_site from = call_site::here()) noexcept {
    switch (machine->fault) {
      case kernel_fault::none:
        machine->cpus.heavy_fence(place_of(from));
        return true;
      case kernel_fault::restarts_nothing:
        return true;
      case kernel_fault::fences_only:
        checker::heavy_fence(place_of(from));
        return true;
      case kernel_fault::refuses:
        return false;
    }
    return false;
  }

  template <class Shard>
  static typename Shard::item_type* take(Shard* shards, std::uint32_t size, std::uint64_t& word,
                                         call_site from = call_site::here()) noexcept {
    typename Shard::item_type* item = nullptr;
    if (!runs()) return item;
    machine->cpus.run(
        [&](checker::section& here) {
          item = magazine_steps<Shard>::take(here, shards, size, word);
        },
        place_of(from));
    return item;
  }

  template <class Shard>
  static bool give(Shard* shards, std::uint32_t size, typename Shard::item_type* item,
                   call_site from = call_site::here()) noexcept {
    bool given = false;
    if (!runs()) return given;
    machine->cpus.run(
        [&](checker::section& here) {
          given = magazine_steps<Shard>::give(here, shards, size, item);
        },
        place_of(from));
    return given;
  }

  // The model's that is running.
  inline static section_machine* machine = nullptr;
};

struct section_sync : checked_sync {
  using sections = checked_sections;

  // Where the thread would run a section; but a section may find another CPU.
  static std::uint32_t cpu() noexcept {
    return in_threads() ? checked_sections::machine->cpus.current() : 0;
  }
};

static_assert(sync_policy<section_sync>);

// A base of such models. Each thread moves and is interrupted in a section at most so often.
class with_sections {
 public:
  explicit with_sections(unsigned cpus, unsigned migrations, unsigned aborts)
      : kernel_(cpus, migrations, aborts) {
    checked_sections::machine = &kernel_;
  }

 protected:
  section_machine kernel_;
};

}  // namespace poolproof::models
