// SPDX-License-Identifier: MIT
// What a program expects of the process it runs in: exit and abort, signals, clocks, the random
// numbers of the C library. They are those of one execution, and the same in each.
#include "runtime.hpp"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>
#include <vector>

#include <cxxabi.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

namespace checker::runtime {

namespace {

// What is called at exit, the last first.
struct exit_call {
  void (*call)(void*);
  void* argument;
};
std::vector<exit_call> exits, exits_at_main;
std::vector<exit_call> quick_exits, quick_exits_at_main;  // by quick_exit

// Destructors of the program's exceptions that live, and in how many of them each thread is.
std::unordered_map<const void*, void (*)(void*)> exception_ends;
unsigned ending_exceptions[most_threads];
bool asks_exception = false;  // what it says, which it does once in an execution

void run_all(std::vector<exit_call>& calls) {
  while (!calls.empty()) {
    const exit_call last = calls.back();
    calls.pop_back();
    call_program(last.call, last.argument);
  }
}

void call_plain(void* function) { call_program(reinterpret_cast<void (*)()>(function)); }

// Time, in nanoseconds. A thread knows of the limits that have expired in what happens before.
struct moment_of_time {
  std::uint32_t position;
  std::int64_t time;
};
std::vector<moment_of_time> advances[most_threads];
std::uint32_t looks[most_threads];

constexpr std::int64_t second = 1'000'000'000;
// Some day in 2025: a program that subtracts a day or a year from it stays positive.
constexpr std::int64_t beginning = 1'750'000'000 * second;

unsigned self() noexcept { return concurrent ? known().thread : 0; }

std::int64_t advanced() {
  std::int64_t latest = 0;
  for (unsigned t = 0; t != thread_limit; ++t) {
    for (const moment_of_time& each : advances[t]) {
      const bool before = t == self() || (concurrent && knows(t, each.position));
      if (before) latest = std::max(latest, each.time);
    }
  }
  return latest;
}

// A look takes a microsecond; who looks again and again waits for time to pass, and is not kept.
std::int64_t now() {
  std::uint32_t& count = looks[self()];
  ++count;
  something_changed();
  constexpr std::uint32_t patient = 16;
  std::int64_t passed = std::int64_t{count} * 1000;
  if (count > patient) passed += std::int64_t{1000} << std::min(count - patient, 44u);
  return std::max(beginning, advanced()) + passed;
}

void advance_to(std::int64_t time) {
  advances[self()].push_back({concurrent ? known().position : 0, time});
}

timespec spec_of(std::int64_t time) noexcept { return {time / second, time % second}; }
std::int64_t time_of(const timespec& t) noexcept { return t.tv_sec * second + t.tv_nsec; }

void pass(std::int64_t span) { advance_to(std::max(beginning, advanced()) + span); }

// Faults

constexpr int fault_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
constexpr std::size_t fault_stack_bytes = std::size_t{256} << 10;

const char* name_of_signal(int signal) noexcept {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGTRAP:
      return "SIGTRAP";
    default:
      return "SIGILL";
  }
}

void on_fault(int signal, siginfo_t* what, void* where) {
  const auto at = address_of(what->si_addr);
  if (signal == SIGSEGV && what->si_code == SEGV_ACCERR && note_first_write(at)) return;
  const auto* const context = static_cast<const ucontext_t*>(where);
  const auto code = static_cast<address>(context->uc_mcontext.gregs[REG_RIP]);
  if (!active) {
    std::fprintf(stderr, "checker: %s outside of an execution, at address %p, code %p\n",
                 name_of_signal(signal), what->si_addr, reinterpret_cast<void*>(code));
    std::_Exit(2);
  }
  char where_at[64] = "";
  const char* overflow = "";
  if (signal == SIGSEGV || signal == SIGBUS) {
    if (at == 0) {
      std::snprintf(where_at, sizeof where_at, " at the null pointer");
    } else {
      std::snprintf(where_at, sizeof where_at, " at address %#llx",
                    static_cast<unsigned long long>(at));
    }
    const address end = address_of(engine::stack_end());
    if (at < end - stack_bytes && at + 2 * address{4096} > end - stack_bytes) {
      overflow = ": the stack of the thread is used up";
    }
  }
  const char* const text = error_text("%s%s%s", name_of_signal(signal), where_at, overflow);
  fail(fault::crash, text, code + 1);
}

}  // namespace

