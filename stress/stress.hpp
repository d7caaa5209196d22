// SPDX-License-Identifier: MIT
// What the stress tests share: arguments, seeds, threads that begin together, a watchdog, the
// report.
//
// A stress test runs real threads against the headers, with choices that its seed decides and a
// schedule that the machine decides. It prints one line: its seed, what it did, and how often each
// racy path was taken. A racy path that was never taken is a failure, for then nothing was tested.
//
// Stands on: the standard library and POSIX.
#pragma once

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace stress {

// splitmix64: small enough to be a thread-local constant, and good enough in every bit.
class generator {
 public:
  constexpr explicit generator(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // A number less than n, which must not be zero. The bias of the remainder does not matter here.
  constexpr std::uint32_t below(std::uint32_t n) noexcept {
    return static_cast<std::uint32_t>((next() >> 32) % n);
  }

  constexpr bool one_in(std::uint32_t n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// The choices of the calling thread: a crew seeds those of its members, parse those of main.
inline constinit thread_local generator choices{0};

// Identifies the calling thread, from 1 on; 0 is nobody. Numbers are not used again.
inline std::uint32_t thread_number() noexcept {
  static constinit std::atomic<std::uint32_t> last{0};
  static constinit thread_local std::uint32_t number = 0;
  if (number == 0) number = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return number;
}

// ---- Arguments ---------------------------------------------------------------------------------

// What a test is asked to do. A test has a time box or a count of items, or both.
struct options {
  const char* program = "";
  const char* purpose = "";
  std::uint64_t seed = 0;
  std::optional<double> seconds = std::nullopt;
  std::optional<std::uint64_t> items = std::nullopt;
};

// The test that runs, for messages.
inline options current;

// Reports a violation and ends the process. The other threads are left as they are: their state is
// the evidence, and a core dump or a debugger shows it.
[[noreturn]] inline void fail(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s: FAILED: %s (seed %llu)\n", current.program, what.c_str(),
               static_cast<unsigned long long>(current.seed));
  std::_Exit(EXIT_FAILURE);
}

inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

inline void require_equal(std::uint64_t found, std::uint64_t expected, const char* what) {
  if (found == expected) return;
  fail(std::string(what) + ": found " + std::to_string(found) + ", expected " +
       std::to_string(expected));
}

inline void print_help(std::FILE* out, const options& defaults) {
  std::fprintf(out, "usage: %s [--seed N]%s%s\n%s\n\n", defaults.program,
               defaults.seconds ? " [--seconds S]" : "", defaults.items ? " [--items N]" : "",
               defaults.purpose);
  std::fprintf(out, "  --seed N      makes the same choices again; default: a random one\n");
  if (defaults.seconds) {
    std::fprintf(out, "  --seconds S   how long to go on; default: %g\n", *defaults.seconds);
  }
  if (defaults.items) {
    std::fprintf(out, "  --items N     how many items; default: %llu\n",
                 static_cast<unsigned long long>(*defaults.items));
  }
}

template <class Number>
void parse_number(const char* name, const char* text, Number& number) {
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error == std::errc{} && stop == end && number >= 0) return;
  std::fprintf(stderr, "%s: the value of %s is not a number: '%s'\n", current.program, name, text);
  std::exit(2);
}

// Reads the arguments over the defaults, and seeds the main thread's choices.
inline options parse(int argc, char** argv, options defaults) {
  options result = defaults;
  result.seed = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  current = result;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--help") {
      print_help(stdout, defaults);
      std::exit(EXIT_SUCCESS);
    }
    const bool known = name == "--seed" || (name == "--seconds" && defaults.seconds) ||
                       (name == "--items" && defaults.items);
    if (!known || i + 1 == argc) {
      std::fprintf(stderr, known ? "%s: %s needs a value\n" : "%s: unknown argument %s\n",
                   defaults.program, argv[i]);
      print_help(stderr, defaults);
      std::exit(2);
    }
    const char* const value = argv[++i];
    if (name == "--seed") parse_number("--seed", value, result.seed);
    if (name == "--seconds") parse_number("--seconds", value, *result.seconds);
    if (name == "--items") parse_number("--items", value, *result.items);
  }
  current = result;
  choices = generator(result.seed);
  return result;
}

// ---- Time --------------------------------------------------------------------------------------

using steady = std::chrono::steady_clock;

inline steady::duration seconds(double count) {
  constexpr double years = 1e9;  // more would not fit
  count = std::min(count, years);
  return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(count));
}

// A racy path and how often it was taken.
struct path {
  const char* what;
  std::uint64_t count;
};
using paths = std::vector<path>;

