// SPDX-License-Identifier: MIT
// The library without exceptions and without run-time type information: the pool works, and a bad
// argument ends the program with a message that names it.
#include <poolproof/borrow_shared.hpp>
#include <poolproof/bounded_pool.hpp>
#include <poolproof/buffer_pool.hpp>
#include <poolproof/checked_pool.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/prometheus.hpp>
#include <poolproof/trimmer.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "this test is about builds without exceptions and run-time type information"
#endif

namespace {

void require(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(EXIT_FAILURE);
}

void pool_keeps_and_returns_items() {
  int made = 0;
  poolproof::object_pool<int> pool([&made] { return std::make_unique<int>(++made); });
  auto first = pool.get();
  require(first != nullptr && *first == 1, "a miss calls the factory");
  const int* const address = first.get();
  pool.put(std::move(first));
  require(pool.get().get() == address, "a hit returns the item that was put");
  require(pool.try_get() == nullptr, "the item is handed out once");
  {
    const auto lent = pool.borrow();
    require(lent && *lent == 2, "a handle holds an item");
  }
  require(pool.stats().retained == 1, "a handle gives its item back");
  pool.rotate();
  poolproof::rotate_all();
  require(pool.stats().retained == 0, "two cycles destroy it");
}

// What a child process writes to its standard error while it makes what is refused.
template <class Make>
std::string last_words(int& status, Make make) {
  int ends[2];
  require(::pipe(ends) == 0, "a pipe is made");
  std::fflush(stdout);
  const pid_t child = ::fork();
  require(child >= 0, "a child is forked");
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    make();
    std::_Exit(EXIT_SUCCESS);
  }
  ::close(ends[1]);
  std::string words;
  char buffer[256];
  for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    words.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  ::waitpid(child, &status, 0);
  return words;
}

void make_pool_without_time() {
  const poolproof::pool_options zero{.cycle_interval = std::chrono::nanoseconds(0)};
  const poolproof::object_pool<int> pool([] { return std::make_unique<int>(); }, zero);
}

void make_trimmer_without_time() {
  const poolproof::trimmer_options zero{.look_interval = std::chrono::milliseconds(0)};
  const poolproof::trimmer made(zero);
}

void make_trimmer_without_files() {
  const rlimit none{};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const poolproof::trimmer made;
}

template <class Make>
void aborts_with(const char* expected, Make make) {
  int status = 0;
  const std::string words = last_words(status, make);
  require(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "what is refused aborts");
  require(words.find(expected) != std::string::npos, expected);
}

void trimmer_empties_an_idle_pool() {
  poolproof::object_pool<int> pool([] { return std::make_unique<int>(); },
                                   {.cycle_interval = std::chrono::milliseconds(10)});
  pool.put(std::make_unique<int>(1));
  const poolproof::trimmer working({.look_interval = std::chrono::milliseconds(5)});
  // Counted when it is destroyed, and that is after it has left the pool.
  while (pool.stats().cycle_destroyed == 0) ::usleep(1000);
  require(pool.stats().retained == 0, "a trimmer empties an idle pool");
}

void closed_pool_lends_nothing() {
  poolproof::bounded_pool<int> pool(1, [] { return std::make_unique<int>(1); });
  require(static_cast<bool>(pool.get()), "a pool with a maximum lends an item");
  pool.close();
  require(!pool.get() && !pool.try_get(), "a closed one lends none");
}

void make_pool_of_none() {
  const poolproof::bounded_pool<int> pool(0, [] { return std::make_unique<int>(1); });
}

void other_pools_work() {
  poolproof::object_pool<int> numbers([] { return std::make_unique<int>(1); }, {.name = "numbers"});
  require(*poolproof::borrow_shared(numbers) == 1, "an item is borrowed by several");
  poolproof::buffer_pool buffers;
  require(buffers.get(100).size() == 128, "a buffer is of a class");
  poolproof::checked_pool<int> checked([] { return std::make_unique<int>(1); });
  checked.put(checked.get());
  require(checked.stats().retained == 1, "a checked pool keeps an item");
  std::ostringstream told;
  poolproof::write_prometheus(told);
  require(told.str().find("poolproof_pool_retained{pool=\"numbers\"} 1\n") != std::string::npos,
          "Prometheus is told");
}

}  // namespace

int main() {
  pool_keeps_and_returns_items();
  aborts_with("cycle_interval", make_pool_without_time);
  aborts_with("look_interval", make_trimmer_without_time);
  aborts_with("the system refuses a thread or its pipe", make_trimmer_without_files);
  aborts_with("max", make_pool_of_none);
  closed_pool_lends_nothing();
  other_pools_work();
  trimmer_empties_an_idle_pool();
}
