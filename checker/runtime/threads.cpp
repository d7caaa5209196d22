// SPDX-License-Identifier: MIT
// Threads, and what they wait with, of the C library: pthread's functions, which the C++ library is
// made of. They are atomic operations on the objects' own memory, so that races, uses after a free
// and the like are seen as with any other; how they wait is an await.
#include "runtime.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

namespace checker::runtime {

namespace {

struct held_lock {
  address lock;
  unsigned times;
  bool shared;
};

struct thread_exit {
  void (*call)(void*);
  void* object;
};

constexpr unsigned most_keys = 64;

struct thread {
  void* (*routine)(void*) = nullptr;
  void* argument = nullptr;
  void* result = nullptr;
  bool ended = false;
  bool detached = false;
  bool joined = false;
  // What it waits for, or last did, and with which mutex.
  const pthread_cond_t* awaited = nullptr;
  const pthread_mutex_t* awaited_with = nullptr;
  std::vector<held_lock> locks;
  // With which it went to sleep on a futex, if it chose one, and in which event.
  struct futex_mask {
    std::uint32_t position;
    std::uint32_t mask;
  };
  std::vector<futex_mask> masks;
  std::vector<thread_exit> exits;
  void* values[most_keys] = {};
};

thread threads[most_threads];
unsigned threads_started = 1;  // in this execution, with main

struct key {
  bool used = false;
  void (*destroy)(void*) = nullptr;
};
key keys[most_keys];
key keys_at_main[most_keys];

// What pthread_self says: the same in each run.
constexpr pthread_t first_name = 0x7000'0000'1000;
constexpr pthread_t name_step = 0x1000;

unsigned self() noexcept { return concurrent ? known().thread : 0; }
pthread_t name_of(unsigned index) noexcept { return first_name + index * name_step; }
unsigned index_of(pthread_t name) noexcept {
  return static_cast<unsigned>((name - first_name) / name_step);
}

thread* known_thread(pthread_t name) noexcept {
  const unsigned index = index_of(name);
  return name < first_name || index >= most_threads || index >= thread_limit ? nullptr
                                                                             : &threads[index];
}

held_lock* held_by_self(address lock) noexcept {
  auto& locks = threads[self()].locks;
  const auto found = std::find_if(locks.begin(), locks.end(),
                                  [&](const held_lock& each) { return each.lock == lock; });
  return found == locks.end() ? nullptr : &*found;
}

void forget(address lock) {
  auto& locks = threads[self()].locks;
  locks.erase(std::find_if(locks.begin(), locks.end(),
                           [&](const held_lock& each) { return each.lock == lock; }));
}

// A choice whether a time limit expires before what is waited for. Not, first.
bool expires(address code) {
  const bool expired = engine::choose(2, place_of(code), {choice_kind::time_limit}) != 0;
  operation_done();
  something_changed();
  return expired;
}

// What an object is, while an error is told.
std::unordered_map<const void*, object_kind> kinds;
void note_kind(address object, object_kind is) {
  if (tracing) [[unlikely]]
    kinds[reinterpret_cast<const void*>(object)] = is;
}

// Mutexes. The first word is the thread that holds it, counted from 1, or 0.

int type_of(const pthread_mutex_t* m) noexcept { return m->__data.__kind & 3; }

bool take(address lock, address code) {
  note_kind(lock, object_kind::mutex);
  std::uint64_t holder = 0;
  return atomic_compare(lock, 4, holder, self() + 1, {order::acquire, order::relaxed, false}, code);
}

// 0, or why it is decided without a look at the lock.
constexpr int go_on = -1;
int lock_again(pthread_mutex_t* m, bool tries, address code) {
  held_lock* const held = held_by_self(address_of(m));
  if (held == nullptr) return go_on;
  if (type_of(m) == PTHREAD_MUTEX_RECURSIVE) {
    ++held->times;
    return 0;
  }
  if (tries) return EBUSY;
  if (type_of(m) == PTHREAD_MUTEX_ERRORCHECK) return EDEADLK;
  fail(fault::deadlock, "the thread locks a mutex that it has locked already", code, m);
}

int lock(pthread_mutex_t* m, address code) {
  const int decided = lock_again(m, false, code);
  if (decided != go_on) return decided;
  await([&] { return take(address_of(m), code); }, code);
  threads[self()].locks.push_back({address_of(m), 1, false});
  return 0;
}

// What a call with a time limit has come to; if to nothing, its time is over.
int in_time(int done, const timespec& until) {
  if (done == ETIMEDOUT) expire(until);
  return done;
}

// A lock with a time limit is had at once, or in an execution in which this comes later; or the
// time expires, and then it may as well do so at once.
int try_lock(pthread_mutex_t* m, int otherwise, address code) {
  const int decided = lock_again(m, otherwise == EBUSY, code);
  if (decided != go_on) return decided;
  if (!take(address_of(m), code)) return otherwise;
  threads[self()].locks.push_back({address_of(m), 1, false});
  return 0;
}

int unlock(pthread_mutex_t* m, address code) {
  held_lock* const held = held_by_self(address_of(m));
  if (held == nullptr) {
    if (type_of(m) == PTHREAD_MUTEX_ERRORCHECK) return EPERM;
    fail(fault::misuse, "the mutex is not locked by this thread", code, m);
  }
  if (--held->times != 0) return 0;
  forget(address_of(m));
  atomic_store(address_of(m), 4, 0, order::release, code);
  return 0;
}

// Reader-writer locks. The word is the number of readers, or `writing`.

constexpr std::uint64_t writing = 0x8000'0000;

// Before main nobody else is there. That of the C library leaves a lock in a state that says more
// than who holds it.
bool before_main(address code) noexcept { return !active && owner_of(code) <= owner::library; }

bool take_shared(address lock, address code) {
  note_kind(lock, object_kind::rwlock);
  std::uint64_t readers = atomic_load(lock, 4, order::relaxed, code);
  if ((readers & writing) != 0) return false;
  return atomic_compare(lock, 4, readers, readers + 1, {order::acquire, order::relaxed, false},
                        code);
}

bool take_to_write(address lock, address code) {
  note_kind(lock, object_kind::rwlock);
  std::uint64_t readers = 0;
  return atomic_compare(lock, 4, readers, writing, {order::acquire, order::relaxed, false}, code);
}

int lock_shared(pthread_rwlock_t* l, int otherwise, address code) {
  if (held_lock* const held = held_by_self(address_of(l)); held != nullptr) {
    if (!held->shared) return otherwise == 0 ? EDEADLK : otherwise;
    ++held->times;
    return 0;
  }
  if (otherwise == 0) {
    await([&] { return take_shared(address_of(l), code); }, code);
  } else if (!take_shared(address_of(l), code)) {
    return otherwise;
  }
  threads[self()].locks.push_back({address_of(l), 1, true});
  return 0;
}

int lock_to_write(pthread_rwlock_t* l, int otherwise, address code) {
  if (held_by_self(address_of(l)) != nullptr) {
    if (otherwise == 0) {
      fail(fault::deadlock, "the thread locks a lock that it has locked already", code, l);
    }
    return otherwise;
  }
  if (otherwise == 0) {
    await([&] { return take_to_write(address_of(l), code); }, code);
  } else if (!take_to_write(address_of(l), code)) {
    return otherwise;
  }
  threads[self()].locks.push_back({address_of(l), 1, false});
  return 0;
}

int unlock(pthread_rwlock_t* l, address code) {
  held_lock* const held = held_by_self(address_of(l));
  if (held == nullptr) {
    fail(fault::misuse, "the lock is not locked by this thread", code, l);
  }
  if (--held->times != 0) return 0;
  const bool shared = held->shared;
  forget(address_of(l));
  if (shared) {
    atomic_update(address_of(l), 4, update_kind::sub, 1, order::release, code);
  } else {
    atomic_store(address_of(l), 4, 0, order::release, code);
  }
  return 0;
}

// A call with which a loop may wait.
void arrive_here(const void* object = nullptr) {
  if (active && concurrent) arrive(checker_standing, known().position, {address_of(object)});
}

// Threads that sleep, as bits of a word: who sleeps has set its bit, and wakes when another has
// cleared it.

std::uint64_t own_bit() noexcept { return std::uint64_t{1} << self(); }

// How many condition variables have ended at an address.
std::unordered_map<address, std::uint16_t> ended_conditions;

class sleepers {
 public:
  // Of a condition variable or a futex. Their word is beside all memory: who was woken looks at it
  // once more, and by then the memory may be another's.
  sleepers(address of, object_kind is, address code) : code_(code) {
    constexpr std::uint64_t queues = std::uint64_t{1} << 63;
    const auto ended = ended_conditions.find(of);
    const std::uint64_t life = ended == ended_conditions.end() ? 0 : ended->second;
    known_ = {engine::find_location(of | life << 48 | queues, 0, reinterpret_cast<const void*>(of),
                                    place_of(code), is),
              engine::unwatched};
  }

