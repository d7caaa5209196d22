// SPDX-License-Identifier: MIT
// trimmer.hpp: the thread that looks after pools that nobody calls. Not tested is that the kernel
// tells of memory pressure, for it would take some: that it is asked is, and a terminal tells in
// its place.
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>

#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "child.hpp"
#include "pools.hpp"
#include "tracked.hpp"

// A child of a process with threads starts one: ThreadSanitizer takes it for the parent's, whose
// identity it has. And what AddressSanitizer locks while a thread starts stays locked in a child;
// and with it comes g++'s look at the type of an object, which needs a file.
#if defined(__has_feature)
#define POOLPROOF_TEST_HAS_FEATURE(feature) __has_feature(feature)
#else
#define POOLPROOF_TEST_HAS_FEATURE(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || POOLPROOF_TEST_HAS_FEATURE(thread_sanitizer)
#define POOLPROOF_TEST_NO_THREAD_AFTER_FORK
#define POOLPROOF_TEST_NO_FORK_BESIDE_THREADS_THAT_START
#elif defined(__SANITIZE_ADDRESS__) || POOLPROOF_TEST_HAS_FEATURE(address_sanitizer)
#define POOLPROOF_TEST_NO_FORK_BESIDE_THREADS_THAT_START
#define POOLPROOF_TEST_FILES_NEEDED
#endif

namespace {

std::function<void(int)> after_close;

}  // namespace

#if !defined(POOLPROOF_TEST_NO_THREAD_AFTER_FORK)
// In place of the C library's.
extern "C" int close(int number) {
  const auto result = static_cast<int>(::syscall(SYS_close, number));
  if (after_close) after_close(number);
  return result;
}
#endif

namespace {

using namespace std::chrono_literals;
using poolproof::pool_options;
using poolproof::trim_thread;
using poolproof::trimmer;
using poolproof::trimmer_options;
using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::holds_in_child;
using poolproof::test::no_factory;
using poolproof::test::put_new;
using poolproof::test::real_pool;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;
using steady_clock = std::chrono::steady_clock;

constexpr pool_options short_cycles{.cycle_interval = 20ms};
constexpr trimmer_options often{.look_interval = 5ms};
constexpr trimmer_options hardly_ever{.look_interval = 1h, .on_pressure = false};

// Goes on looking until it is so.
template <class Condition>
void check_comes_true(const char* what, Condition condition) {
  awaited it(what);
  while (it.missing()) {
    it.happened(condition());
    std::this_thread::sleep_for(1ms);
  }
  it.check();
}

template <class Condition>
bool comes_true(Condition condition) {
  const auto last = steady_clock::now() + awaited::patience / 2;
  while (!condition() && steady_clock::now() < last) std::this_thread::sleep_for(1ms);
  return condition();
}

// The same for what is so at once if another thread runs: without sleeping.
template <class Condition>
void comes_true_soon(Condition condition) {
  const auto last = steady_clock::now() + awaited::patience / 2;
  while (!condition() && steady_clock::now() < last) std::this_thread::yield();
}

void check_all_go() {
  check_comes_true("all items were destroyed", [] { return tracked::alive() == 0; });
}

std::ptrdiff_t entries(const char* folder) {
  using iterator = std::filesystem::directory_iterator;
  return std::distance(iterator(folder), iterator());
}

std::ptrdiff_t threads() { return entries("/proc/self/task"); }

// Whether all threads but the caller's wait for something.
bool others_sleep() {
  const std::string own = std::to_string(::syscall(SYS_gettid));
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/task")) {
    if (each.path().filename() == own) continue;
    std::ifstream file(each.path() / "stat");
    std::string text;
    std::getline(file, text);
    if (text.find(") S ") == std::string::npos) return false;
  }
  return true;
}

// One that has been joined may still be there for a moment.
void check_threads_become(std::ptrdiff_t count) {
  check_comes_true("there were as many threads", [&] { return threads() == count; });
}

// --- What is due ---------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "items_of_a_pool_that_nobody_calls_go", "[trimmer]") {
  real_pool pool(no_factory, short_cycles);
  real_pool other(no_factory, short_cycles);
  const trimmer working(often);
  put_new(pool, 0, 10000);
  put_new(other, 0, 1);
  check_all_go();
  CHECK(pool.stats().cycle_destroyed == 10000);
}

