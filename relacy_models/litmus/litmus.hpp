// SPDX-License-Identifier: MIT
// Small programs that show what the engines see of a memory model: Relacy not all and not only what
// RC11 allows, the checker exactly that.
//
// Stands on: ../model.
#pragma once

#include <poolproof/sync.hpp>

#include "model.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace poolproof::models {

inline constexpr std::memory_order rlx = std::memory_order_relaxed;
inline constexpr std::memory_order acq = std::memory_order_acquire;
inline constexpr std::memory_order rel = std::memory_order_release;
inline constexpr std::memory_order sc = std::memory_order_seq_cst;

// Locations that are zero at the start, and registers for what the threads read. The outcome of an
// execution is the text of the registers, those that `shown` counts.
class litmus_test : public model {
 public:
  explicit litmus_test(unsigned shown) : shown_(shown) {}

  void after() override {
    switch (shown_) {
      case 0:
        break;
      case 1:
        outcome("%u", r[0]);
        break;
      case 2:
        outcome("%u %u", r[0], r[1]);
        break;
      case 3:
        outcome("%u %u %u", r[0], r[1], r[2]);
        break;
      default:
        outcome("%u %u %u %u", r[0], r[1], r[2], r[3]);
        break;
    }
  }

 protected:
  using location = sync::atomic<std::uint32_t>;
  using plain_location = sync::var<std::uint32_t>;

  // What a location holds when all threads are done.
  static std::uint32_t final_value(const location& where) { return where.load(rlx); }

  location x, y, z;
  plain_location plain;
  std::array<std::uint32_t, 4> r{};

 private:
  const unsigned shown_;
};

// What a litmus test records: all outcomes that Relacy shows, no more and no fewer, and the one
// that the test is about, with what RC11 and ISO C++20 say of that one. What Relacy says of it
// follows. Of the checker the verdicts of RC11 and ISO are asked for.
struct litmus_record {
  std::string_view name;
  std::string_view program;
  std::string_view outcome;
  verdict rc11 = verdict::forbidden;
  verdict iso = verdict::forbidden;
  unsigned threads = 2;
  std::vector<std::string_view> shown = {};
  search_plan search = full_search();
  bool cyclic = false;  // see litmus_question
};

inline model_info litmus_info(const litmus_record& record) {
  const bool shown =
      std::find(record.shown.begin(), record.shown.end(), record.outcome) != record.shown.end();
  return {.property = shown ? "Relacy shows the outcome" : "Relacy does not show the outcome",
          .threads = record.threads,
          .bound = record.program,
          .search = record.search,
          .outcomes = record.shown,
          .no_other_outcomes = true,
          .litmus = {record.program, record.outcome, shown ? verdict::allowed : verdict::forbidden,
                     record.rc11, record.iso, record.cyclic},
          .name = record.name};
}

// Of a test that is about a race on plain data, which Relacy reports or not.
inline model_info race_info(const litmus_record& record, bool reported) {
  model_info info = litmus_info(record);
  info.property = reported ? "Relacy reports the race" : "Relacy reports no race";
  info.litmus.outcome = "race";
  info.litmus.relacy = reported ? verdict::allowed : verdict::forbidden;
  info.expected = reported ? failure::data_race : failure::none;
  return info;
}

}  // namespace poolproof::models
