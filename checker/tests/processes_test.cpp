// SPDX-License-Identifier: MIT
// Work in processes of its own: what comes back, and what becomes of work that ends badly.

#include <checker/model.hpp>
#include <checker/processes.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

#include "catch.hpp"

using namespace checker;

namespace {

struct additions {
  static constexpr unsigned threads = 12;
  checker::atomic<unsigned> sum{0};
  void thread(unsigned) { sum.fetch_add(1, std::memory_order_relaxed); }
};

struct timed {
  statistics found;
  double seconds;
};

// A busy machine makes a search late, or lets it do little: it is repeated until it is `good`, for
// a minute at most.
template <class Good>
timed search_until(const options& chosen, unsigned jobs, Good good) {
  using clock = std::chrono::steady_clock;
  const auto last = clock::now() + std::chrono::minutes(1);
  for (;;) {
    const auto start = clock::now();
    const statistics found = verify<additions>(chosen, jobs);
    const timed result{found, std::chrono::duration<double>(clock::now() - start).count()};
    if (good(result) || clock::now() > last) return result;
  }
}

}  // namespace

TEST_CASE("each_piece_of_work_ends_with_its_text") {
  processes at_work;
  shared_counts counts(3);
  const std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i != 3; ++i) {
    at_work.start(i, [&counts, &large, i] {
      counts.set(i, 10 + i);
      return std::to_string(i) + large;
    });
  }
  std::map<std::size_t, std::string> texts;
  while (at_work.running() != 0) {
    const auto done = at_work.wait();
    REQUIRE(done);
    CHECK(done->error.empty());
    texts[done->number] = done->text;
  }
  REQUIRE(texts.size() == 3);
  for (std::size_t i = 0; i != 3; ++i) CHECK(texts[i] == std::to_string(i) + large);
  CHECK(counts.sum() == 33);
}

TEST_CASE("work_that_ends_badly_is_named_with_its_reason") {
  processes at_work;
  at_work.start(7, []() -> std::string {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
    return "never";
  });
  auto done = at_work.wait();
  REQUIRE(done);
  CHECK(done->number == 7);
  CHECK(done->error.find("signal 11") != std::string::npos);
  at_work.start(8, []() -> std::string { throw std::runtime_error("no luck"); });
  done = at_work.wait();
  REQUIRE(done);
  CHECK(done->number == 8);
  CHECK(done->error == "no luck");
}

TEST_CASE("who_waits_too_long_gets_nothing_and_who_is_stopped_is_gone") {
  processes at_work;
  at_work.start(1, []() -> std::string {
    for (;;) ::pause();
  });
  CHECK(!at_work.wait(20));
  CHECK(at_work.running() == 1);
  at_work.stop();
  CHECK(at_work.running() == 0);
}

// Twelve additions in a million parts: the division alone would take minutes.
TEST_CASE("the_time_of_a_search_is_kept_while_it_is_divided") {
  options chosen;
  chosen.seconds = 0.2;
  chosen.parts = 1'000'000;
  const timed run = search_until(chosen, 1, [](const timed& now) { return now.seconds < 5; });
  CHECK(run.seconds < 5);
  CHECK(run.found.cut == 1);
  CHECK(run.found.complete == 0);
}

TEST_CASE("the_time_of_a_search_on_several_processes_is_that_of_the_whole") {
  options chosen;
  chosen.seconds = 0.6;
  std::uint64_t reported = 0;
  chosen.on_progress = [&](const progress& now) { reported = now.complete; };
  // Eight parts: two at a time would take four times as long if each had all of it.
  const timed run =
      search_until(chosen, 2, [&](const timed& now) { return now.seconds < 2 && reported > 1000; });
  CHECK(run.seconds < 2);
  CHECK(run.found.cut != 0);
  CHECK(reported > 1000);
}