inline bool all_taken(const paths& these) {
  return std::all_of(these.begin(), these.end(), [](const path& p) { return p.count != 0; });
}

// How long a test goes on.
class time_box {
 public:
  explicit time_box(double length)
      : end_(steady::now() + seconds(length)), last_(end_ + patience) {}
  bool over() const { return steady::now() >= end_; }

  // The same for a test that must take certain paths: as long as it has not, it goes on. No number
  // of tries makes a race certain; on a machine that is busy with other work it may take many.
  bool over(const paths& to_take) const {
    return over() && (all_taken(to_take) || steady::now() >= last_);
  }

  // In which even on a loaded machine every path is taken that can be.
  static constexpr steady::duration patience = std::chrono::minutes(5);

 private:
  steady::time_point end_;
  steady::time_point last_;
};

// Ends the process with a message if it is not renewed for the given time: for whatever waits for
// other threads. The limit is far above what a loaded machine needs, and only ever reached by a
// hang.
class watchdog {
 public:
  explicit watchdog(const char* what) {
    renew(what);
    thread_ = std::thread([this] { watch(); });
  }

  ~watchdog() {
    over_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  // Begins to wait for something else. `what` must outlive the watchdog.
  void renew(const char* what) noexcept {
    what_.store(what, std::memory_order_relaxed);
    const auto now = steady::now().time_since_epoch();
    deadline_.store((now + limit).count(), std::memory_order_relaxed);
  }

  static constexpr steady::duration limit = std::chrono::seconds(60);

 private:
  void watch() {
    while (!over_.load(std::memory_order_relaxed)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const auto now = steady::now().time_since_epoch().count();
      if (now < deadline_.load(std::memory_order_relaxed)) continue;
      fail(std::string("nothing moved for a minute while ") +
           what_.load(std::memory_order_relaxed));
    }
  }

  std::atomic<bool> over_{false};
  std::atomic<const char*> what_{nullptr};
  std::atomic<steady::duration::rep> deadline_{0};
  std::thread thread_;
};

// ---- Threads -----------------------------------------------------------------------------------

// Threads that begin together, so that even short work overlaps. Each has choices of its own, which
// depend on the seed of the crew and its position only. After join the crew is empty, for the next
// use.
class crew {
 public:
  explicit crew(std::uint64_t seed) : seeds_(seed) {}

  ~crew() { join(); }

  // Adds `count` members that will run body(i), i being their number among these.
  template <class Body>
  void add(std::uint32_t count, Body body) {
    for (std::uint32_t i = 0; i < count; ++i) bodies_.push_back([body, i]() mutable { body(i); });
  }

  void start() {
    threads_.reserve(bodies_.size());
    for (auto& body : bodies_) {
      threads_.emplace_back([this, &body, seed = seeds_.next()] {
        choices = generator(seed);
        pass_gate();
        body();
      });
    }
  }

  void join() {
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    bodies_.clear();
    waiting_.store(0, std::memory_order_relaxed);
  }

  void run() {
    start();
    join();
  }

  // Of a member that has started, in the order in which they were added.
  std::thread::native_handle_type handle(std::uint32_t member) {
    return threads_[member].native_handle();
  }

 private:
  void pass_gate() {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    while (waiting_.load(std::memory_order_relaxed) < bodies_.size()) std::this_thread::yield();
  }

  generator seeds_;
  std::atomic<std::size_t> waiting_{0};
  std::vector<std::function<void()>> bodies_;
  std::vector<std::thread> threads_;
};

// ---- Report ------------------------------------------------------------------------------------

// The one line that a test prints.
class report {
 public:
  // What was done.
  void did(const char* what, std::uint64_t count) { add(what, count); }

  // Racy paths. One that was never taken is a failure.
  void took(const paths& these) {
    for (const path& p : these) {
      add(p.what, p.count);
      if (p.count == 0) never_.emplace_back(p.what);
    }
  }

  // Prints the line and returns what main returns.
  int finish() const {
    const std::chrono::duration<double> taken = steady::now() - begin_;
    std::printf("%s: seed %llu:%s; %.1f s\n", current.program,
                static_cast<unsigned long long>(current.seed), line_.c_str(), taken.count());
    std::fflush(stdout);
    for (const auto& what : never_) {
      std::fprintf(stderr, "%s: FAILED: path never taken: %s (seed %llu)\n", current.program,
                   what.c_str(), static_cast<unsigned long long>(current.seed));
    }
    return never_.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  void add(const char* what, std::uint64_t count) {
    line_ += line_.empty() ? " " : ", ";
    line_ += std::to_string(count) + ' ' + what;
  }

  steady::time_point begin_ = steady::now();
  std::string line_;
  std::vector<std::string> never_;
};

}  // namespace stress
