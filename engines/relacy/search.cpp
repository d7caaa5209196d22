// SPDX-License-Identifier: MIT
#include "search.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace poolproof::models {
namespace {

using steady = std::chrono::steady_clock;

// A set of 64-bit hashes. Its memory comes from malloc: inside a search, operator new is the
// model's.
class hash_set {
 public:
  hash_set() = default;
  hash_set(const hash_set&) = delete;
  hash_set& operator=(const hash_set&) = delete;
  ~hash_set() { std::free(slots_); }

  void insert(std::uint64_t hash) noexcept {
    if (2 * (count_ + 1) > capacity_) grow();
    if (place(hash | 1)) ++count_;
  }

  std::uint64_t size() const noexcept { return count_; }

 private:
  // Zero marks an empty slot, so the lowest bit of every hash is set.
  bool place(std::uint64_t hash) noexcept {
    std::size_t i = hash >> 16 & (capacity_ - 1);
    while (slots_[i] != 0 && slots_[i] != hash) i = (i + 1) & (capacity_ - 1);
    return std::exchange(slots_[i], hash) == 0;
  }

  void grow() noexcept {
    std::uint64_t* const old = slots_;
    const std::size_t old_capacity = capacity_;
    capacity_ = old_capacity == 0 ? 1024 : 2 * old_capacity;
    slots_ = static_cast<std::uint64_t*>(std::calloc(capacity_, sizeof(std::uint64_t)));
    if (slots_ == nullptr) std::abort();
    for (std::size_t i = 0; i != old_capacity; ++i) {
      if (old[i] != 0) place(old[i]);
    }
    std::free(old);
  }

  std::uint64_t* slots_ = nullptr;
  std::size_t capacity_ = 0;
  std::uint64_t count_ = 0;
};

// The search that is running. A process runs one at a time: Relacy's context is global.
struct running_search {
  const model_entry* entry = nullptr;
  void* memory = nullptr;
  model* instance = nullptr;
  std::uint64_t executions = 0;
  hash_set distinct;
  bool counts_distinct = false;
  bool only_one = false;
  steady::time_point deadline = steady::time_point::max();
  bool timed_out = false;
};

running_search* running = nullptr;

// A model as Relacy knows it. One type for each number of threads, so that a further model costs
// the compiler nothing here.
template <unsigned Threads>
struct suite : rl::test_suite<suite<Threads>, static_cast<rl::thread_id_t>(Threads)> {
  void before() {
    stop_if_done();
    choosing_reuse = false;
    this_machine = machine{};
    clock_reading = {};
    current_stage = stage::before;
    process_states::construct_all();
    running->instance = running->entry->create(running->memory);
    running->instance->before();
    current_stage = stage::threads;
  }

  void thread(unsigned index) {
    try {
      running->instance->thread(index);
    } catch (...) {
      require(false, "an exception left a thread");
    }
  }

  void after() {
    current_stage = stage::after;
    running->instance->after();
    running->instance->~model();
    process_states::destroy_all();
    ++running->executions;
    current_stage = stage::outside;
  }

 private:
  static void stop_if_done() {
    if (running->only_one && running->executions == 1) rl::ctx().rl_until("replayed", {});
    constexpr std::uint64_t looks_at_clock_every = 1024;
    if (running->executions % looks_at_clock_every != 0 || steady::now() < running->deadline)
      return;
    running->timed_out = true;
    rl::ctx().rl_until("time is up", {});
  }
};

// One of Relacy's schedulers, with an eye on the choices that it makes.
template <class Scheduler>
class observed : public Scheduler {
 public:
  using Scheduler::Scheduler;

  rl::thread_id_t iteration_begin(rl::iteration_t iteration) {
    hash_ = 0;
    return note(Scheduler::iteration_begin(iteration));
  }

  bool iteration_end() {
    if (running->counts_distinct) running->distinct.insert(hash_);
    return Scheduler::iteration_end();
  }

  rl::thread_id_t schedule(rl::unpark_reason& reason, unsigned yield) {
    return note(Scheduler::schedule(reason, yield));
  }

  unsigned rand(unsigned limit, rl::sched_type type) {
    if (type == rl::sched_type_mem_realloc && !chooses_reuse()) return in_threads() ? kept : reused;
    // Where only one thread exists, a spurious failure is only one more turn of a loop.
    if (type == rl::sched_type_cas_fail && !may_fail_spuriously()) return no_failure;
    return note(Scheduler::rand(limit, type));
  }

 private:
  // What Relacy makes of its own random numbers: zero keeps a freed block for a while, and zero
  // makes a compare-and-swap fail.
  static constexpr unsigned kept = 0;
  static constexpr unsigned reused = 1;
  static constexpr unsigned no_failure = 1;

  static bool chooses_reuse() { return choosing_reuse && in_threads(); }
  static bool may_fail_spuriously() { return this_machine.spurious_failures && in_threads(); }

  template <class Choice>
  Choice note(Choice choice) {
    hash_ = (hash_ ^ static_cast<std::uint64_t>(choice + 1)) * 0x9e3779b97f4a7c15;
    hash_ ^= hash_ >> 29;
    return choice;
  }