TEST_CASE_METHOD(all_given_back, "items_stay_after_the_last_trimmer", "[trimmer]") {
  real_pool pool(no_factory, short_cycles);
  { const trimmer ended(often); }
  put_new(pool, 0, 100);
  const auto begun = steady_clock::now();
  while (steady_clock::now() < begun + 10 * 20ms) std::this_thread::sleep_for(20ms);
  CHECK(tracked::alive() == 100);
  CHECK(pool.stats().cycles == 0);
}

TEST_CASE_METHOD(all_given_back, "items_of_which_nothing_is_due_stay", "[trimmer]") {
  real_pool due(no_factory, short_cycles);
  real_pool later(no_factory, pool_options{.cycle_interval = 1h});
  real_pool never(no_factory, without_automatic_cycles);
  put_new(later, 0, 100);
  put_new(never, 0, 100);
  const trimmer working(trimmer_options{.look_interval = 5ms, .on_pressure = false});
  for (int i = 0; i < 3; ++i) {
    put_new(due, 0, 1);
    check_comes_true("the items of the pool that is due went",
                     [] { return tracked::alive() == 200; });
  }
  CHECK(later.stats().cycles == 0);
  CHECK(never.stats().cycles == 0);
}

TEST_CASE_METHOD(all_given_back, "pool_may_be_destroyed_while_the_thread_is_in_it", "[trimmer]") {
  std::atomic<bool> at_work{false};
  std::atomic<bool> ending{false};
  std::atomic<int> gone{0};
  awaited overlapped("a pool ended while the thread destroyed items of it");
  const auto here = std::this_thread::get_id();
  tracked::when_destroyed([&](int) {
    if (std::this_thread::get_id() != here) {
      // The first item stays for the end, which the others then meet.
      if (!at_work.exchange(true)) comes_true_soon([&] { return ending.load(); });
      overlapped.happened(ending);
      std::this_thread::yield();
    }
    ++gone;
  });
  {
    const trimmer working(often);
    for (int i = 0; i < 20 || overlapped.missing(); ++i) {
      std::optional<real_pool> pool;
      pool.emplace(no_factory, pool_options{.cycle_interval = 1ms});
      put_new(*pool, 0, 200);
      REQUIRE(comes_true([&] { return at_work.load(); }));
      ending = true;
      pool.reset();
      // It destroys what it has taken out, though the pool is gone. Counted by what is above: else
      // it may be about to run that for the last item, and would then wait for the next round's
      // end while the next round waits for it.
      check_comes_true("all items were destroyed", [&] { return gone == 200; });
      gone = 0;
      ending = false;
      at_work = false;
    }
  }
  overlapped.check();
}

// --- The thread ----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "trimmers_share_a_thread_that_goes_with_the_last", "[trimmer]") {
  std::latch leave(1);
  // A sanitizer starts a thread of its own with the first.
  std::thread other([&] { leave.wait(); });
  check_comes_true("the thread of the test before was gone", [] { return others_sleep(); });
  const std::ptrdiff_t before = threads();
  {
    std::optional<trimmer> first(std::in_place, hardly_ever);
    check_threads_become(before + 1);
    const trimmer second(hardly_ever);
    const trimmer third(hardly_ever);
    check_threads_become(before + 1);
    first.reset();
    check_threads_become(before + 1);
  }
  check_threads_become(before);
  leave.count_down();
  other.join();
}

TEST_CASE_METHOD(all_given_back, "thread_that_ends_does_not_look_again", "[trimmer]") {
  real_pool pool(no_factory, short_cycles);
  put_new(pool, 0, 100);
  {
    const trimmer ended(hardly_ever);
    check_comes_true("a cycle was due", [begun = steady_clock::now()] {
      return steady_clock::now() > begun + 2 * 20ms;
    });
  }
  CHECK(pool.stats().cycles == 0);
}

TEST_CASE_METHOD(all_given_back, "thread_looks_as_often_as_the_most_demanding_trimmer_wants",
                 "[trimmer]") {
  const bool first_is_demanding = GENERATE(false, true);
  real_pool pool(no_factory, short_cycles);
  put_new(pool, 0, 100);
  const trimmer first(first_is_demanding ? often : hardly_ever);
  // By then it waits, as the first wants it.
  if (!first_is_demanding) CHECK(comes_true([] { return threads() > 1 && others_sleep(); }));
  const trimmer second(first_is_demanding ? hardly_ever : often);
  check_all_go();
}

