// SPDX-License-Identifier: MIT
// The policy of models with sections: checked_sync, with <poolproof/section.hpp>'s sections run as
// sections of the checker, on CPUs that the model makes. Relacy has no sections.
//
//     struct some_model : model, with_sections { some_model() : with_sections(2, 1, 1) {} ... };
//
// Stands on: engine, <poolproof/magazine.hpp>.
#pragma once

#include "engine.hpp"

#include <poolproof/magazine_steps.hpp>

#include <array>
#include <cstdint>

namespace poolproof::models {

// What the kernel does for sections, or fails to do: by which a model shows that it is needed.
enum class kernel_fault : std::uint8_t {
  none,
  no_restarts,       // a section goes on after an interruption, in the middle of others
  cpu_read_before,   // the section is told the CPU that the thread was on before it
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
  // By thread; the last is the one before and after the threads. Which ones the kernel knows, how
  // many it refuses of their next restart_all, and how often it has.
  std::array<bool, max_threads + 1> runs;
  std::array<unsigned, max_threads + 1> refuses_next{};
  std::array<unsigned, max_threads + 1> refusals{};
};

// The one of the model that is running.
inline section_machine* running_machine = nullptr;

template <std::uint32_t Capacity>
struct sections_of_depth {
  static constexpr bool compiled = true;
  static constexpr std::uint32_t magazine_capacity = Capacity;

  static bool usable() noexcept { return true; }
  static bool runs() noexcept { return running_machine->runs[current_thread()]; }

  [[nodiscard]] static bool restart_all(call_site from = call_site::here()) noexcept {
    section_machine* const machine = running_machine;
    if (unsigned& left = machine->refuses_next[current_thread()]; left != 0) {
      --left;
      ++machine->refusals[current_thread()];
      return false;
    }
    switch (machine->fault) {
      case kernel_fault::none:
      case kernel_fault::no_restarts:
      case kernel_fault::cpu_read_before:
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

  template <class Shards>
  static typename Shards::item_type* take(const Shards& shards,
                                          call_site from = call_site::here()) noexcept {
    return run<typename Shards::item_type*>(
        [&](auto& here) { return magazine_steps<Shards>::take(here, shards); }, from);
  }

  template <class Shards>
  static typename Shards::item_type* loan(const Shards& shards,
                                          call_site from = call_site::here()) noexcept {
    return run<typename Shards::item_type*>(
        [&](auto& here) { return magazine_steps<Shards>::loan(here, shards); }, from);
  }

  template <class Shards>
  static std::uint32_t take_some(const Shards& shards, typename Shards::item_type** out,
                                 std::uint32_t room, call_site from = call_site::here()) noexcept {
    return run<std::uint32_t>(
        [&](auto& here) { return magazine_steps<Shards>::take_some(here, shards, out, room); },
        from);
  }

  template <class Shards>
  static bool give(const Shards& shards, typename Shards::item_type* item,
                   call_site from = call_site::here()) noexcept {
    return run<bool>([&](auto& here) { return magazine_steps<Shards>::give(here, shards, item); },
                     from);
  }

  template <class Shards>
  static bool hand_back(const Shards& shards, typename Shards::item_type* item,
                        call_site from = call_site::here()) noexcept {
    return run<bool>(
        [&](auto& here) { return magazine_steps<Shards>::hand_back(here, shards, item); }, from);
  }

  template <class Shards>
  static std::uint32_t give_some(const Shards& shards, typename Shards::item_type* const* items,
                                 std::uint32_t count, call_site from = call_site::here()) noexcept {
    return run<std::uint32_t>(
        [&](auto& here) { return magazine_steps<Shards>::give_some(here, shards, items, count); },
        from);
  }

 private:
  // A section of a thread that was on `cpu` when it asked.
  template <class Commit>
  struct late_section {
    unsigned cpu() const noexcept { return asked_; }
    template <class Operation>
    void commit(Operation operation) {
      commit_(operation);
    }

    unsigned asked_;
    Commit commit_;
  };

  // Nothing, if the thread runs no sections.
  template <class Result, class Body>
  static Result run(Body body, const call_site& from) {
    Result result{};
    if (runs()) run_in_section([&](auto& here) { result = body(here); }, from);
    return result;
  }

  template <class Body>
  static void run_in_section(Body body, const call_site& from) {
    section_machine* const machine = running_machine;
    const auto at_once = [](auto operation) { operation(); };
    switch (machine->fault) {
      case kernel_fault::no_restarts: {
        late_section here{machine->cpus.current(place_of(from)), at_once};
        return body(here);
      }
      case kernel_fault::cpu_read_before: {
        const unsigned asked = machine->cpus.current(place_of(from));
        return machine->cpus.run(
            [&](checker::section& now) {
              const auto commit = [&](auto operation) { now.commit(operation); };
              late_section here{asked, commit};
              body(here);
            },
            place_of(from));
      }
      default:
        machine->cpus.run([&](checker::section& here) { body(here); }, place_of(from));
    }
  }
};

using checked_sections = sections_of_depth<2>;

struct section_sync : checked_sync {
  using sections = checked_sections;

  // Where the thread would run a section; but a section may find another CPU.
  static std::uint32_t cpu() noexcept { return in_threads() ? running_machine->cpus.current() : 0; }
};

static_assert(sync_policy<section_sync>);

// A base of such models. Each thread moves and is interrupted in a section at most so often.
class with_sections {
 public:
  explicit with_sections(unsigned cpus, unsigned migrations, unsigned aborts)
      : kernel_(cpus, migrations, aborts) {
    running_machine = &kernel_;
  }

 protected:
  section_machine kernel_;
};

}  // namespace poolproof::models