namespace {

std::uint64_t operations_before = 0;
unsigned quiet_ticks = 0;

// The program's code may be left where it stands. Other code is not interrupted: who calls it sees.
void on_tick(int, siginfo_t*, void* where) {
  const bool moved = operations != operations_before;
  operations_before = operations;
  quiet_ticks = moved || !active ? 0 : quiet_ticks + 1;
  constexpr unsigned most_ticks = 4;
  if (quiet_ticks < most_ticks) return;
  quiet_ticks = 0;
  const auto* const context = static_cast<const ucontext_t*>(where);
  const auto at = static_cast<address>(context->uc_mcontext.gregs[REG_RIP]);
  if (at < low_end) give_up_stuck(at + 1);
  is_stuck = true;
}

// Of the processor's time: a busy machine is no loop.
void start_clock() {
  constexpr itimerval quarter{{0, 250'000}, {0, 250'000}};
  ::setitimer(ITIMER_VIRTUAL, &quarter, nullptr);
}

}  // namespace

bool is_stuck = false;

void give_up_stuck(address code) {
  is_stuck = false;
  live_frames[self()] = 0;  // it may stand deeper than where it called last
  engine::give_up_thread(engine::surrender::excluded,
                         error_text("thread %u has run for a second without an operation that "
                                    "others could see; it is at %s",
                                    self(), mark_of_calls(code).c_str()));
}

// The kernel would go on writing the number of the real CPU into this thread's area, and the
// program may look there: without it, it asks sched_getcpu, which is ours.
void leave_cpu_area() noexcept {
  [[gnu::weak]] extern const std::ptrdiff_t area_offset asm("__rseq_offset");
  [[gnu::weak]] extern const unsigned area_size asm("__rseq_size");
  if (&area_offset == nullptr || &area_size == nullptr || area_size == 0) return;
  constexpr unsigned original_size = 32;
  constexpr int unregister = 1;
  constexpr unsigned signature = 0x53053053;
  auto* const area = static_cast<std::byte*>(__builtin_thread_pointer()) + area_offset;
  ::syscall(SYS_rseq, area, std::max(area_size, original_size), unregister, signature);
}

void watch_for_loops() {
  struct sigaction action {};
  action.sa_sigaction = on_tick;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART;
  ::sigaction(SIGVTALRM, &action, nullptr);
  ::pthread_atfork(nullptr, nullptr, start_clock);
  start_clock();
}

bool is_own_signal(int signal) noexcept {
  return signal == SIGVTALRM || std::find(std::begin(fault_signals), std::end(fault_signals),
                                          signal) != std::end(fault_signals);
}