TEST_CASE_METHOD(all_given_back, "trimmer_ends_at_once", "[trimmer]") {
  // The child is killed long before the thread looks.
  CHECK(holds_in_child([] {
    const trimmer one(hardly_ever);
    const trimmer other(hardly_ever);
    return comes_true([] { return threads() > 1 && others_sleep(); });
  }));
}

TEST_CASE_METHOD(all_given_back, "thread_has_a_name_and_blocks_signals", "[trimmer]") {
  constexpr std::array signals{SIGINT, SIGTERM, SIGUSR1};
  sigset_t unblocked;
  ::sigemptyset(&unblocked);
  for (const int signal : signals) ::sigaddset(&unblocked, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &unblocked, nullptr);
  real_pool pool(no_factory, short_cycles);
  std::array<char, 16> name{};
  std::array<bool, signals.size()> blocked{};
  tracked::when_destroyed([&](int) {
    ::pthread_getname_np(::pthread_self(), name.data(), name.size());
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      blocked[i] = ::sigismember(&mask, signals[i]) == 1;
    }
  });
  put_new(pool, 0);
  {
    const trimmer working(often);
    check_all_go();
  }
#if defined(__linux__)
  CHECK(std::string_view(name.data()) == "pool_trimmer");
#endif
  CHECK(blocked == std::array{true, true, true});
  sigset_t own;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &own);
  for (const int signal : signals) CHECK(::sigismember(&own, signal) == 0);
}

TEST_CASE_METHOD(all_given_back, "bad_interval_is_named", "[trimmer]") {
  const auto interval = GENERATE(0ms, -1ms);
  try {
    const trimmer refused(trimmer_options{.look_interval = interval});
    FAIL("it was accepted");
  } catch (const std::invalid_argument& error) {
    CHECK(std::string_view(error.what()).find("look_interval") != std::string_view::npos);
  }
}

// --- What a system may refuse -------------------------------------------------------------------

// While it exists, stacks of threads are larger than any memory.
class no_threads {
 public:
  no_threads() {
    REQUIRE(::pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t huge = before_;
    ::pthread_attr_setstacksize(&huge, (std::numeric_limits<std::size_t>::max)() / 4);
    REQUIRE(::pthread_setattr_default_np(&huge) == 0);
  }
  ~no_threads() { ::pthread_setattr_default_np(&before_); }
  no_threads(const no_threads&) = delete;
  no_threads& operator=(const no_threads&) = delete;

 private:
  pthread_attr_t before_{};
};

TEST_CASE_METHOD(all_given_back, "trimmer_without_thread_is_an_error_and_no_trimmer", "[trimmer]") {
  real_pool pool(no_factory, short_cycles);
  put_new(pool, 0, 100);
  const std::ptrdiff_t open_before = entries("/proc/self/fd");
  for (int i = 0; i < 2; ++i) {
    const no_threads meanwhile;
    try {
      const trimmer refused(often);
      FAIL("it was made");
    } catch (const std::system_error& error) {
      CHECK(error.code().value() == EAGAIN);
    }
  }
  CHECK(entries("/proc/self/fd") == open_before);
  const trimmer working(often);
  check_all_go();
}

#if !defined(POOLPROOF_TEST_FILES_NEEDED)
// As a program does that shuts itself in. The kernel then refuses to poll two files.
TEST_CASE_METHOD(all_given_back, "process_that_may_open_no_more_files_is_trimmed_at_rest",
                 "[trimmer]") {
  CHECK(holds_in_child([] {
    real_pool pool(no_factory, pool_options{.cycle_interval = 200ms});
    put_new(pool, 0, 100);
    const trimmer working(trimmer_options{.look_interval = 50ms});
    const rlimit none{};
    ::setrlimit(RLIMIT_NOFILE, &none);
    if (!comes_true([] { return tracked::alive() == 0; })) return false;
    // Without rest it uses a CPU, or what others leave it of one.
    const std::clock_t used_before = std::clock();
    std::this_thread::sleep_for(500ms);
    return std::clock() - used_before < CLOCKS_PER_SEC / 10;
  }));
}
#endif

// As a program does that becomes a daemon by closing all files. Then no look is worth a whole CPU,
// and the end is still heard.
TEST_CASE_METHOD(all_given_back, "process_whose_files_were_closed_is_trimmed_at_rest",
                 "[trimmer]") {
  constexpr auto look_interval = 60s;
  const auto began = steady_clock::now();
  CHECK(holds_in_child([&] {
    real_pool pool(no_factory, short_cycles);
    put_new(pool, 0, 100);
    const trimmer working(trimmer_options{.look_interval = look_interval});
    for (int number = 3; number != 256; ++number) ::close(number);
    std::this_thread::sleep_for(100ms);
    const std::clock_t used_before = std::clock();
    std::this_thread::sleep_for(500ms);
    return std::clock() - used_before < CLOCKS_PER_SEC / 10;
  }));
  CHECK(steady_clock::now() - began < look_interval / 2);
}

// --- A program's end and fork -------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "static_trimmer_ends_with_the_program", "[trimmer]") {
  CHECK(holds_in_child([] {
    struct exit_with_books {
      ~exit_with_books() { ::_exit(tracked::alive() == 0 ? EXIT_SUCCESS : EXIT_FAILURE); }
    };
    static const exit_with_books last;
    static real_pool before(no_factory, short_cycles);
    static const trimmer working(often);
    static real_pool after(no_factory, short_cycles);
    put_new(before, 0, 1000);
    put_new(after, 0, 1000);
    std::exit(EXIT_FAILURE);
    return false;
  }));
}

