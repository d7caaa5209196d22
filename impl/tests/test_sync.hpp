// SPDX-License-Identifier: MIT
// A machine that tests can steer: a policy with CPU numbers, memory and a clock that a test sets,
// and with places at which a test can interrupt a thread or stop it.
//
//     test_sync::set_cpu(3);                        // of the calling thread
//     test_sync::refuse_every(5);                   // every fifth allocation fails
//     test_sync::advance_clock(60s);
//     interrupt(n, event::step, put, rotate);       // put, and a rotate before its n-th step
//     stopped_thread t(event::allocate, 0, put);    // put, stopped where it wants memory
//
// Its pools have a registry of their own.
#pragma once

#include <poolproof/sync.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

namespace poolproof::test {

// What a thread is about to do where it can be interrupted.
enum class event : std::uint8_t {
  step,      // an atomic operation
  allocate,  // asking for memory: a put that must lengthen a chain owns its shard at that moment
  look_up_cpu,
  read_clock,
  yield,
};

// What happens to a thread: `action` runs in it, once, before the event that comes after `skip`
// others of its kind. An operation that another thread's whole operation interrupts is in the same
// state as one whose thread is preempted there, so `action` may be that other operation.
struct interruption {
  event at;
  std::uint64_t skip;
  std::function<void()> action;
};

struct test_sync : std_sync {
  template <class T>
  class atomic;
  class mutex;
  using sections = no_sections;
  // So that the second item goes past the private part.
  struct limits : production_limits {
    static constexpr std::uint32_t private_items = 1;
  };

  // Everything as at first, but for what is still allocated.
  static void reset() noexcept {
    cpu_ = 0;
    cpu_count_ = 4;
    refuse_every_ = 0;
    allocations_ = 0;
    clock_ = 0;
    mutex_locks_ = 0;
  }

  // The CPU of the calling thread; zero in a new one.
  static void set_cpu(std::uint32_t cpu) noexcept { cpu_ = cpu; }
  static void set_cpu_count(std::uint32_t count) noexcept { cpu_count_ = count; }

  // Refuses every n-th allocation from now on, the next one being the first; none if n is zero.
  static void refuse_every(std::uint64_t n) noexcept {
    allocations_ = 0;
    refuse_every_ = n;
  }

  static void advance_clock(std::chrono::nanoseconds duration) noexcept {
    clock_ += duration.count();
  }

  static std::uint64_t allocations() noexcept { return allocations_; }
  static std::int64_t live_blocks() noexcept { return live_blocks_; }
  static std::int64_t live_bytes() noexcept { return live_bytes_; }
  static std::uint64_t mutex_locks() noexcept { return mutex_locks_; }

  static std::uint32_t cpu() noexcept {
    happens(event::look_up_cpu);
    return cpu_;
  }
  static std::uint32_t cpu_count() noexcept { return cpu_count_; }
  static pin_kind pin() noexcept { return pin_kind::model; }
  static void* allocate(std::size_t size, std::size_t alignment) noexcept;
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept;
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
    void* const memory = allocate(size, alignment);
    return memory == nullptr ? nullptr : std::memset(memory, 0, size);
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept {
    deallocate(memory, size, alignment);
  }
  static constexpr bool zeros_are_objects = std_sync::zeros_are_objects;
  static std::chrono::nanoseconds now() noexcept {
    happens(event::read_clock);
    return std::chrono::nanoseconds(clock_.load());
  }
  // Lets no other thread run: whom a test stops does not go on by that, and on a busy machine all
  // yields of a test that runs an operation before each step of another took minutes.
  static void yield() noexcept { happens(event::yield); }
  static constexpr unsigned patience() noexcept { return std_sync::patience(); }
  // The handlers of fork are for one registry in a process, and that is std_sync's.
  static void protect_from_fork(mutex&) noexcept {}

  // Runs `operation` with `planned` in force; true if it was interrupted. Not within another.
  template <class Operation>
  static bool run(interruption& planned, Operation operation) {
    planned_ = &planned;
    operation();
    return std::exchange(planned_, nullptr) == nullptr;
  }

 private:
  static void happens(event what) noexcept {
    // Whoever waits for a mutex that the interrupted operation holds would wait for ever.
    if (planned_ == nullptr || planned_->at != what || mutexes_held_ != 0) return;
    if (planned_->skip-- == 0) std::exchange(planned_, nullptr)->action();
  }

  inline static thread_local std::uint32_t cpu_ = 0;
  inline static thread_local std::uint32_t mutexes_held_ = 0;
  inline static thread_local interruption* planned_ = nullptr;

