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
// Stands on: counterexample, place.
#pragma once

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

// Memory begins to live: atomic, or plain with or without a value.
handle begin_atomic(const void* address, unsigned size, std::uint64_t value, const place& from,
                    object_kind is = object_kind::word);
life_id begin_plain(const void* address, unsigned size, bool initialised);
// Its end is a write.
void end(const void* address, life_id life);

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
void deallocate(void* memory, const place& from);

// A choice of one in `alternatives`, the first of which is tried first.
unsigned choose(unsigned alternatives, const place& from);
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

void add_outcome(std::string_view text);
// `object`: what was accessed, if anything.
[[noreturn]] void fail(fault what, std::string_view text, const place& from,
                       const void* object = nullptr);

}  // namespace checker::engine