#if !defined(POOLPROOF_TEST_NO_THREAD_AFTER_FORK)
TEST_CASE_METHOD(all_given_back, "child_has_no_thread_until_it_makes_a_trimmer", "[trimmer]") {
  real_pool pool(no_factory, short_cycles);
  std::optional<trimmer> inherited(std::in_place, often);
  // So that the thread is up and has taken what it needs.
  put_new(pool, 0, 100);
  check_all_go();
  CHECK(holds_in_child([&] {
    if (threads() != 1) return false;
    std::ptrdiff_t with_own = 0;
    {
      const trimmer own(often);
      put_new(pool, 0, 100);
      if (!comes_true([] { return tracked::alive() == 0; })) return false;
      inherited.reset();
      put_new(pool, 0, 100);
      if (!comes_true([] { return tracked::alive() == 0; })) return false;
      with_own = threads();
    }
    return comes_true([&] { return threads() == with_own - 1; });
  }));
  CHECK(holds_in_child([&] {
    inherited.reset();
    return true;
  }));
  // The parent's thread has noticed nothing.
  put_new(pool, 0, 100);
  check_all_go();
}

#endif

#if !defined(POOLPROOF_TEST_NO_FORK_BESIDE_THREADS_THAT_START)
TEST_CASE_METHOD(all_given_back, "child_forked_while_others_make_trimmers_may_do_so_too",
                 "[trimmer]") {
  std::atomic<bool> stop{false};
  std::vector<std::thread> makers;
  std::latch all_here(3);
  for (int t = 0; t < 2; ++t) {
    makers.emplace_back([&] {
      all_here.count_down();
      while (!stop) const trimmer made(often);
    });
  }
  all_here.arrive_and_wait();
  int held = 0;
  constexpr int forks = 40;
  for (int i = 0; i < forks; ++i) {
    held += holds_in_child([] {
      const trimmer made(often);
      return true;
    });
  }
  stop = true;
  for (std::thread& each : makers) each.join();
  CHECK(held == forks);
}
#endif

// What another thread would do just after a file was closed. Not under ThreadSanitizer, which
// watches files.
#if !defined(POOLPROOF_TEST_NO_THREAD_AFTER_FORK)
TEST_CASE_METHOD(all_given_back, "child_keeps_a_file_that_has_the_number_of_one_just_closed",
                 "[trimmer]") {
  int closed = 0;
  int kept = 0;
  std::optional<trimmer> ended(std::in_place, hardly_ever);
  after_close = [&](int number) {
    const auto again = std::exchange(after_close, nullptr);
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (other != number) ::dup2(other, number);
    ++closed;
    kept += holds_in_child([&] { return ::fcntl(number, F_GETFD) != -1; });
    ::close(number);
    if (other != number) ::close(other);
    after_close = again;
  };
  ended.reset();
  after_close = nullptr;
  CHECK(closed == 2);
  CHECK(kept == closed);
}
#endif

// The C library tells each thread of it by a signal that no thread can block.
TEST_CASE_METHOD(all_given_back, "thread_hears_its_end_after_a_change_of_its_group", "[trimmer]") {
  constexpr auto look_interval = 60s;
  const auto began = std::chrono::steady_clock::now();
  {
    const trimmer waiting(trimmer_options{.look_interval = look_interval, .on_pressure = false});
    std::this_thread::sleep_for(100ms);  // it waits by now
    REQUIRE(::setegid(::getegid()) == 0);
    std::this_thread::sleep_for(10ms);
  }
  CHECK(std::chrono::steady_clock::now() - began < look_interval / 2);
}

