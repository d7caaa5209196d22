// SPDX-License-Identifier: MIT
// The places of the source where an atomic operation stands, and what a run does to them.
//
// A site is a file (its name without folders) and a line: the label lines of the headers see to it
// that no line has two operations. A run counts how often each site is reached and can, with
// nothing recompiled, weaken the order of one site or change what its operation does. A
// compare-and-swap is two sites on one line: `op`, with the order of success, and `fail`, with the
// order of failure.
//
// Stands on: the standard library. It allocates nothing: it is used inside modelled threads, where
// every allocation belongs to the model.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace poolproof::models {

// Where an operation was called. As a defaulted argument, `call_site::here()` is the caller's
// place, with both compilers; clang 14 has no std::source_location.
struct call_site {
  const char* function;
  const char* file;
  unsigned line;

  static constexpr call_site here(const char* function = __builtin_FUNCTION(),
                                  const char* file = __builtin_FILE(),
                                  unsigned line = __builtin_LINE()) noexcept {
    return {function, file, line};
  }
};

enum class site_part : std::uint8_t { op, fail };

// What an algorithmic mutant does to the operations of one line.
enum class mutation : std::uint8_t {
  none,
  skip_store,             // a store has no effect
  exchange_returns_zero,  // an exchange hides what it displaced: a try-lock that always succeeds
  cas_blind,              // a compare-and-swap stores without comparing
};

struct site {
  struct part {
    std::uint64_t reached = 0;
    std::uint64_t reached_by_threads = 0;    // not before or after them
    std::optional<std::memory_order> order;  // takes the place of the order in the source
  };

  std::string_view file;
  const char* file_name = nullptr;  // the same, as a C string
  unsigned line = 0;
  std::array<part, 2> parts;
  mutation mutant = mutation::none;

  part& operator[](site_part which) noexcept { return parts[static_cast<std::size_t>(which)]; }
  const part& operator[](site_part which) const noexcept {
    return parts[static_cast<std::size_t>(which)];
  }

  void count(site_part which, bool by_threads) noexcept {
    part& counted = (*this)[which];
    ++counted.reached;
    counted.reached_by_threads += by_threads;
  }

  // With which order an operation is to be done.
  std::memory_order order(site_part which, std::memory_order written) const noexcept {
    return (*this)[which].order.value_or(written);
  }
};

// All sites of a run.
class site_table {
 public:
  // The site of a call. Called for every operation: one probe into a table, as a rule.
  site& find(const call_site& from) noexcept {
    const std::size_t start =
        (reinterpret_cast<std::uintptr_t>(from.file) + from.line * std::size_t{0x9e3779b9}) %
        entries_.size();
    for (std::size_t probe = 0; probe != entries_.size(); ++probe) {
      entry& candidate = entries_[(start + probe) % entries_.size()];
      if (candidate.file == from.file && candidate.line == from.line) return *candidate.found;
      if (candidate.found == nullptr) {
        candidate = {from.file, from.line, &at(base_name(from.file), from.line)};
        return *candidate.found;
      }
    }
    give_up();
  }

  // The site of a file name and line, whether reached or not. `file` must outlive the table.
  site& at(const char* file, unsigned line) noexcept {
    for (std::size_t i = 0; i != count_; ++i) {
      if (sites_[i].line == line && sites_[i].file == file) return sites_[i];
    }
    if (count_ == sites_.size()) give_up();
    site& added = sites_[count_++];
    added.file = added.file_name = file;
    added.line = line;
    return added;
  }

  const site* begin() const noexcept { return sites_.data(); }
  const site* end() const noexcept { return sites_.data() + count_; }

 private:
  struct entry {
    const char* file = nullptr;
    unsigned line = 0;
    site* found = nullptr;
  };

  static constexpr std::size_t max_sites = 4096;

  static const char* base_name(const char* path) noexcept {
    const std::string_view whole = path;
    const std::size_t slash = whole.rfind('/');
    return slash == std::string_view::npos ? path : path + slash + 1;
  }

  [[noreturn]] static void give_up() noexcept {
    std::fprintf(stderr, "models: more than %zu sites\n", max_sites);
    std::abort();
  }

  // The same file has several addresses, one in each translation unit: several entries, one site.
  std::array<entry, 4 * max_sites> entries_{};
  std::array<site, max_sites> sites_{};
  std::size_t count_ = 0;
};

inline site_table all_sites;

// Whether this run changes sites or counts them.
inline bool watching_sites = false;

}  // namespace poolproof::models