void catch_faults() {
  stack_t own{};
  own.ss_sp = ::mmap(nullptr, fault_stack_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  own.ss_size = fault_stack_bytes;
  ::sigaltstack(&own, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (int each : fault_signals) ::sigaction(each, &action, nullptr);
}

void release_faults() {
  constexpr itimerval never{};
  ::setitimer(ITIMER_VIRTUAL, &never, nullptr);
  for (int each : fault_signals) std::signal(each, SIG_DFL);
}

void note_exits() {
  exits_at_main = exits;
  quick_exits_at_main = quick_exits;
}
void reset_exits() {
  exits = exits_at_main;
  quick_exits = quick_exits_at_main;
  exception_ends.clear();
  asks_exception = false;
  std::fill(std::begin(ending_exceptions), std::end(ending_exceptions), 0);
}
void run_exits() { run_all(exits); }

void exit_process(int status, address code) {
  run_thread_exits();
  run_exits();
  if (status != 0) {
    fail(fault::assertion, error_text("the program ends with exit status %d", status), code);
  }
  engine::end_process();
  engine::end_thread();
}

// The environment that the program has changed: the C library's functions would keep it for the
// next execution.
namespace {
char** environment_at_main = nullptr;
std::vector<char*> environment;  // ends with null
std::deque<std::string> settings;

bool is_setting_of(const char* setting, std::string_view name) noexcept {
  return std::string_view(setting).starts_with(name) && setting[name.size()] == '=';
}

// Who reads it while another thread changes it races, whatever the names are.
void change_environment(std::string_view name, char* setting, address code) {
  write_range(address_of(&environ), sizeof environ, code);
  if (environment.empty() || environ != environment.data()) {
    environment.clear();
    for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
      environment.push_back(*each);
    }
    environment.push_back(nullptr);
  }
  environment.pop_back();
  std::erase_if(environment, [&](const char* each) { return is_setting_of(each, name); });
  if (setting != nullptr) environment.push_back(setting);
  environment.push_back(nullptr);
  environ = environment.data();
  something_changed();
}
}  // namespace

// The C library's locale, if the program has changed it.
namespace {
std::string locale_at_main;
bool locale_changed = false;
}  // namespace

void note_environment() {
  environment_at_main = environ;
  locale_at_main = CHECKER_NEXT(setlocale)(LC_ALL, nullptr);
}
void reset_environment() {
  environ = environment_at_main;
  environment.clear();
  settings.clear();
  if (locale_changed) CHECKER_NEXT(setlocale)(LC_ALL, locale_at_main.c_str());
  locale_changed = false;
}

void reset_time() {
  for (auto& each : advances) each.clear();
  std::fill(std::begin(looks), std::end(looks), 0);
}

void expire(const timespec& limit, bool absolute) {
  if (absolute) {
    advance_to(time_of(limit));
  } else {
    pass(time_of(limit));
  }
}

}  // namespace checker::runtime

using namespace checker::runtime;
using checker::fault;

#define CHECKER_OURS from_program(CHECKER_CALLER)

// Exit

// What a program wants done at a fork: none is explored, and those of the search are not its.
CHECKER_EXPORT int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(),
                                     void* library) noexcept {
  if (owner_of(CHECKER_CALLER) == owner::program) return 0;
  return CHECKER_NEXT(__register_atfork)(prepare, parent, child, library);
}

CHECKER_EXPORT int __cxa_atexit(void (*call)(void*), void* argument, void* library) noexcept {
  // The destructors of other libraries are run when the process really ends.
  if (owner_of(CHECKER_CALLER) != owner::program) {
    return CHECKER_NEXT(__cxa_atexit)(call, argument, library);
  }
  exits.push_back({call, argument});
  something_changed();
  return 0;
}
CHECKER_EXPORT int atexit(void (*call)()) noexcept {
  exits.push_back({call_plain, reinterpret_cast<void*>(call)});
  something_changed();
  return 0;
}

CHECKER_EXPORT void exit(int status) noexcept {
  if (CHECKER_OURS) exit_process(status, CHECKER_CALLER);
  CHECKER_NEXT(exit)(status);
  __builtin_unreachable();
}
namespace {
[[noreturn]] void end_at_once(int status, address code) {
  if (from_program(code)) {
    if (status != 0) {
      fail(fault::assertion, error_text("the program ends with exit status %d", status), code);
    }
    checker::engine::end_process();
    checker::engine::end_thread();
  }
  for (;;) ::syscall(SYS_exit_group, status);
}
}  // namespace
CHECKER_EXPORT void _exit(int status) { end_at_once(status, CHECKER_CALLER); }
CHECKER_EXPORT void _Exit(int status) noexcept { end_at_once(status, CHECKER_CALLER); }
// at_quick_exit is a part of the program, and calls this.
CHECKER_EXPORT int checker_at_quick_exit(void (*call)(void*), void*) asm("__cxa_at_quick_exit");
CHECKER_EXPORT int checker_at_quick_exit(void (*call)(void*), void*) {
  quick_exits.push_back({call, nullptr});
  something_changed();
  return 0;
}
CHECKER_EXPORT void quick_exit(int status) noexcept {
  if (CHECKER_OURS) run_all(quick_exits);
  end_at_once(status, CHECKER_CALLER);
}

