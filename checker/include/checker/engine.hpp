// SPDX-License-Identifier: MIT
// What a program under test tells the engine: its operations, by address and size, each as it
// happens in the running thread.
//
// A front end is what makes these calls for the program. The first is this library's own: atomic,
// var, mutex and section are objects that tell of themselves. It asks the engine for a handle when
// an object begins to live, gives it with each operation, and says when the object ends.
//
// Nothing here asks for such objects. A second front end can be the functions that a compiler calls
// for every shared access of unmodified code, which get an address, a size and an order. It would
// do for them what a constructor does here: at the first access of an address it has not seen, it
// begins it with the value that lies there, keeps the handle by the address, and ends the handles
// of a block where the block is freed. Memory that is accessed with two sizes is an error that it
// can see. Its threads are those of a `program`, as many as may be started, each of which waits in
// `await` until it is; the end of one is a store that joining waits for.
//
//     handle known = engine::begin_atomic(&word, sizeof word, word, from);
//     engine::store(&word, sizeof word, known, 1, order::release, from);
//
// All are calls from within a running execution, and mean nothing outside of one. Some do not
// return: the engine leaves an execution that it has seen enough of.
//
// Stands on: clock, counterexample, place.
#pragma once

#include "clock.hpp"
#include "counterexample.hpp"
#include "place.hpp"

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace checker::engine {

// Whether an execution is running in this process, and whether it has come to its threads: before
// and after them the program runs alone.
bool running() noexcept;
bool in_threads() noexcept;
// The running thread; as many as there are threads if it runs alone.
unsigned thread() noexcept;

// What the engine knows memory by: while it lives all its accesses are looked at for races, and
// what is atomic is a location of the graph too.
using life_id = std::uint32_t;
struct handle {
  location_id location;
  life_id life;
};
// Of a location whose lives and races the front end sees to itself.
inline constexpr life_id unwatched = ~life_id{0};

// Memory begins to live: atomic, or plain with or without a value.
handle begin_atomic(const void* address, unsigned size, std::uint64_t value, const place& from,
                    object_kind is = object_kind::word);
life_id begin_plain(const void* address, unsigned size, bool initialised);
// Its end is a write.
void end(const void* address, life_id life);

// The location that is called by `key`, in whichever order threads come to it; `value` is what it
// has before any write. The front end sees to it that a key stands for the same in each execution.
location_id find_location(std::uint64_t key, std::uint64_t value, const void* object,
                          const place& from, object_kind is = object_kind::word);

// What an atomic location has for a plain access of the running thread, if that is ordered behind
// all its writes, and with `writes` behind its reads too.
struct settled_value {
  bool ordered;
  std::uint64_t value;
};
settled_value settled(location_id location, std::uint64_t initial_value, bool writes);
// Of a location that only updates write: the index of the last write of a thread there that what
// the running thread has done last has seen.
std::uint32_t last_write_seen(location_id location, unsigned thread);
// What it has when all threads are done.
std::uint64_t last_value(location_id location, std::uint64_t initial_value);

// How far the running thread is, and how much it knows of the others: of each, so many events
// happen before what it does next. Null: of none. It lasts until the next operation.
struct knowledge {
  unsigned thread;
  std::uint32_t position;
  const clock_table::lane* known;
};
knowledge look() noexcept;

// Atomic operations. Values are those of the memory, of 1, 2, 4 or 8 bytes, and zeros above.
std::uint64_t load(const void* address, unsigned size, handle known, order o, const place& from);
void store(const void* address, unsigned size, handle known, std::uint64_t value, order o,
           const place& from);
// All but compare-exchange. Returns what was there.
std::uint64_t update(const void* address, unsigned size, handle known, update_kind kind,
                     std::uint64_t operand, order o, const place& from);

struct compare_orders {
  order success;
  order failure;
  bool weak;  // may fail although the values are equal
};
// Whether it has written; else `expected` becomes what was there.
bool compare_exchange(const void* address, unsigned size, handle known, std::uint64_t& expected,
                      std::uint64_t desired, compare_orders orders, const place& from);

void fence(order o, const place& from);

// Accesses of plain memory. A read comes before it is made, and so does a write, with the bytes
// that will be there.
void read(const void* address, unsigned size, life_id life, const place& from);
void write(const void* address, unsigned size, life_id life, const void* bytes, const place& from);

// Memory of the execution: null if it is used up. What is not freed at the end is a leak, but for
// what is static: of the process rather than of its heap.
void* allocate(std::size_t size, std::size_t alignment, const place& from);
void* allocate_static(std::size_t size, std::size_t alignment) noexcept;
// `reusable`: whether another allocation may get the block.
void deallocate(void* memory, const place& from, bool reusable = true);

// A choice of one in `alternatives`, the first of which is tried first; `about` is for reports.
unsigned choose(unsigned alternatives, const place& from, const choice_subject& about = {});
// A choice that is offered only while the thread has spurious failures left.
bool choose_spurious(const place& from);

// Of a loop that waits: an iteration begins, and ends without success. If it changed nothing, its
// thread is blocked.
void begin_iteration() noexcept;
void fail_iteration();

// Until leave_section, the running thread may be aborted after each operation: it then goes on at
// `restart`. Null: it may not.
void enter_section(std::jmp_buf* restart) noexcept;
void leave_section() noexcept;

// A moment in the running thread, and whether what it did until then happens before what the thread
// that asks does next.
struct moment {
  unsigned thread = 0;
  std::uint32_t position = 0;
};
moment mark() noexcept;
bool happened_before(const moment& then) noexcept;

// An assumption does not hold: this execution is not one of those that are asked about.
[[noreturn]] void exclude();
// Of the events of a thread those from `begin` to before `end`.
struct span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};
// The running thread has come back to where it stood when it had made `position` events, and stands
// there as it did. If it has changed nothing, it is blocked; and if what it has written is as it
// was, it goes on only if others have seen what it did: then the result is true. `changed`: when
// plain memory was not as it was. It is now.
bool block_turn(std::uint32_t position, span changed = {});
// It goes no further in this execution: the others do. `waits`: that is a deadlock if they end;
// `excluded`: the execution is none of those that are looked at; `stopped`: it is one all the same.
enum class surrender : std::uint8_t { waits, excluded, stopped };
// With a text, the execution counts as cut for that reason.
[[noreturn]] void give_up_thread(surrender why, std::string_view text = {});
// It has looked for the same again: where executions are taken by chance the others go first.
void give_way() noexcept;
// The process has ended, whatever its other threads still do.
void end_process() noexcept;

// Of a program that starts its threads: begins one and returns its index, or `threads` if there is
// none left; and waits for the end of one.
unsigned start_thread(const place& from);
void join_thread(unsigned index, const place& from);
// The running thread ends, as if it had returned.
[[noreturn]] void end_thread();

// While the execution of an error is run once more: what a thread did that is no event. The number
// that is returned is that of the step.
bool tracing() noexcept;
std::size_t note_plain(bool write, const void* object, std::uint64_t value, const place& from);
void correct_plain(std::size_t step, std::uint64_t value);

// The stack of the running thread: the address behind it.
const std::byte* stack_end() noexcept;

void add_outcome(std::string_view text);
// `object`: what was accessed, if anything.
[[noreturn]] void fail(fault what, std::string_view text, const place& from,
                       const void* object = nullptr);

}  // namespace checker::engine