  inline static std::atomic<std::uint32_t> cpu_count_{4};
  inline static std::atomic<std::uint64_t> refuse_every_{0};
  inline static std::atomic<std::uint64_t> allocations_{0};
  inline static std::atomic<std::int64_t> live_blocks_{0};
  inline static std::atomic<std::int64_t> live_bytes_{0};
  inline static std::atomic<std::int64_t> clock_{0};
  inline static std::atomic<std::uint64_t> mutex_locks_{0};
};

template <class T>
class test_sync::atomic {
 public:
  constexpr atomic() noexcept = default;
  constexpr atomic(T value) noexcept : word_(value) {}

  T load(std::memory_order order) const noexcept {
    happens(event::step);
    return word_.load(order);
  }
  void store(T value, std::memory_order order) noexcept {
    happens(event::step);
    word_.store(value, order);
  }
  T exchange(T value, std::memory_order order) noexcept {
    happens(event::step);
    return word_.exchange(value, order);
  }
  T fetch_add(T value, std::memory_order order) noexcept {
    happens(event::step);
    return word_.fetch_add(value, order);
  }
  T fetch_sub(T value, std::memory_order order) noexcept {
    happens(event::step);
    return word_.fetch_sub(value, order);
  }
  T fetch_or(T value, std::memory_order order) noexcept {
    happens(event::step);
    return word_.fetch_or(value, order);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure) noexcept {
    happens(event::step);
    return word_.compare_exchange_weak(expected, desired, success, failure);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) noexcept {
    happens(event::step);
    return word_.compare_exchange_strong(expected, desired, success, failure);
  }

 private:
  std::atomic<T> word_{};
};

class test_sync::mutex {
 public:
  void lock() {
    mutex_.lock();
    ++mutexes_held_;
    ++mutex_locks_;
  }
  void unlock() {
    --mutexes_held_;
    mutex_.unlock();
  }

 private:
  std::mutex mutex_;
};

inline void* test_sync::allocate(std::size_t size, std::size_t alignment) noexcept {
  happens(event::allocate);
  const std::uint64_t number = ++allocations_;
  const std::uint64_t refuse_every = refuse_every_;
  if (refuse_every != 0 && number % refuse_every == 0) return nullptr;
  ++live_blocks_;
  live_bytes_ += static_cast<std::int64_t>(size);
  return std_sync::allocate(size, alignment);
}

inline void test_sync::deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
  --live_blocks_;
  live_bytes_ -= static_cast<std::int64_t>(size);
  std_sync::deallocate(memory, size, alignment);
}

static_assert(sync_policy<test_sync>);

// The calling thread's CPU, until the end of the scope.
class on_cpu {
 public:
  explicit on_cpu(std::uint32_t cpu) noexcept : before_(test_sync::cpu()) {
    test_sync::set_cpu(cpu);
  }
  ~on_cpu() { test_sync::set_cpu(before_); }
  on_cpu(const on_cpu&) = delete;
  on_cpu& operator=(const on_cpu&) = delete;

 private:
  std::uint32_t before_;
};

// Runs `operation`, and `other` in it before its `n`-th event of a kind, counted from zero. False
// if the operation has no so many; `other` has then not run.
template <class Operation, class Other>
bool interrupt(std::uint64_t n, event at, Operation operation, Other other) {
  interruption planned{at, n, other};
  return test_sync::run(planned, operation);
}

// How many events of a kind `operation` has.
template <class Operation>
std::uint64_t count_events(event at, Operation operation) {
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  interruption planned{at, never, [] {}};
  test_sync::run(planned, operation);
  return never - planned.skip;
}

// A thread that runs `body` and stops, once, before the event that comes after `skip` others of
// its kind; until it is resumed.
class stopped_thread {
 public:
  template <class Body>
  stopped_thread(event at, std::uint64_t skip, Body body)
      : thread_([this, at, skip, body] {
          interruption planned{at, skip, [this] { stop(); }};
          test_sync::run(planned, body);
          end();
        }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return state_ != state::running; });
  }

  ~stopped_thread() { finish(); }
  stopped_thread(const stopped_thread&) = delete;
  stopped_thread& operator=(const stopped_thread&) = delete;

  // True while it stands where it was to stop; false once it was resumed, or if it never came
  // there.
  bool stopped() {
    const std::lock_guard lock(mutex_);
    return state_ == state::stopped;
  }

  // Lets it go on, and waits for its end.
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      if (state_ == state::stopped) state_ = state::running;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

 private:
  enum class state : std::uint8_t { running, stopped, ended };

  void stop() {
    std::unique_lock lock(mutex_);
    state_ = state::stopped;
    changed_.notify_all();
    changed_.wait(lock, [this] { return state_ != state::stopped; });
  }

  void end() {
    const std::lock_guard lock(mutex_);
    state_ = state::ended;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  state state_ = state::running;
  std::thread thread_;
};

}  // namespace poolproof::test