  std::uint64_t load(order o) {
    const std::uint64_t value = engine::load(nullptr, 8, known_, o, place_of(code_));
    operation_done();
    return value;
  }
  std::uint64_t update(update_kind kind, std::uint64_t operand) {
    const std::uint64_t value =
        engine::update(nullptr, 8, known_, kind, operand, order::acq_rel, place_of(code_));
    operation_done();
    return value;
  }
  bool compare(std::uint64_t& expected, std::uint64_t desired) {
    constexpr engine::compare_orders orders{order::acq_rel, order::acquire, false};
    const bool done =
        engine::compare_exchange(nullptr, 8, known_, expected, desired, orders, place_of(code_));
    operation_done();
    return done;
  }

  std::uint64_t enter() { return update(update_kind::bit_or, own_bit()) & all; }
  void leave() { update(update_kind::bit_and, ~own_bit()); }
  void sleep() {
    await([&] { return (load(order::acquire) & own_bit()) == 0; }, code_);
  }

  // Wakes so many of those whose masks have a bit of this one, each of them a choice. An update
  // even if nobody sleeps: so that who goes to sleep later sees what the caller did before, and
  // that the word is another than it was.
  unsigned wake(unsigned most, std::uint32_t mask = every_bit) {
    // Whether one is to be woken, or all, is told by how much is added.
    const std::uint64_t added = most == 1 ? one_more : 2 * one_more;
    std::uint64_t asleep = update(update_kind::add, added) + added;
    unsigned woken = 0;
    while (woken != most) {
      std::uint64_t chosen = matching(asleep & all, mask);
      if (chosen == 0) break;
      const auto count = static_cast<unsigned>(std::popcount(chosen));
      unsigned chosen_count = count;
      if (count > most - woken) {
        unsigned skip = engine::choose(count, place_of(code_), {choice_kind::whom_to_wake, chosen});
        operation_done();
        for (; skip != 0; --skip) chosen &= chosen - 1;
        chosen &= -chosen;
        chosen_count = 1;
      }
      if (compare(asleep, asleep & ~chosen)) {
        asleep &= ~chosen;
        woken += chosen_count;
      }
    }
    return woken;
  }

  static constexpr std::uint32_t every_bit = ~std::uint32_t{0};
  static constexpr std::uint64_t all = (std::uint64_t{1} << most_threads) - 1;
  // Above the bits: counts who went to sleep, so that a word that has been changed is another.
  static constexpr std::uint64_t one_more = std::uint64_t{1} << most_threads;

 private:
  // Of threads that sleep, as the running one has seen it, those with one of these bits in the mask
  // with which they went to sleep.
  std::uint64_t matching(std::uint64_t asleep, std::uint32_t mask) const {
    if (mask == every_bit) return asleep;
    std::uint64_t found = 0;
    for (; asleep != 0; asleep &= asleep - 1) {
      const auto t = static_cast<unsigned>(std::countr_zero(asleep));
      const std::uint32_t entered = engine::last_write_seen(known_.location, t);
      std::uint32_t own = every_bit;
      for (const auto& each : threads[t].masks) {
        if (each.position == entered) own = each.mask;
      }
      if ((own & mask) != 0) found |= std::uint64_t{1} << t;
    }
    return found;
  }