namespace {
// What the running thread's exception says of itself, if it is one of std::exception. The program
// is asked, whose function may itself end here.
const char* what_it_says(const std::type_info* thrown) {
  using current = void(void**);  // an exception_ptr, which is a pointer to the exception
  static auto* const exception =
      reinterpret_cast<current*>(::dlsym(RTLD_DEFAULT, "_ZSt17current_exceptionv"));
  static const auto* const base =
      static_cast<const std::type_info*>(::dlsym(RTLD_DEFAULT, "_ZTISt9exception"));
  if (exception == nullptr || base == nullptr || asks_exception) return nullptr;
  void* object = nullptr;
  exception(&object);
  if (object == nullptr || !base->__do_catch(thrown, &object, 1)) return nullptr;
  // By its table of virtual functions: its destructors stand before this one.
  using what = void*(void*);
  constexpr std::size_t place = 2;
  asks_exception = true;
  return static_cast<const char*>(call_program((*static_cast<what***>(object))[place], object));
}
}  // namespace

CHECKER_EXPORT void abort() noexcept {
  if (!CHECKER_OURS) {
    std::signal(SIGABRT, SIG_DFL);
    ::raise(SIGABRT);
    end_at_once(134, 0);
  }
  const char* text = "the program calls abort";
  fault what = fault::crash;
  // The C++ library of the program, which is not the runtime's own, knows of an exception.
  using current = std::type_info*();
  static auto* const type =
      reinterpret_cast<current*>(::dlsym(RTLD_DEFAULT, "__cxa_current_exception_type"));
  if (owner_of(CHECKER_CALLER) == owner::library && type != nullptr) {
    const std::type_info* const thrown = type();
    text = "std::terminate is called";
    if (thrown != nullptr) {
      int failed = 0;
      const std::unique_ptr<char, void (*)(void*)> name(
          abi::__cxa_demangle(thrown->name(), nullptr, nullptr, &failed), std::free);
      const char* const of_type = failed == 0 ? name.get() : thrown->name();
      const char* const said = what_it_says(thrown);
      text = error_text("of type %s%s%s", of_type, said == nullptr ? "" : ": ",
                        said == nullptr ? "" : said);
      what = fault::exception;
    }
  }
  fail(what, text, CHECKER_CALLER);
}

CHECKER_EXPORT void __assert_fail(const char* expression, const char* file, unsigned line,
                                  const char* function) noexcept {
  if (!CHECKER_OURS) {
    std::fprintf(stderr, "%s:%u: %s: assertion failed: %s\n", file, line, function, expression);
    ::raise(SIGABRT);
  }
  fail(fault::assertion, expression, CHECKER_CALLER);
}

CHECKER_EXPORT void __stack_chk_fail() {
  fail(fault::crash, "the program overwrites its stack", CHECKER_CALLER);
}
// A pure virtual call is a use of an object that is not constructed yet, or not any more.
CHECKER_EXPORT void __cxa_pure_virtual() {
  fail(fault::crash, "a pure virtual function is called", CHECKER_CALLER);
}

// Exceptions: their destructors are called by who lets one go last.

namespace {
void end_exception(void* exception) {
  const auto found = exception_ends.find(exception);
  if (found == exception_ends.end()) return;
  auto* const destroy = found->second;
  exception_ends.erase(found);
  const unsigned own = self();
  ++ending_exceptions[own];
  call_program(destroy, exception);
  --ending_exceptions[own];
}

using destructor = void (*)(void*);
// What the C++ library is to call at the end of an exception of the program.
destructor note_exception(void* exception, destructor destroy) {
  if (!active || destroy == nullptr ||
      owner_of(reinterpret_cast<address>(destroy)) != owner::program) {
    return destroy;
  }
  exception_ends[exception] = destroy;
  return end_exception;
}

// That of the program: the runtime has one of its own.
template <class Function>
Function* library_function(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}
}  // namespace
namespace checker::runtime {
bool destroys_exception() noexcept { return ending_exceptions[self()] != 0; }
}  // namespace checker::runtime

