// SPDX-License-Identifier: MIT
// Many clients, the cheapest first, for as long as there is time: what is proved of how many.
//
// How much a client costs is not estimated but tried: all get a few runs each, those that are not
// finished ten times as many, and so on. So no client waits for one that costs ten times as much,
// and what is spent on tries is a ninth of the rest at most. How far a client is searched in a
// round depends on the client alone.
//
// Stands on: client, the checker.
#pragma once

#include "client.hpp"

#include <checker/progress_line.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::proofs {

// A client of a family, and what is known of it so far.
struct surveyed {
  const family* of;
  client played;
  std::size_t calls = 0;  // its size, as the family counts

  bool finished = false;
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::string error = {};   // what was wrong, if anything
  std::string replay = {};  // runs it again

  bool failed() const noexcept { return !error.empty(); }
  bool proved() const noexcept { return finished && !failed(); }
};

class survey {
 public:
  struct limits {
    std::chrono::duration<double> time;  // from now on
    unsigned jobs = 1;
    unsigned spurious = 0;
    bool merge_reads = true;
    bool alike_once = false;
    bool keep_going = false;
    checker::showing line = checker::showing::automatic;  // of how far it is
  };

  // `clients` are explored in rounds; in a round, in this order.
  survey(std::vector<surveyed> clients, const limits& chosen);

  // Until all are finished, the time is up, or one has failed.
  void run();

  const std::vector<surveyed>& clients() const noexcept { return clients_; }

  // Whether none has failed.
  bool is_good() const noexcept;
  bool is_finished() const noexcept;

  // What is proved of how many clients that have something in common.
  struct row {
    const family* of;
    std::size_t threads;
    std::size_t calls;
    std::string_view made_of;
    std::size_t all = 0;
    std::size_t proved = 0;
    std::uint64_t executions = 0;
  };
  std::vector<row> table() const;

  // What failed, and a line for each family.
  void print(std::ostream& to) const;
  // The table, as a list of objects.
  void print_json(std::ostream& to) const;

 private:
  using steady = std::chrono::steady_clock;

  struct batch {
    std::vector<std::size_t> numbers;  // of clients
  };

  void run_round(std::uint64_t runs);
  std::string explore(const batch& chosen, std::uint64_t runs) const;
  void take(const batch& done, const std::string& text);
  void show();
  bool time_is_up() const { return steady::now() >= end_; }
  bool goes_on() const noexcept { return !failed_ || limits_.keep_going; }

  std::vector<surveyed> clients_;
  const limits limits_;
  const steady::time_point end_;
  checker::progress_line line_;
  bool failed_ = false;
};

}  // namespace poolproof::proofs