  address code_;
  engine::handle known_{};
};

// What is behind the word of a condition variable. Who waits or notifies reads it, and who destroys
// it writes it: so a destruction that may come before a notification is a race. Who was notified
// and has yet to wake looks at the word only, since a condition variable may be destroyed by then.
address life_of(const pthread_cond_t* c) noexcept { return address_of(c) + sizeof(std::uint64_t); }

// A wait may end for no reason, within the budget of the search.
int wait(pthread_cond_t* c, pthread_mutex_t* m, const timespec* until, address code) {
  held_lock* const held = held_by_self(address_of(m));
  if (held == nullptr) fail(fault::misuse, "the mutex is not locked by this thread", code, m);
  const unsigned times = held->times;
  const bool alone = !concurrent;
  if (alone && until == nullptr) {
    fail(fault::deadlock, "this thread waits, and there is no other", code, c);
  }
  end_poll(self());
  read_range(life_of(c), 1, code);
  if (alone) {
    expire(*until);
    return ETIMEDOUT;
  }
  sleepers all(address_of(c), object_kind::condition, code);
  threads[self()].awaited = c;
  threads[self()].awaited_with = m;
  for (std::uint64_t asleep = all.enter(); asleep != 0; asleep &= asleep - 1) {
    const thread& other = threads[std::countr_zero(asleep)];
    if (other.awaited != c || other.awaited_with == m) continue;
    fail(fault::misuse, "a condition variable is waited for with two mutexes at a time", code, c);
  }
  forget(address_of(m));
  atomic_store(address_of(m), 4, 0, order::release, code);
  bool expired = until != nullptr && expires(code);
  bool woken = expired;
  if (!expired) {
    woken = engine::choose_spurious(place_of(code));
    operation_done();
  }
  if (woken) {
    all.leave();
  } else {
    all.sleep();
  }
  if (expired) expire(*until);
  await([&] { return take(address_of(m), code); }, code);
  threads[self()].locks.push_back({address_of(m), times, false});
  return expired ? ETIMEDOUT : 0;
}

// A futex: the value and the queue are looked at under one lock. Who finds the value looks at the
// queue before, and goes to sleep only if nothing has happened to the queue since.
struct futex_wait {
  address word;
  std::uint32_t expected;
  std::uint32_t mask = sleepers::every_bit;
  const timespec* limit = nullptr;
  bool absolute = false;
};

long wait_on_futex(const futex_wait& asked, address code) {
  const address word = asked.word;
  const std::uint32_t expected = asked.expected;
  const auto fails = [](int why) {
    errno = why;
    return -1L;
  };
  if (!concurrent) {
    if (atomic_load(word, 4, order::relaxed, code) != expected) return fails(EAGAIN);
    if (asked.limit == nullptr) {
      fail(fault::deadlock, "this thread waits, and there is no other", code);
    }
    expire(*asked.limit, asked.absolute);
    return fails(ETIMEDOUT);
  }
  end_poll(self());
  if (expected != 0 && waits_in_semaphore(code)) return fails(EAGAIN);
  sleepers all(word, object_kind::futex, code);
  bool sleeps = false;
  await(
      [&] {
        std::uint64_t queue = all.load(order::acquire);
        if (atomic_load(word, 4, order::relaxed, code) != expected) return true;
        const std::uint32_t position = known().position;
        sleeps = all.compare(queue, (queue | own_bit()) + sleepers::one_more);
        if (sleeps && asked.mask != sleepers::every_bit) {
          threads[self()].masks.push_back({position, asked.mask});
        }
        return sleeps;
      },
      code);
  if (!sleeps) return fails(EAGAIN);
  if (asked.limit != nullptr && expires(code)) {
    all.leave();
    expire(*asked.limit, asked.absolute);
    return fails(ETIMEDOUT);
  }
  all.sleep();
  return 0;
}

long wake_futex(address word, unsigned most, std::uint32_t mask, address code) {
  if (!concurrent) return 0;
  end_poll(self());
  return static_cast<long>(sleepers(word, object_kind::futex, code).wake(most, mask));
}

// A barrier: how many have arrived in this round, and above that the round. Its word is beside all
// memory, like that of a futex: who was let go looks at it once more, and the barrier may be
// destroyed by then.

constexpr std::uint64_t one_round = std::uint64_t{1} << 32;

struct barrier_memory {
  unsigned needed;
};
static_assert(sizeof(barrier_memory) <= sizeof(pthread_barrier_t));

int wait_at(const pthread_barrier_t* b, address code) {
  const auto* const memory = reinterpret_cast<const barrier_memory*>(b);
  // Who destroys it writes it.
  read_range(address_of(b), sizeof *memory, code);
  const std::uint64_t needed = memory->needed;
  if (needed == 1) return PTHREAD_BARRIER_SERIAL_THREAD;
  if (!concurrent) fail(fault::deadlock, "this thread waits, and there is no other", code, b);
  end_poll(self());
  sleepers word(address_of(b), object_kind::barrier, code);
  std::uint64_t before = 0;
  await(
      [&] {
        before = word.load(order::relaxed);
        const bool last = before % one_round + 1 == needed;
        std::uint64_t expected = before;
        return word.compare(expected, last ? before - before % one_round + one_round : before + 1);
      },
      code);
  if (before % one_round + 1 == needed) return PTHREAD_BARRIER_SERIAL_THREAD;
  await([&] { return word.load(order::acquire) / one_round != before / one_round; }, code);
  return 0;
}

// That main has ended by pthread_exit, whose process goes on. The end of its thread is that of the
// process, for which nobody waits.
const char main_end = 0;

sleepers end_of_main(address code) { return {address_of(&main_end), object_kind::word, code}; }

void run_exits_of(unsigned index) {
  thread& ending = threads[index];
  while (!ending.exits.empty()) {
    const thread_exit last = ending.exits.back();
    ending.exits.pop_back();
    call_program(last.call, last.object);
  }
  bool had_values = true;
  for (int round = 0; had_values && round != 4; ++round) {
    had_values = false;
    for (unsigned k = 0; k != most_keys; ++k) {
      void* const value = ending.values[k];
      if (value == nullptr || !keys[k].used) continue;
      had_values = true;
      ending.values[k] = nullptr;
      if (keys[k].destroy != nullptr) call_program(keys[k].destroy, value);
    }
  }
}

void end_of_thread(void* result) {
  const unsigned index = self();
  run_exits_of(index);
  end_thread_data(index);
  threads[index].result = result;
  threads[index].ended = true;
  live_frames[index] = stacks_begin + (index + 1) * stack_distance;
  end_frames(index, live_frames[index], 0);
}

int join(pthread_t name, void** result, bool may_wait, address code) {
  thread* const other = known_thread(name);
  if (other == nullptr) return ESRCH;
  if (other->joined || other->detached) {
    fail(fault::misuse, "the thread was joined or detached before", code);
  }
  const unsigned index = index_of(name);
  if (index == self()) return EDEADLK;
  if (!may_wait && !other->ended) return EBUSY;
  if (index == 0) {
    sleepers end = end_of_main(code);
    await([&] { return end.load(order::acquire) != 0; }, code);
  } else {
    engine::join_thread(index, place_of(code));
    operation_done();
  }
  something_changed();
  other->joined = true;
  if (result != nullptr) *result = other->result;
  return 0;
}

}  // namespace

void reset_threads() {
  for (unsigned t = 0; t != threads_started; ++t) {
    threads[t].routine = nullptr;
    threads[t].ended = threads[t].detached = threads[t].joined = false;
    threads[t].awaited = nullptr;
    threads[t].locks.clear();
    threads[t].masks.clear();
    threads[t].exits.clear();
    std::fill(std::begin(threads[t].values), std::end(threads[t].values), nullptr);
    reset_standing(t);
  }
  std::copy(std::begin(keys_at_main), std::end(keys_at_main), std::begin(keys));
  std::fill(std::begin(live_frames), std::end(live_frames), 0);
  ended_conditions.clear();
  threads_started = 1;
  concurrent = false;
}

void tell_kinds(counterexample& told) {
  for (named_location& each : told.locations) {
    const auto found = kinds.find(each.object);
    if (found != kinds.end() && each.is == object_kind::word) each.is = found->second;
  }
  told.names.push_back({&main_end, "the end of main", true, false});
}

void note_keys() { std::copy(std::begin(keys), std::end(keys), std::begin(keys_at_main)); }

void run_thread(unsigned index) {
  operation_done();
  start_thread_data(index);
  end_of_thread(call_outermost(threads[index].routine, threads[index].argument));
}

void run_thread_exits() { run_exits_of(self()); }

bool all_threads_ended() noexcept {
  for (unsigned t = 1; t < threads_started; ++t) {
    if (!threads[t].ended) return false;
  }
  return true;
}

}  // namespace checker::runtime

