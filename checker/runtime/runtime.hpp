// SPDX-License-Identifier: MIT
// What the parts of the runtime know of each other.
//
// The runtime is a shared library that is linked with a program that was compiled with
// -fsanitize=thread, in the place of ThreadSanitizer's. The compiler has turned each access of
// memory into a call of it; what the program calls of the C library it takes over, where an
// execution must be able to put it back, or to choose. `main` runs once in each execution, as
// thread 0, and the threads it starts are fibers of this process.
//
// Stands on: <checker/engine.hpp>.
#pragma once

#include <checker/engine.hpp>
#include <checker/search.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <link.h>
#include <time.h>

// Of what the program calls.
#define CHECKER_EXPORT extern "C" __attribute__((visibility("default"), used))

namespace checker::runtime {

using address = std::uintptr_t;

inline address address_of(const volatile void* pointer) noexcept {
  return reinterpret_cast<address>(pointer);
}
inline constexpr unsigned most_threads = 40;

// What lies at fixed addresses, so that the addresses of a program are the same in each run: the
// heap of an execution, which is the engine's; stacks; blocks of thread_local data; and what the
// program allocates before main.
inline constexpr address low_end = address{1} << 32;  // the program itself lies below
inline constexpr address heap_begin = 0x5000'0000'0000;
inline constexpr std::size_t region_bytes = std::size_t{1} << 26;
inline constexpr address heap_end = heap_begin + (most_threads + 1) * region_bytes;
inline constexpr address stacks_begin = heap_begin + (std::size_t{5} << 30);
inline constexpr std::size_t stack_bytes = std::size_t{1} << 20;
inline constexpr std::size_t stack_distance = 2 * stack_bytes;  // from one to the next
inline constexpr address stacks_end = stacks_begin + (most_threads + 1) * stack_distance;
inline constexpr address blocks_begin = heap_begin + (std::size_t{6} << 30);
inline constexpr std::size_t block_bytes = std::size_t{256} << 10;
inline constexpr address early_begin = heap_begin + (std::size_t{7} << 30);
inline constexpr std::size_t early_bytes = std::size_t{1} << 29;
inline constexpr address fixed_end = early_begin + early_bytes;

// Whether the program is running: between the entry of main and its end, in an execution.
inline bool active = false;
// Whether it has started a thread in this execution. Until then thread 0 is alone: what it does is
// done to memory itself, and is no event.
inline bool concurrent = false;
// Of executions: names what is theirs in the shadow memory.
inline std::uint32_t epoch = 0;
// Whether each step is noted: of an execution that is run once more, to be told.
inline bool tracing = false;
// How many threads there may be.
inline unsigned thread_limit = 0;
// On how many CPUs they run, thread T on T modulo that. 0: each time that it asks, that is a
// choice.
inline unsigned cpus = 2;

// Code, by whose it is.
enum class owner : std::uint8_t { program, library, system, runtime };
owner owner_of(address code) noexcept;
// Whether a call from there is one of the program, or of the C++ library for it, in an execution.
inline bool from_program(address code) noexcept {
  return active && owner_of(code) <= owner::library;
}
// Whether what a function does for its caller is looked at: for code of the program it is.
inline bool is_looked_at(address code) noexcept {
  return active && owner_of(code) == owner::program;
}
// Finds out which code is whose.
void find_owners();
// Whether a loaded object is the program, or a library that is looked at as a part of it.
bool is_of_program(const dl_phdr_info* object);

// Of each thread's stack: the functions that have not returned have their local variables at this
// address and above, as it was when the program last called the runtime. Until then, 0.
inline address live_frames[most_threads + 1] = {};
// Functions of the running thread have returned: in that stack its live frames begin here.
void end_frames(std::size_t stack, address begin, address code);
// Where the frame of a function ends that has just begun, with its stack pointer at `at`; or below.
address frame_end(address at, address live, const void* returns_to) noexcept;
// Who is called by the program has its own frame right below: a return address, and a saved
// register, to which `frame` leads. What the C++ library calls need not be noted: its frames hold
// nothing that the program knows of, and each function of the program notes its own when it begins:
// it gives the address that it `returns_to`.
inline address note_frame(const void* frame, const void* return_address,
                          const void* returns_to = nullptr) noexcept {
  const address at = address_of(frame) + 2 * sizeof(void*);
  const address code = address_of(return_address);
  const bool called = code < low_end || owner_of(code) == owner::program;
  if (at - stacks_begin < stacks_end - stacks_begin && called) [[likely]] {
    const std::size_t stack = (at - stacks_begin) / stack_distance;
    const address live = live_frames[stack];
    const address begin = returns_to == nullptr ? at : frame_end(at, live, returns_to);
    if (begin > live) end_frames(stack, begin, code);
    live_frames[stack] = at;
  }
  return code;
}
// Where the function that asks was called from. It notes its caller's frame.
#define CHECKER_CALLER \
  ::checker::runtime::note_frame(__builtin_frame_address(0), __builtin_return_address(0))
// Call a function of the program. What that calls last, with a jump, seems to be called from here:
// so here is code of the program.
void* call_program(void* (*function)(void*), void* argument);
void call_program(void (*function)(void*), void* argument);
void call_program(void (*function)());
// The same, and an exception that nobody catches ends there, where it is thrown: nothing is
// unwound.
void* call_outermost(void* (*function)(void*), void* argument);

// What the engine calls a place in the source: an address in the program's code, or, while an
// error is told, a list of such addresses, of a function and those that called it.
place place_of(address code);
// Becomes files, lines and functions.
void resolve_places(counterexample& told);
// Says how the program's variables are called.
void name_objects(counterexample& told);
// The line of the program's own that calls: queue.cpp:12. Empty if there is none.
std::string own_line_of(address code);
// Names code that is running, and who has called it, in a text; with_line tells the line there.
std::string mark_of_calls(address code);
std::string with_line(std::string text);
// The program's lines whose operations met conflicting ones, and those whose did not.
struct conflict_lines {
  std::vector<std::string> met;
  std::vector<std::string> unmet;
};
conflict_lines lines_of_conflicts(const statistics& found);
// The source files of the program that were compiled without instrumentation.
std::vector<std::string> files_without_instrumentation();
// Whether the program has functions of this repository's library.
bool uses_poolproof();

// What the running thread knows of the others. It is asked for again after each operation.
extern engine::knowledge known_now;
extern bool known_is_current;
extern address stack_end_now;
inline const engine::knowledge& known() noexcept {
  if (!known_is_current) {
    known_now = engine::look();
    stack_end_now = address_of(engine::stack_end());
    known_is_current = true;
  }
  return known_now;
}
extern std::uint64_t operations;
inline void operation_done() noexcept {
  known_is_current = false;
  ++operations;
}
inline bool knows(unsigned thread, std::uint32_t time) noexcept {
  const engine::knowledge& now = known();
  return thread == now.thread || (now.known != nullptr && now.known[thread] > time);
}

// Whether data is the C++ library's own: such as the standard streams, which need no lock, and what
// a locale keeps.
bool is_data_of_library(address data) noexcept;
// Races that are the C++ library's own, and known, are not the program's errors.
bool is_excused(address code);
unsigned excused_races() noexcept;

// Whether the running thread waits in a semaphore of the C++ library, which may go to sleep
// although there is something left: it does not here, and the verdict says so.
bool waits_in_semaphore(address code);
unsigned semaphore_waits() noexcept;

// The text of an error, until the next. Who leaves an execution frees nothing of its own: so what
// is kept until then is no std::string.
[[gnu::format(printf, 1, 2)]] const char* error_text(const char* format, ...);
// An error in the program, at a place in its code.
[[noreturn]] void fail(fault what, std::string_view text, address code,
                       const void* object = nullptr);

// The shadow of memory: who accessed what, and when.

void reset_shadow();
void make_shadow();
void read_range(address from, std::size_t size, address code);
void write_range(address from, std::size_t size, address code);
// What is about to be written for who calls.
template <class T>
void note_result(const T* result, address code) {
  if (result != nullptr && is_looked_at(code)) {
    write_range(address_of(result), sizeof *result, code);
  }
}
// A block is given back: a write of all of it. `checked`: that is looked at for races.
void free_range(address from, std::size_t size, bool checked, address code);
// What lies there ends with its thread: all accesses of others come before, or are errors.
void end_range(address from, std::size_t size);
// The memory of a block that was freed is another's.
void renew_range(address from, std::size_t size);
// All atomic memory gets its last value.
void settle_all();
// A step that shows a write gets the value that is there now.
void complete_step();

// Atomic operations of 1, 2, 4 and 8 bytes.
std::uint64_t atomic_load(address at, unsigned size, order o, address code);
void atomic_store(address at, unsigned size, std::uint64_t value, order o, address code);
std::uint64_t atomic_update(address at, unsigned size, update_kind kind, std::uint64_t operand,
                            order o, address code);
bool atomic_compare(address at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                    engine::compare_orders orders, address code);
void atomic_fence(order o, address code);
// The same of any other size.
void wide_load(address at, std::size_t size, void* into, order o, address code);
void wide_store(address at, std::size_t size, const void* from, order o, address code);
void wide_exchange(address at, std::size_t size, const void* from, void* into, order o,
                   address code);
// `in_memory`: what is expected lies in the program's memory, and the compiler leaves it to the
// call to read it, and to write it if it was another.
bool wide_compare(address at, std::size_t size, void* expected, const void* desired,
                  engine::compare_orders orders, address code, bool in_memory);

// Runs `turn` until it returns true. One that returns false has changed nothing.
template <class Turn>
void await(Turn turn, address code) {
  for (;;) {
    if (concurrent) engine::begin_iteration();
    if (turn()) return;
    if (!concurrent) fail(fault::deadlock, "this thread waits, and there is no other", code);
    engine::fail_iteration();
    operation_done();
  }
}

// Loops that wait.

// Where the running thread has called from, with the registers that it gets back.
struct standing {
  std::uint64_t rbx, rbp, r12, r13, r14, r15;
  const std::uint64_t* rsp;
};
// What it asks for, which may be nowhere else.
struct call_arguments {
  address object = 0;
  std::uint64_t value = 0;
  std::uint64_t expected = 0;
};
// Whether turns of loops that change nothing are looked for.
inline bool look_for_turns = true;
// It had made so many events when it came there. Returns if it goes on: whether it had come there
// before with as many.
bool arrive(const standing& at, std::uint32_t position, const call_arguments& with);
// The running thread has changed something: it stands nowhere that it stood before.
void something_changed() noexcept;
// It is about to write this memory: it stands where it stood only when that is again as it is now.
void note_change(address at, std::size_t size);
void reset_standing(unsigned thread);

// A function that notes, first of all, where it is called from: who comes back with the same
// registers and the same stack stands where it stood. The body is that of a function of another
// name.
#define CHECKER_ENTRY(name)                    \
  asm(".pushsection .text\n"                   \
      ".globl " #name                          \
      "\n"                                     \
      ".type " #name ", @function\n" #name     \
      ":\n"                                    \
      "movq %rbx, checker_standing+0(%rip)\n"  \
      "movq %rbp, checker_standing+8(%rip)\n"  \
      "movq %r12, checker_standing+16(%rip)\n" \
      "movq %r13, checker_standing+24(%rip)\n" \
      "movq %r14, checker_standing+32(%rip)\n" \
      "movq %r15, checker_standing+40(%rip)\n" \
      "movq %rsp, checker_standing+48(%rip)\n" \
      "jmp checker" #name                      \
      "\n"                                     \
      ".size " #name ", . - " #name            \
      "\n"                                     \
      ".popsection\n");                        \
  extern "C" [[gnu::visibility("hidden"), gnu::used]]
extern "C" [[gnu::visibility("hidden")]] standing checker_standing;

// The heap.

void reset_heap();
void note_early_state();
void restore_early_state();
// As malloc, called from there.
void* allocate_memory(std::size_t size, address code);
// Whether an address is in a block that lives; else fails.
void check_memory(address at, std::size_t size, address code);
// Whether a block may hold what was never written.
bool is_fresh_memory(address at, std::size_t size) noexcept;
// Whether plain reads of such memory are errors: then writes are noted, each byte.
inline bool look_for_uninitialised = false;
void note_written(address at, std::size_t size) noexcept;
void check_written(address at, std::size_t size, address code);
void look_for_leaks();
bool anything_unfreed() noexcept;

// The state of the program, which each execution finds as it was at the entry of main.

void note_state();
void restore_state();
// Each thread has a block of its own, if the program has thread_local data of its own. Else it is
// enough to exchange that of the C++ library, which costs less.
bool has_thread_blocks() noexcept;
void make_thread_blocks(unsigned count);
void* thread_pointer(unsigned thread);
program::bytes exchanged_data() noexcept;
inline address exchanged_begin = 0;
inline address exchanged_end = 0;
inline bool is_exchanged(address at) noexcept {
  return at - exchanged_begin < exchanged_end - exchanged_begin;
}
// Gives a new thread its thread_local data.
void start_thread_data(unsigned thread);
// The program's thread_local data of a thread ends.
void end_thread_data(unsigned thread);
// Whether a fault was no more than the first write to a page.
bool note_first_write(address at);
// Calls visit(begin, end) for memory that the program may keep pointers in.
void for_each_root(void (*visit)(address, address));

// Threads.

inline constexpr std::string_view too_many_threads = "more threads than this search has room for";
// Whether any execution had more, also one that is not of this part of the search, or that another
// process has run.
inline bool* had_too_many_threads = nullptr;
void note_keys();
void reset_threads();
// Notes of each object what it is: a mutex, or another thing than a word.
void tell_kinds(counterexample& told);
// How large such an object is, at most.
std::size_t size_of(object_kind is) noexcept;
void run_thread(unsigned index);
void run_thread_exits();
bool all_threads_ended() noexcept;

// What is called at exit.
void note_exits();
void reset_exits();
// The environment: that of main.
void note_environment();
void reset_environment();
void run_exits();
[[noreturn]] void exit_process(int status, address code);

// Whether the running thread is destroying an exception. How many hold it is counted in the C++
// library, where that is not seen: who destroys it is the last of them.
bool destroys_exception() noexcept;

// Time: it stands still, but that each look at it takes some, and that it goes on to the end of a
// limit that expires.
void reset_time();
void expire(const timespec& limit, bool absolute = true);

void reset_waiting();
// The running thread does something else than to poll.
void end_poll(unsigned thread) noexcept;
// Whether the running thread has done nothing but compute for a second: it is given up where it
// stands.
extern bool is_stuck;
// It stands at this code, or a byte behind it.
[[noreturn]] void give_up_stuck(address code);
void leave_cpu_area() noexcept;
void watch_for_loops();
// Whether the runtime itself is called by this signal.
bool is_own_signal(int signal) noexcept;
void catch_faults();
void release_faults();
void find_symbols();
// Allocations of a monotonic buffer are seen from here on.
void watch_resources();
// The counts of waiters that the C++ library keeps: words of its own that no order depends on.
bool is_waiter_count(address at) noexcept;

int explore(int argc, char** argv);
int run_main();
// The program does what the checker cannot run.
[[noreturn]] void refuse_program(const char* why);
// A function that is refused whoever calls it.
#define CHECKER_REFUSED(name)                                              \
  CHECKER_EXPORT void checker_refused_##name() asm(#name);                 \
  CHECKER_EXPORT void checker_refused_##name() {                           \
    refuse_program("the program calls " #name ", which is not supported"); \
  }

// What is not seen, but noticed: calls of these functions, and objects without instrumentation.
void begin_to_notice() noexcept;
void notice_call(const char* name, address code) noexcept;
void note_cpu_question() noexcept;
bool was_asked_for_cpu() noexcept;
void look_at_objects();
// The program and its libraries, as far as they are instrumented.
const std::vector<std::string>& files_of_program();
std::vector<std::string> what_was_not_seen();

// A function of the C library, behind our own of that name.
void* next_function(const char* name);
#define CHECKER_NEXT(name)                                                             \
  (*[] {                                                                               \
    static const auto found =                                                          \
        reinterpret_cast<decltype(&::name)>(::checker::runtime::next_function(#name)); \
    return found;                                                                      \
  }())

}  // namespace checker::runtime