// --- Memory pressure ----------------------------------------------------------------------------

// A thread of the test's own, which takes `path` for the system's account of pressure.
class own_thread {
 public:
  explicit own_thread(const char* path, std::chrono::milliseconds look_interval = 1h)
      : thread_(path), user_{{.look_interval = look_interval}} {
    REQUIRE(thread_.add(user_) == 0);
  }
  ~own_thread() { thread_.remove(user_); }
  own_thread(const own_thread&) = delete;
  own_thread& operator=(const own_thread&) = delete;

  bool listens_to_pressure() { return thread_.listens_to_pressure(); }

 private:
  trim_thread thread_;
  trim_thread::user user_;
};

TEST_CASE_METHOD(all_given_back, "trimmer_listens_to_pressure_where_the_system_lets_it",
                 "[trimmer]") {
  const int account = ::open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  constexpr std::string_view trigger = "some 500000 2000000";
  const bool is_let = account >= 0 && ::write(account, trigger.data(), trigger.size() + 1) > 0;
  if (account >= 0) ::close(account);
  const trimmer deaf(hardly_ever);
  CHECK_FALSE(deaf.listens_to_pressure());
  const trimmer working;
  CHECK(working.listens_to_pressure() == is_let);
  CHECK_FALSE(deaf.listens_to_pressure());
}

TEST_CASE_METHOD(all_given_back, "trigger_is_what_the_kernel_wants", "[trimmer]") {
  std::string folder = (std::filesystem::temp_directory_path() / "trimmer_test.XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/pressure";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::array<char, 64> text{};
  ::ssize_t length = 0;
  {
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    own_thread listening(path.c_str());
    CHECK(listening.listens_to_pressure());
    length = ::read(reader, text.data(), text.size());
    ::close(reader);
  }
  std::filesystem::remove_all(folder);
  // The kernel overwrites the last character with a zero. So many microseconds of so many in which
  // some thread waited: the latter a multiple of two seconds, or it is refused to most.
  using namespace std::string_view_literals;
  CHECK(std::string_view(text.data(), static_cast<std::size_t>(length)) ==
        "some 150000 2000000\0"sv);
}

TEST_CASE_METHOD(all_given_back, "refused_trigger_leaves_the_time", "[trimmer]") {
  // Not there; no file; full at once.
  const auto* const path = GENERATE("/proc/pressure/none", "/proc", "/dev/full");
  real_pool pool(no_factory, short_cycles);
  put_new(pool, 0, 100);
  own_thread deaf(path, 5ms);
  CHECK_FALSE(deaf.listens_to_pressure());
  check_all_go();
}

// The side that has been opened, of the one pseudo-terminal that there is.
int opened_terminal() {
  std::array<char, 64> name{};
  for (int file = 3; file < 1000; ++file) {
    if (::ptsname_r(file, name.data(), name.size()) == 0) return file;
  }
  return -1;
}

// What polls as the kernel's account of pressure does is a terminal whose other side is flushed.
TEST_CASE_METHOD(all_given_back, "pressure_turns_every_pool_until_nobody_tells_of_it",
                 "[trimmer]") {
  real_pool pool(no_factory, without_automatic_cycles);
  own_thread listening("/dev/ptmx");
  REQUIRE(listening.listens_to_pressure());
  const int told = opened_terminal();
  int packets = 1;
  REQUIRE(::ioctl(told, TIOCPKT, &packets) == 0);
  REQUIRE(::unlockpt(told) == 0);
  std::array<char, 64> name{};
  REQUIRE(::ptsname_r(told, name.data(), name.size()) == 0);
  const int teller = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(teller >= 0);
  put_new(pool, 0, 100);
  CHECK(pool.stats().cycles == 0);
  // Unlike the kernel's, this news stays until it is read.
  REQUIRE(::tcflush(teller, TCIFLUSH) == 0);
  check_all_go();
  CHECK(pool.stats().cycles >= 2);
  REQUIRE(::close(teller) == 0);
  check_comes_true("the thread stopped to listen",
                   [&] { return !listening.listens_to_pressure(); });
}

}  // namespace