using namespace checker::runtime;
using checker::choice_kind;
using checker::fault;
using checker::object_kind;
using checker::order;
using checker::update_kind;
namespace engine = checker::engine;

#define CHECKER_OURS from_program(CHECKER_CALLER)

CHECKER_EXPORT int pthread_create(pthread_t* made, const pthread_attr_t* attributes,
                                  void* (*routine)(void*), void* argument) {
  if (!CHECKER_OURS) {
    std::fputs("checker: a thread is started before main, which is not supported\n", stderr);
    std::_Exit(2);
  }
  const address code = CHECKER_CALLER;
  write_range(address_of(made), sizeof *made, code);
  const unsigned index = engine::start_thread(place_of(code));
  operation_done();
  if (index >= thread_limit) {
    *had_too_many_threads = true;
    fail(fault::misuse, too_many_threads, code);
  }
  concurrent = true;
  something_changed();
  threads[index].routine = routine;
  threads[index].argument = argument;
  int state = PTHREAD_CREATE_JOINABLE;
  if (attributes != nullptr) ::pthread_attr_getdetachstate(attributes, &state);
  threads[index].detached = state == PTHREAD_CREATE_DETACHED;
  threads_started = std::max(threads_started, index + 1);
  *made = name_of(index);
  return 0;
}

CHECKER_EXPORT int pthread_join(pthread_t name, void** result) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_join)(name, result);
  return join(name, result, true, CHECKER_CALLER);
}

CHECKER_EXPORT int pthread_detach(pthread_t name) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_detach)(name);
  thread* const other = known_thread(name);
  if (other == nullptr) return ESRCH;
  if (other->joined || other->detached) {
    fail(fault::misuse, "the thread was joined or detached before", CHECKER_CALLER);
  }
  other->detached = true;
  return 0;
}

// std::thread notes in the C++ library, where it is not seen, that it has no thread any more.
#define CHECKER_OF_THREAD(name, symbol)                                         \
  CHECKER_EXPORT void name(pthread_t* thread) asm("_ZNSt6thread" symbol "Ev");  \
  CHECKER_EXPORT void name(pthread_t* thread) {                                 \
    using function = void(pthread_t*);                                          \
    static auto* const real =                                                   \
        reinterpret_cast<function*>(next_function("_ZNSt6thread" symbol "Ev")); \
    read_range(address_of(thread), sizeof *thread, CHECKER_CALLER);             \
    real(thread);                                                               \
    write_range(address_of(thread), sizeof *thread, CHECKER_CALLER);            \
  }
CHECKER_OF_THREAD(checker_thread_join, "4join")
CHECKER_OF_THREAD(checker_thread_detach, "6detach")