CHECKER_EXPORT void __wrap___cxa_throw(void* exception, std::type_info* type, destructor destroy) {
  using function = void(void*, std::type_info*, destructor);
  static auto* const real = library_function<function>("__cxa_throw");
  real(exception, type, note_exception(exception, destroy));
  __builtin_unreachable();
}
// Of std::make_exception_ptr.
CHECKER_EXPORT void* __wrap___cxa_init_primary_exception(void* exception, std::type_info* type,
                                                         destructor destroy) noexcept {
  using function = void*(void*, std::type_info*, destructor);
  static auto* const real = library_function<function>("__cxa_init_primary_exception");
  return real(exception, type, note_exception(exception, destroy));
}

// The environment

CHECKER_EXPORT char* getenv(const char* name) noexcept {
  if (CHECKER_OURS) read_range(address_of(&environ), sizeof environ, CHECKER_CALLER);
  return CHECKER_NEXT(getenv)(name);
}
CHECKER_EXPORT int setenv(const char* name, const char* value, int overwrite) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(setenv)(name, value, overwrite);
  if (*name == 0 || std::string_view(name).find('=') != std::string_view::npos) {
    errno = EINVAL;
    return -1;
  }
  if (overwrite == 0 && CHECKER_NEXT(getenv)(name) != nullptr) {
    read_range(address_of(&environ), sizeof environ, CHECKER_CALLER);
    return 0;
  }
  settings.push_back(std::string(name) + '=' + value);
  change_environment(name, settings.back().data(), CHECKER_CALLER);
  return 0;
}
CHECKER_EXPORT int unsetenv(const char* name) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(unsetenv)(name);
  change_environment(name, nullptr, CHECKER_CALLER);
  return 0;
}
CHECKER_EXPORT int putenv(char* setting) noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(putenv)(setting);
  const std::string_view all(setting);
  const std::size_t end = all.find('=');
  change_environment(all.substr(0, end), end == std::string_view::npos ? nullptr : setting,
                     CHECKER_CALLER);
  return 0;
}
CHECKER_EXPORT int clearenv() noexcept {
  if (!CHECKER_OURS) return CHECKER_NEXT(clearenv)();
  write_range(address_of(&environ), sizeof environ, CHECKER_CALLER);
  environ = nullptr;
  something_changed();
  return 0;
}

CHECKER_EXPORT char* setlocale(int category, const char* name) noexcept {
  if (active && name != nullptr) locale_changed = true;
  return CHECKER_NEXT(setlocale)(category, name);
}

// Time

CHECKER_EXPORT int clock_gettime(clockid_t clock, timespec* result) noexcept {
  if (!CHECKER_OURS) return static_cast<int>(CHECKER_NEXT(clock_gettime)(clock, result));
  note_result(result, CHECKER_CALLER);
  *result = spec_of(now());
  return 0;
}
CHECKER_EXPORT int gettimeofday(timeval* result, void*) noexcept {
  if (!CHECKER_OURS) return static_cast<int>(::syscall(SYS_gettimeofday, result, nullptr));
  const std::int64_t time = now();
  note_result(result, CHECKER_CALLER);
  *result = {time / second, time % second / 1000};
  return 0;
}
CHECKER_EXPORT time_t time(time_t* result) noexcept {
  const time_t seconds =
      CHECKER_OURS ? now() / second : static_cast<time_t>(::syscall(SYS_time, nullptr));
  note_result(result, CHECKER_CALLER);
  if (result != nullptr) *result = seconds;
  return seconds;
}
CHECKER_EXPORT clock_t clock() noexcept {
  return CHECKER_OURS ? (now() - beginning) / 1000 : CHECKER_NEXT(clock)();
}
CHECKER_EXPORT int nanosleep(const timespec* span, timespec* left) {
  if (!CHECKER_OURS) return CHECKER_NEXT(nanosleep)(span, left);
  pass(time_of(*span));
  return 0;
}
CHECKER_EXPORT int clock_nanosleep(clockid_t clock, int flags, const timespec* span,
                                   timespec* left) {
  if (!CHECKER_OURS) return CHECKER_NEXT(clock_nanosleep)(clock, flags, span, left);
  expire(*span, flags == TIMER_ABSTIME);
  return 0;
}
CHECKER_EXPORT int usleep(useconds_t span) {
  if (!CHECKER_OURS) return CHECKER_NEXT(usleep)(span);
  pass(std::int64_t{span} * 1000);
  return 0;
}
CHECKER_EXPORT unsigned sleep(unsigned span) {
  if (!CHECKER_OURS) return CHECKER_NEXT(sleep)(span);
  pass(std::int64_t{span} * second);
  return 0;
}