  std::uint64_t hash_ = 0;
};

template <unsigned Threads, template <rl::thread_id_t> class Scheduler>
rl::string explore(rl::test_params& params) {
  using scheduler = observed<Scheduler<static_cast<rl::thread_id_t>(Threads)>>;
  typename scheduler::shared_context_t shared;
  rl::ostringstream final_state;
  rl::istringstream initial_state(params.initial_state);
  rl::context_impl<suite<Threads>, scheduler>(params, shared)
      .simulate(final_state, initial_state, false);
  return final_state.str();
}

template <unsigned Threads>
rl::string explore(rl::test_params& params, search_kind kind) {
  switch (kind) {
    case search_kind::full:
      return explore<Threads, rl::full_search_scheduler>(params);
    case search_kind::bound:
      return explore<Threads, rl::context_bound_scheduler>(params);
    case search_kind::random:
      break;
  }
  return explore<Threads, rl::random_scheduler>(params);
}

// There is no suite of one thread: Relacy's loops over the others do not compile cleanly.
rl::string explore(rl::test_params& params, search_kind kind, unsigned threads) {
  switch (threads) {
    case 2:
      return explore<2>(params, kind);
    case 3:
      return explore<3>(params, kind);
    case 4:
      return explore<4>(params, kind);
    default:
      break;
  }
  std::fprintf(stderr, "relacy_models: a model has 2 to %u threads, not %u\n", max_threads,
               threads);
  std::abort();
}

constexpr rl::scheduler_type_e relacy_kind(search_kind kind) {
  switch (kind) {
    case search_kind::full:
      return rl::sched_full;
    case search_kind::bound:
      return rl::sched_bound;
    case search_kind::random:
      break;
  }
  return rl::sched_random;
}

constexpr failure failure_of(rl::test_result_e result) {
  switch (result) {
    case rl::test_result_success:
    case rl::test_result_until_condition_hit:
      return failure::none;
    case rl::test_result_user_assert_failed:
    case rl::test_result_user_invariant_failed:
      return failure::assertion;
    case rl::test_result_data_race:
      return failure::data_race;
    case rl::test_result_access_to_freed_memory:
      return failure::freed_memory;
    case rl::test_result_double_free:
      return failure::double_free;
    case rl::test_result_memory_leak:
      return failure::memory_leak;
    case rl::test_result_resource_leak:
      return failure::resource_leak;
    case rl::test_result_unitialized_access:
      return failure::uninitialised_access;
    case rl::test_result_deadlock:
      return failure::deadlock;
    case rl::test_result_livelock:
      return failure::livelock;
    case rl::test_result_recursion_on_nonrecursive_mutex:
    case rl::test_result_unlocking_mutex_wo_ownership:
    case rl::test_result_destroying_owned_mutex:
      return failure::mutex_misuse;
    default:
      return failure::other;
  }
}

// A wild pointer in the modelled code is a failure of the model, with an interleaving, like any
// other.
void on_crash(int signal) {
  if (!rl::is_ctx() || rl::ctx().threadx_ == nullptr) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  rl::ctx().fail_test("crashed: it followed a wild pointer", rl::test_result_access_to_freed_memory,
                      last_operation());
}

void catch_crashes() {
  struct sigaction action = {};
  action.sa_handler = on_crash;
  action.sa_flags = SA_NODEFER;  // the handler is left by a jump
  sigaction(SIGSEGV, &action, nullptr);
  sigaction(SIGBUS, &action, nullptr);
}

rl::test_params params_of(const model_entry& entry, const search_request& request,
                          std::ostream& output, std::ostream& nowhere) {
  rl::test_params params;
  params.iteration_count = request.iterations;
  params.output_stream = &output;
  params.progress_stream = &nowhere;
  params.search_type = relacy_kind(request.kind);
  params.context_bound = static_cast<unsigned>(request.context_bound);
  params.execution_depth_limit = entry.info.depth_limit;
  params.initial_state = request.initial_state.c_str();
  params.collect_history = request.replay;
  return params;
}

// Relacy prints the message, the interleaving, and the same once more by threads. Of the
// interleaving, what one thread alone did before the others is left out.
void keep_interleaving(const rl::string& printed, search_result& result) {
  const std::string text(printed.substr(0, printed.find("\nthread 0:")).c_str());
  result.message = text.substr(0, text.find('\n'));
  std::size_t begin = text.find("[BEFORE END]");
  begin = begin == std::string::npos ? 0 : text.find('\n', begin) + 1;
  result.interleaving = text.substr(begin);
}

}  // namespace

void outcome(const char* format, ...) noexcept {
  char text[outcome_table::max_length];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  all_outcomes.add(all_outcomes.find(text));
}

search_result run_search(const model_entry& entry, const search_request& request) {
  catch_crashes();
  rl::random_generator::run_seed = request.seed;
  const steady::time_point start = steady::now();
  running_search search;
  search.entry = &entry;
  search.memory = ::operator new (entry.size, std::align_val_t{entry.alignment});
  search.counts_distinct = request.kind == search_kind::random;
  search.only_one = request.replay;
  if (request.seconds > 0) {
    search.deadline = start + std::chrono::duration_cast<steady::duration>(
                                  std::chrono::duration<double>(request.seconds));
  }
  running = &search;

  search_result result;
  rl::ostringstream printed;
  std::ostream nowhere(nullptr);
  rl::test_params params = params_of(entry, request, printed, nowhere);
  const rl::string final_state = explore(params, request.kind, entry.info.threads);
  result.failed_by = failure_of(params.test_result);
  result.final_state = request.replay ? request.initial_state : std::string(final_state.c_str());
  result.iterations = params.stop_iteration;
  result.executions = search.executions;
  result.distinct = search.distinct.size();
  result.timed_out = search.timed_out;
  result.seconds = std::chrono::duration<double>(steady::now() - start).count();

  // Relacy keeps no history while it searches: the failed execution is run again with one.
  if (result.failed_by != failure::none && !request.replay) {
    params.initial_state = final_state;
    params.collect_history = true;
    explore(params, request.kind, entry.info.threads);
  }
  if (result.failed_by != failure::none) keep_interleaving(printed.str(), result);
  ::operator delete (search.memory, std::align_val_t{entry.alignment});
  running = nullptr;
  return result;
}

}  // namespace poolproof::models