// A thread that ends in the midst of its functions leaves them as by an exception that nobody may
// catch for good: the destructors of their locals run, and then those of the thread's own data.
namespace {
_Unwind_Exception leaving[most_threads];

// The process ends when its last thread does.
[[noreturn]] void end_main_only() {
  run_thread_exits();
  if (concurrent) end_of_main(0).update(update_kind::add, 1);
  for (unsigned t = 1; t < threads_started; ++t) {
    engine::join_thread(t, place_of(0));
    operation_done();
  }
  exit_process(0, 0);
}

_Unwind_Reason_Code leave_function(int, _Unwind_Action actions, std::uint64_t, _Unwind_Exception*,
                                   _Unwind_Context*, void* result) {
  if ((actions & _UA_END_OF_STACK) == 0) return _URC_NO_REASON;
  threads[self()].result = result;
  if (self() == 0) end_main_only();
  end_of_thread(result);
  engine::end_thread();
}

void stays_caught(_Unwind_Reason_Code, _Unwind_Exception*) {
  fail(fault::crash, "a catch (...) does not let pthread_exit through", 0);
}
}  // namespace

CHECKER_EXPORT void pthread_exit(void* result) {
  // Of the program's own library: it is that which leads through the program's functions.
  using unwind = _Unwind_Reason_Code(_Unwind_Exception*, _Unwind_Stop_Fn, void*);
  static auto* const leave = reinterpret_cast<unwind*>(next_function("_Unwind_ForcedUnwind"));
  leaving[self()] = {0, stays_caught, 0, 0};
  leave(&leaving[self()], leave_function, result);
  __builtin_unreachable();
}

// The names of threads are the checker's: the C library would take them for addresses.
CHECKER_REFUSED(pthread_cancel)
CHECKER_REFUSED(pthread_kill)
CHECKER_REFUSED(pthread_tryjoin_np)
CHECKER_REFUSED(pthread_timedjoin_np)
CHECKER_REFUSED(pthread_clockjoin_np)
CHECKER_REFUSED(pthread_getaffinity_np)
CHECKER_REFUSED(pthread_getschedparam)
CHECKER_REFUSED(pthread_getcpuclockid)
// <threads.h>
CHECKER_REFUSED(thrd_create)
CHECKER_REFUSED(mtx_lock)
CHECKER_REFUSED(cnd_wait)

CHECKER_EXPORT pthread_t pthread_self() noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_self)();
  return name_of(self());
}
// Where it is optimised, the header has a definition of its own, which clang++ lets nobody replace.
CHECKER_EXPORT int checker_equal(pthread_t a, pthread_t b) noexcept asm("pthread_equal");
CHECKER_EXPORT int checker_equal(pthread_t a, pthread_t b) noexcept { return a == b ? 1 : 0; }
CHECKER_EXPORT int pthread_setname_np(pthread_t, const char*) noexcept { return 0; }
CHECKER_EXPORT int pthread_getname_np(pthread_t, char* name, std::size_t size) noexcept {
  if (size == 0) return ERANGE;
  write_range(address_of(name), 1, CHECKER_CALLER);
  *name = 0;
  return 0;
}
CHECKER_EXPORT int pthread_setschedparam(pthread_t, int, const sched_param*) noexcept { return 0; }
CHECKER_EXPORT int pthread_getattr_np(pthread_t name, pthread_attr_t* attributes) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_getattr_np)(name, attributes);
  if (known_thread(name) == nullptr) return ESRCH;
  const auto behind =
      static_cast<std::ptrdiff_t>(index_of(name)) - static_cast<std::ptrdiff_t>(self());
  const address end =
      address_of(engine::stack_end()) + static_cast<address>(behind) * stack_distance;
  ::pthread_attr_init(attributes);
  return ::pthread_attr_setstack(attributes, reinterpret_cast<void*>(end - stack_bytes),
                                 stack_bytes);
}
CHECKER_EXPORT int pthread_setaffinity_np(pthread_t, std::size_t, const cpu_set_t*) noexcept {
  return 0;
}
CHECKER_ENTRY(sched_yield)
int checkersched_yield() noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(sched_yield)();
  arrive_here();
  return 0;
}
namespace {
unsigned current_cpu(address code) {
  note_cpu_question();
  if (cpus != 0) return self() % cpus;
  constexpr unsigned count = 2;
  const unsigned first = self() % count;
  const unsigned chosen = engine::choose(count, place_of(code), {choice_kind::cpu, first});
  operation_done();
  something_changed();
  return (first + chosen) % count;
}
}  // namespace
CHECKER_EXPORT int sched_getcpu() noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(sched_getcpu)();
  return static_cast<int>(current_cpu(CHECKER_CALLER));
}
CHECKER_EXPORT int getcpu(unsigned* cpu, unsigned* node) noexcept {
  const address code = CHECKER_CALLER;
  if (!from_program(code)) return CHECKER_NEXT(getcpu)(cpu, node);
  note_result(cpu, code);
  note_result(node, code);
  if (cpu != nullptr) *cpu = current_cpu(code);
  if (node != nullptr) *node = 0;
  return 0;
}

// Mutexes