// The machine

// It has two processors, even where all threads run on one.
namespace {
unsigned processors() noexcept { return std::max(cpus, 2u); }
}  // namespace
CHECKER_EXPORT int get_nprocs() noexcept {
  return CHECKER_OURS ? static_cast<int>(processors()) : CHECKER_NEXT(get_nprocs)();
}
CHECKER_EXPORT long sysconf(int what) noexcept {
  if (CHECKER_OURS && (what == _SC_NPROCESSORS_ONLN || what == _SC_NPROCESSORS_CONF)) {
    return processors();
  }
  return CHECKER_NEXT(sysconf)(what);
}

// Random numbers: the same in each execution. Each thread has a sequence of its own, so that they
// do not depend on who asks first.

namespace {
std::uint64_t first_seed = 0;  // of threads that have not set one
std::uint64_t seeds[most_threads];
std::uint64_t random_counts[most_threads];

std::uint64_t next_random() noexcept {
  const unsigned own = active ? self() : 0;
  something_changed();
  random_counts[own] += 0x9e3779b97f4a7c15;
  std::uint64_t z = first_seed + seeds[own] + random_counts[own] + own * 0xd1b54a32d192ed03;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}
void seed_random(std::uint64_t seed) noexcept {
  if (concurrent) {
    seeds[self()] = seed - first_seed;
    random_counts[self()] = 0;
  } else {
    first_seed = seed;
    random_counts[0] = 0;
  }
  something_changed();
}
}  // namespace
namespace checker::runtime {
void reset_random() {
  first_seed = 0;
  std::fill(std::begin(seeds), std::end(seeds), 0);
  std::fill(std::begin(random_counts), std::end(random_counts), 0);
}
}  // namespace checker::runtime

CHECKER_EXPORT int rand() noexcept { return static_cast<int>(next_random() >> 33); }
CHECKER_EXPORT void srand(unsigned seed) noexcept { seed_random(seed); }
CHECKER_EXPORT long random() noexcept { return static_cast<long>(next_random() >> 33); }
CHECKER_EXPORT void srandom(unsigned seed) noexcept { seed_random(seed); }
CHECKER_EXPORT double drand48() noexcept {
  return static_cast<double>(next_random() >> 11) * 0x1p-53;
}
CHECKER_EXPORT long lrand48() noexcept { return static_cast<long>(next_random() >> 33); }
CHECKER_EXPORT long mrand48() noexcept { return static_cast<std::int32_t>(next_random() >> 32); }
CHECKER_EXPORT void srand48(long seed) noexcept { seed_random(static_cast<std::uint64_t>(seed)); }
namespace {
void fill_random(void* to, std::size_t size, address code) {
  if (is_looked_at(code)) write_range(address_of(to), size, code);
  auto* const bytes = static_cast<unsigned char*>(to);
  for (std::size_t i = 0; i != size; ++i) bytes[i] = static_cast<unsigned char>(next_random());
}
}  // namespace
CHECKER_EXPORT int getentropy(void* to, std::size_t size) {
  fill_random(to, size, CHECKER_CALLER);
  return 0;
}
CHECKER_EXPORT ssize_t getrandom(void* to, std::size_t size, unsigned) {
  fill_random(to, size, CHECKER_CALLER);
  return static_cast<ssize_t>(size);
}
// std::random_device asks the processor otherwise.
CHECKER_EXPORT unsigned checker_random_device(void*) asm("_ZNSt13random_device14checker_getvalEv");
CHECKER_EXPORT unsigned checker_random_device(void*) {
  return static_cast<unsigned>(next_random() >> 32);
}