CHECKER_EXPORT int pthread_mutex_init(pthread_mutex_t* m,
                                      const pthread_mutexattr_t* attributes) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_init)(m, attributes);
  write_range(address_of(m), sizeof *m, CHECKER_CALLER);
  *m = PTHREAD_MUTEX_INITIALIZER;
  if (attributes != nullptr) ::pthread_mutexattr_gettype(attributes, &m->__data.__kind);
  return 0;
}
CHECKER_EXPORT int pthread_mutex_destroy(pthread_mutex_t* m) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_destroy)(m);
  if (atomic_load(address_of(m), 4, order::relaxed, CHECKER_CALLER) != 0) {
    fail(fault::misuse, "a mutex is destroyed that is locked", CHECKER_CALLER, m);
  }
  write_range(address_of(m), 4, CHECKER_CALLER);
  return 0;
}
CHECKER_ENTRY(pthread_mutex_lock)
int checkerpthread_mutex_lock(pthread_mutex_t* m) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_lock)(m);
  arrive_here(m);
  return lock(m, CHECKER_CALLER);
}
CHECKER_ENTRY(pthread_mutex_trylock)
int checkerpthread_mutex_trylock(pthread_mutex_t* m) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_trylock)(m);
  arrive_here(m);
  return try_lock(m, EBUSY, CHECKER_CALLER);
}
CHECKER_ENTRY(pthread_mutex_timedlock)
int checkerpthread_mutex_timedlock(pthread_mutex_t* m, const timespec* until) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_timedlock)(m, until);
  arrive_here(m);
  return in_time(try_lock(m, ETIMEDOUT, CHECKER_CALLER), *until);
}
CHECKER_ENTRY(pthread_mutex_clocklock)
int checkerpthread_mutex_clocklock(pthread_mutex_t* m, clockid_t clock,
                                   const timespec* until) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_clocklock)(m, clock, until);
  arrive_here(m);
  return in_time(try_lock(m, ETIMEDOUT, CHECKER_CALLER), *until);
}
CHECKER_EXPORT int pthread_mutex_unlock(pthread_mutex_t* m) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_mutex_unlock)(m);
  return unlock(m, CHECKER_CALLER);
}

// Spin locks are mutexes without a type.
CHECKER_EXPORT int pthread_spin_init(pthread_spinlock_t* s, int) noexcept {
  write_range(address_of(s), sizeof *s, CHECKER_CALLER);
  *s = 0;
  return 0;
}
CHECKER_EXPORT int pthread_spin_destroy(pthread_spinlock_t*) noexcept { return 0; }
CHECKER_EXPORT int pthread_spin_lock(pthread_spinlock_t* s) noexcept {
  const address code = CHECKER_CALLER;
  await([&] { return take(address_of(s), code); }, code);
  return 0;
}
CHECKER_EXPORT int pthread_spin_trylock(pthread_spinlock_t* s) noexcept {
  return take(address_of(s), CHECKER_CALLER) ? 0 : EBUSY;
}
CHECKER_EXPORT int pthread_spin_unlock(pthread_spinlock_t* s) noexcept {
  atomic_store(address_of(s), 4, 0, order::release, CHECKER_CALLER);
  return 0;
}

// Reader-writer locks

CHECKER_EXPORT int pthread_rwlock_init(pthread_rwlock_t* l,
                                       const pthread_rwlockattr_t* attributes) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_rwlock_init)(l, attributes);
  write_range(address_of(l), sizeof *l, CHECKER_CALLER);
  *l = PTHREAD_RWLOCK_INITIALIZER;
  return 0;
}
CHECKER_EXPORT int pthread_rwlock_destroy(pthread_rwlock_t* l) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_rwlock_destroy)(l);
  if (atomic_load(address_of(l), 4, order::relaxed, CHECKER_CALLER) != 0) {
    fail(fault::misuse, "a lock is destroyed that is locked", CHECKER_CALLER, l);
  }
  write_range(address_of(l), 4, CHECKER_CALLER);
  return 0;
}
#define CHECKER_RWLOCK(name, call)                                    \
  CHECKER_ENTRY(pthread_rwlock_##name)                                \
  int checkerpthread_rwlock_##name(pthread_rwlock_t* l) noexcept {    \
    if (before_main(CHECKER_CALLER)) return 0;                        \
    if (!CHECKER_OURS) return CHECKER_NEXT(pthread_rwlock_##name)(l); \
    arrive_here(l);                                                   \
    return call;                                                      \
  }
CHECKER_RWLOCK(rdlock, lock_shared(l, 0, CHECKER_CALLER))
CHECKER_RWLOCK(tryrdlock, lock_shared(l, EBUSY, CHECKER_CALLER))
CHECKER_RWLOCK(wrlock, lock_to_write(l, 0, CHECKER_CALLER))
CHECKER_RWLOCK(trywrlock, lock_to_write(l, EBUSY, CHECKER_CALLER))
CHECKER_RWLOCK(unlock, unlock(l, CHECKER_CALLER))
#define CHECKER_TIMED_RWLOCK(name, take)                                                 \
  CHECKER_EXPORT int pthread_rwlock_timed##name(pthread_rwlock_t* l,                     \
                                                const timespec* until) noexcept {        \
    if (!CHECKER_OURS) return CHECKER_NEXT(pthread_rwlock_timed##name)(l, until);        \
    return in_time(take(l, ETIMEDOUT, CHECKER_CALLER), *until);                          \
  }                                                                                      \
  CHECKER_EXPORT int pthread_rwlock_clock##name(pthread_rwlock_t* l, clockid_t clock,    \
                                                const timespec* until) noexcept {        \
    if (!CHECKER_OURS) return CHECKER_NEXT(pthread_rwlock_clock##name)(l, clock, until); \
    return in_time(take(l, ETIMEDOUT, CHECKER_CALLER), *until);                          \
  }
CHECKER_TIMED_RWLOCK(rdlock, lock_shared)
CHECKER_TIMED_RWLOCK(wrlock, lock_to_write)

// Condition variables

CHECKER_EXPORT int pthread_cond_init(pthread_cond_t* c,
                                     const pthread_condattr_t* attributes) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_init)(c, attributes);
  write_range(address_of(c), sizeof *c, CHECKER_CALLER);
  *c = PTHREAD_COND_INITIALIZER;
  return 0;
}
CHECKER_EXPORT int pthread_cond_destroy(pthread_cond_t* c) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_destroy)(c);
  if (concurrent) {
    sleepers all(address_of(c), object_kind::condition, CHECKER_CALLER);
    if ((all.load(order::relaxed) & sleepers::all) != 0) {
      fail(fault::misuse, "a condition variable is destroyed that threads wait for", CHECKER_CALLER,
           c);
    }
    ++ended_conditions[address_of(c)];
  }
  write_range(life_of(c), 1, CHECKER_CALLER);
  return 0;
}
namespace {
int notify(pthread_cond_t* c, unsigned most, address code) {
  if (!concurrent) return 0;
  read_range(life_of(c), 1, code);
  sleepers(address_of(c), object_kind::condition, code).wake(most);
  return 0;
}
}  // namespace
CHECKER_EXPORT int pthread_cond_wait(pthread_cond_t* c, pthread_mutex_t* m) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_wait)(c, m);
  return wait(c, m, nullptr, CHECKER_CALLER);
}
CHECKER_EXPORT int pthread_cond_timedwait(pthread_cond_t* c, pthread_mutex_t* m,
                                          const timespec* until) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_timedwait)(c, m, until);
  return wait(c, m, until, CHECKER_CALLER);
}
CHECKER_EXPORT int pthread_cond_clockwait(pthread_cond_t* c, pthread_mutex_t* m, clockid_t clock,
                                          const timespec* until) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_clockwait)(c, m, clock, until);
  return wait(c, m, until, CHECKER_CALLER);
}
CHECKER_EXPORT int pthread_cond_signal(pthread_cond_t* c) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_signal)(c);
  return notify(c, 1, CHECKER_CALLER);
}
CHECKER_EXPORT int pthread_cond_broadcast(pthread_cond_t* c) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_cond_broadcast)(c);
  return notify(c, UINT_MAX, CHECKER_CALLER);
}

// The C++ library's constructor lies in the library, where its write is not seen.
#define CHECKER_CONSTRUCTOR(name)                                \
  CHECKER_EXPORT void checker##name(pthread_cond_t*) asm(#name); \
  CHECKER_EXPORT void checker##name(pthread_cond_t* c) {         \
    write_range(address_of(c), sizeof *c, CHECKER_CALLER);       \
    *c = PTHREAD_COND_INITIALIZER;                               \
  }
CHECKER_CONSTRUCTOR(_ZNSt18condition_variableC1Ev)
CHECKER_CONSTRUCTOR(_ZNSt18condition_variableC2Ev)

// Semaphores: the first word is what is left.

CHECKER_EXPORT int sem_init(sem_t* s, int, unsigned value) noexcept {
  write_range(address_of(s), sizeof *s, CHECKER_CALLER);
  *reinterpret_cast<unsigned*>(s) = value;
  return 0;
}
CHECKER_EXPORT int sem_destroy(sem_t* s) noexcept {
  write_range(address_of(s), 4, CHECKER_CALLER);
  return 0;
}
CHECKER_EXPORT int sem_post(sem_t* s) noexcept {
  atomic_update(address_of(s), 4, update_kind::add, 1, order::release, CHECKER_CALLER);
  return 0;
}
namespace {
bool take_one(sem_t* s, address code) {
  note_kind(address_of(s), object_kind::semaphore);
  std::uint64_t left = atomic_load(address_of(s), 4, order::relaxed, code);
  return left != 0 && atomic_compare(address_of(s), 4, left, left - 1,
                                     {order::acquire, order::relaxed, false}, code);
}
}  // namespace
CHECKER_EXPORT int sem_wait(sem_t* s) {
  const address code = CHECKER_CALLER;
  await([&] { return take_one(s, code); }, code);
  return 0;
}
CHECKER_ENTRY(sem_trywait)
int checkersem_trywait(sem_t* s) noexcept {
  arrive_here(s);
  std::uint64_t left = atomic_load(address_of(s), 4, order::relaxed, CHECKER_CALLER);
  while (left != 0) {
    if (atomic_compare(address_of(s), 4, left, left - 1, {order::acquire, order::relaxed, false},
                       CHECKER_CALLER)) {
      return 0;
    }
  }
  errno = EAGAIN;
  return -1;
}
CHECKER_ENTRY(sem_timedwait)
int checkersem_timedwait(sem_t* s, const timespec* until) {
  arrive_here(s);
  if (take_one(s, CHECKER_CALLER)) return 0;
  expire(*until);
  errno = ETIMEDOUT;
  return -1;
}
CHECKER_EXPORT int sem_getvalue(sem_t* s, int* value) noexcept {
  const address code = CHECKER_CALLER;
  const auto left = static_cast<int>(atomic_load(address_of(s), 4, order::relaxed, code));
  note_result(value, code);
  *value = left;
  return 0;
}

// Barriers

CHECKER_EXPORT int pthread_barrier_init(pthread_barrier_t* b, const pthread_barrierattr_t*,
                                        unsigned needed) noexcept {
  if (needed == 0) return EINVAL;
  write_range(address_of(b), sizeof(barrier_memory), CHECKER_CALLER);
  *reinterpret_cast<barrier_memory*>(b) = {needed};
  return 0;
}
CHECKER_EXPORT int pthread_barrier_wait(pthread_barrier_t* b) { return wait_at(b, CHECKER_CALLER); }
CHECKER_EXPORT int pthread_barrier_destroy(pthread_barrier_t* b) noexcept {
  write_range(address_of(b), sizeof(barrier_memory), CHECKER_CALLER);
  return 0;
}

// Once. The word is 0, 1 while it is done, and then 2.

namespace {
struct once_guard {
  address word;
  address code;
  bool done = false;
  ~once_guard() { atomic_store(word, 4, done ? 2 : 0, order::release, code); }
};
}  // namespace

CHECKER_EXPORT int pthread_once(pthread_once_t* once, void (*routine)()) {
  if (!CHECKER_OURS) return CHECKER_NEXT(pthread_once)(once, routine);
  const address code = CHECKER_CALLER;
  note_kind(address_of(once), object_kind::once);
  bool mine = false;
  await(
      [&] {
        std::uint64_t state = 0;
        mine = atomic_compare(address_of(once), 4, state, 1,
                              {order::acquire, order::acquire, false}, code);
        return mine || state == 2;
      },
      code);
  if (!mine) return 0;
  once_guard guard{address_of(once), code};
  call_program(routine);
  guard.done = true;
  return 0;
}

// Statics of functions. The first byte is what the compiler's own check looks at; the second is 0,
// 1 while the static is made, and then 2.

namespace {
bool is_of_library(const std::uint8_t* guard) noexcept {
  return owner_of(address_of(guard)) == owner::library || address_of(guard) >= low_end;
}
}  // namespace

CHECKER_EXPORT int checker_guard_acquire(std::uint8_t* guard) asm("__cxa_guard_acquire");
CHECKER_EXPORT int checker_guard_acquire(std::uint8_t* guard) {
  if (!CHECKER_OURS || is_of_library(guard)) return guard[0] == 0 ? 1 : 0;
  const address code = CHECKER_CALLER;
  note_kind(address_of(guard + 1), object_kind::once);
  bool mine = false;
  await(
      [&] {
        std::uint64_t state = 0;
        mine = atomic_compare(address_of(guard + 1), 1, state, 1,
                              {order::acquire, order::acquire, false}, code);
        return mine || state == 2;
      },
      code);
  return mine ? 1 : 0;
}
CHECKER_EXPORT void checker_guard_release(std::uint8_t* guard) asm("__cxa_guard_release");
CHECKER_EXPORT void checker_guard_release(std::uint8_t* guard) {
  if (!CHECKER_OURS || is_of_library(guard)) {
    guard[0] = 1;
    // Of a static that was made before main: it is made.
    if (address_of(guard) < low_end) guard[1] = 2;
    return;
  }
  atomic_store(address_of(guard), 1, 1, order::release, CHECKER_CALLER);
  atomic_store(address_of(guard + 1), 1, 2, order::release, CHECKER_CALLER);
}
CHECKER_EXPORT void checker_guard_abort(std::uint8_t* guard) asm("__cxa_guard_abort");
CHECKER_EXPORT void checker_guard_abort(std::uint8_t* guard) {
  if (!CHECKER_OURS || is_of_library(guard)) return;
  atomic_store(address_of(guard + 1), 1, 0, order::release, CHECKER_CALLER);
}

// thread_local data: the destructors, and keys.

CHECKER_EXPORT int __cxa_thread_atexit(void (*call)(void*), void* object, void* library) {
  if (!CHECKER_OURS) {
    using function = int(void (*)(void*), void*, void*);
    return reinterpret_cast<function*>(next_function("__cxa_thread_atexit_impl"))(call, object,
                                                                                  library);
  }
  threads[self()].exits.push_back({call, object});
  something_changed();
  return 0;
}
CHECKER_EXPORT int __cxa_thread_atexit_impl(void (*call)(void*), void* object, void* library) {
  if (!CHECKER_OURS) {
    using function = int(void (*)(void*), void*, void*);
    return reinterpret_cast<function*>(next_function("__cxa_thread_atexit_impl"))(call, object,
                                                                                  library);
  }
  threads[self()].exits.push_back({call, object});
  something_changed();
  return 0;
}

CHECKER_EXPORT int pthread_key_create(pthread_key_t* made, void (*destroy)(void*)) noexcept {
  for (unsigned k = 0; k != most_keys; ++k) {
    if (keys[k].used) continue;
    keys[k] = {true, destroy};
    for (thread& each : threads) each.values[k] = nullptr;
    *made = k;
    return 0;
  }
  return EAGAIN;
}
CHECKER_EXPORT int pthread_key_delete(pthread_key_t k) noexcept {
  if (k >= most_keys || !keys[k].used) return EINVAL;
  keys[k].used = false;
  return 0;
}
CHECKER_EXPORT void* pthread_getspecific(pthread_key_t k) noexcept {
  return k < most_keys ? threads[active ? self() : 0].values[k] : nullptr;
}
CHECKER_EXPORT int pthread_setspecific(pthread_key_t k, const void* value) noexcept {
  if (k >= most_keys || !keys[k].used) return EINVAL;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): what gives it back gives it as it was
  threads[active ? self() : 0].values[k] = const_cast<void*>(value);
  if (active) something_changed();
  return 0;
}

// System calls that a program makes by number.

CHECKER_EXPORT long syscall(long number, ...) noexcept {
  std::va_list list;
  va_start(list, number);
  long a[6];
  for (long& each : a) each = va_arg(list, long);
  va_end(list);
  if (!CHECKER_OURS) return CHECKER_NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  const address code = CHECKER_CALLER;
  switch (number) {
    case SYS_futex: {
      const auto word = static_cast<address>(a[0]);
      const int what = static_cast<int>(a[1]) & FUTEX_CMD_MASK;
      const auto value = static_cast<std::uint32_t>(a[2]);
      const auto* const limit = reinterpret_cast<const timespec*>(a[3]);
      const bool masked = what == FUTEX_WAIT_BITSET || what == FUTEX_WAKE_BITSET;
      const auto mask = masked ? static_cast<std::uint32_t>(a[5]) : sleepers::every_bit;
      if (mask == 0) {
        errno = EINVAL;
        return -1;
      }
      if (what == FUTEX_WAIT) return wait_on_futex({word, value, mask, limit, false}, code);
      if (what == FUTEX_WAIT_BITSET) return wait_on_futex({word, value, mask, limit, true}, code);
      if (what == FUTEX_WAKE || masked) return wake_futex(word, value, mask, code);
      fail(fault::misuse, "a futex operation that the checker does not know", code);
    }
    case SYS_sched_yield:
      return 0;
    case SYS_gettid:
      return 1000 + static_cast<long>(self());
    case SYS_membarrier:
      // The heavy side of an asymmetric fence. Query and registration are answered as by a kernel.
      if (a[0] == 0) return 0xff;
      if (a[0] == 1 || a[0] == 2 || a[0] == 8) atomic_fence(order::heavy, code);
      return 0;
    default:
      notice_call("syscall", code);
      return CHECKER_NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}
CHECKER_EXPORT pid_t gettid() noexcept {
  return CHECKER_OURS ? static_cast<pid_t>(1000 + self())
                      : static_cast<pid_t>(CHECKER_NEXT(syscall)(SYS_gettid));
}
