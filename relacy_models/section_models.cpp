// SPDX-License-Identifier: MIT
// Magazines, and what their sections, their closers and threads without sections do to each other:
// <poolproof/magazine.hpp>, <poolproof/shard.hpp>. For the checker only.
#include "pool_model.hpp"
#include "section_sync.hpp"

#include <optional>

namespace poolproof::models {
namespace {

using checked_magazine = magazine<token, section_sync>;
using sections = checked_sections;

// A shard that is nothing but a magazine.
struct only_magazine {
  checked_magazine& own_magazine() noexcept { return held; }

  checked_magazine held;
};

// A near_shards that has been shown before the threads.
template <class Shard>
struct shown_shards {
  using item_type = token;
  using magazine_type = checked_magazine;

  std::uint32_t reach() const noexcept { return cpus; }
  Shard* first() const noexcept { return shards; }

  Shard* shards;
  std::uint32_t cpus;
};

// By the section that also takes when it is time for a look at the clock.
template <class Near>
token* take_one(const Near& near) {
  token* item = nullptr;
  return sections::take_some(near, &item, 1) != 0 ? item : nullptr;
}

struct magazine_model : model, with_sections {
  explicit magazine_model(unsigned cpus = 1, unsigned migrations = 0, unsigned aborts = 1)
      : with_sections(cpus, migrations, aborts), near_{shards_, cpus} {
    for (only_magazine& shard : shards_) shard.held.deepen();
  }

  bool give(unsigned item) {
    items_[item].prepare();
    if (sections::give(near_, &items_[item])) return true;
    items_[item].claim();
    return false;
  }

  bool take() {
    token* const item = take_one(near_);
    if (item != nullptr) item->claim();
    return item != nullptr;
  }

  // Gives two items by one section, the second first, and returns how many it has given.
  std::uint32_t give_two(unsigned first) {
    token* const both[] = {&items_[first], &items_[first + 1]};
    for (token* const item : both) item->prepare();
    const std::uint32_t given = sections::give_some(near_, both, 2);
    for (std::uint32_t i = 0; i != 2 - given; ++i) both[i]->claim();
    return given;
  }

  // Takes up to two items by one section, and returns how many.
  std::uint32_t take_two() {
    token* both[2];
    const std::uint32_t taken = sections::take_some(near_, both, 2);
    for (std::uint32_t i = 0; i != taken; ++i) both[i]->claim();
    return taken;
  }

  // As an owner does: takes out all, one by one. False if sections were not restarted.
  bool empty(checked_magazine& held) {
    checked_magazine::closing closed(held);
    for (; closed && !closed.empty(); closed.drop_newest()) closed.newest()->claim();
    return static_cast<bool>(closed);
  }

  void after() override {
    for (only_magazine& shard : shards_) {
      while (token* const item = shard.held.pop_exclusive()) item->claim();
    }
    for (const token& item : items_) require(!item.given(), "an item was lost");
  }

  only_magazine shards_[2];
  const shown_shards<only_magazine> near_;
  token items_[4];
};

// Property:   Sections of one CPU take effect one after the other: each item is with one thread at
//             a time, and none is lost, wherever one of them is interrupted.
// Expected:   passes
// Threads:    give a, take || give b, take; on one CPU
// Bound:      4 sections, each thread interrupted once
// Would show: a section with two stores that matter, or with a read that is not its own
struct sections_of_one_cpu : magazine_model {
  static model_info info() {
    return {.property = "interrupted sections of one CPU take effect one after the other",
            .threads = 2,
            .bound = "4 sections, 1 interruption each",
            .outcomes = {"gave", "no room", "took", "nothing to take"}};
  }

  void thread(unsigned index) override {
    outcome(give(index) ? "gave" : "no room");
    outcome(take() ? "took" : "nothing to take");
  }
};

// Property:   A thread that moves to another CPU within a section has done nothing to the first.
// Expected:   passes
// Threads:    give a, take || give b, take; each may move once
// Bound:      4 sections, each thread moved once and interrupted once; 2 CPUs
// Would show: a section that goes on with the CPU that it began on
struct sections_that_migrate : magazine_model {
  sections_that_migrate() : magazine_model(2, 1, 1) {}

  static model_info info() {
    return {.property = "a section that migrates has done nothing where it was",
            .threads = 2,
            .bound = "4 sections, 1 migration and 1 interruption each, 2 CPUs",
            .outcomes = {"gave", "no room", "took", "nothing to take"}};
  }

  void thread(unsigned index) override {
    outcome(give(index) ? "gave" : "no room");
    outcome(take() ? "took" : "nothing to take");
  }
};

// Property:   What the closer takes nobody else gets; what it leaves is found, as its giver left
//             it; sections after the reopening see all that the closer did.
// Expected:   passes
// Threads:    give a, take, give b || close, take all, reopen || take
// Bound:      4 sections, 1 closing
// Would show: a section that commits what it read before the closing, or in the middle of it
struct close_vs_sections : magazine_model {
  static model_info info() {
    return {.property = "between closing and reopening a magazine is the closer's",
            .threads = 3,
            .bound = "4 sections, 1 closing, 1 interruption each",
            .outcomes = {"gave", "no room", "took", "nothing to take"}};
  }

  void thread(unsigned index) override { run(index); }

 protected:
  void run(unsigned index) {
    switch (index) {
      case 0:
        outcome(give(0) ? "gave" : "no room");
        outcome(take() ? "took" : "nothing to take");
        outcome(give(1) ? "gave" : "no room");
        return;
      case 1:
        empty(shards_[0].held);
        return;
      default:
        outcome(take() ? "took" : "nothing to take");
        return;
    }
  }
};

// Property:   A section that moves two items takes effect at once: no other one of its CPU finds
//             one of them without the other, wherever it is interrupted.
// Expected:   passes
// Threads:    give two, take two || give one, take one; on one CPU, two deep
// Bound:      4 sections, each thread interrupted once
// Would show: a commit that counts other items than were copied
struct sections_of_several_items : magazine_model {
  sections_of_several_items() { shards_[0].held.deepen(); }

  static model_info info() {
    return {.property = "a section that moves two items takes effect at once",
            .threads = 2,
            .bound = "4 sections, 1 interruption each",
            .outcomes = {"gave 2 at once", "gave 1 at once", "took 2 at once", "took 1 at once",
                         "took", "nothing to take"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      outcome("gave %u at once", give_two(0));
      outcome("took %u at once", take_two());
    } else {
      give(2);
      outcome(take() ? "took" : "nothing to take");
    }
  }
};

// Property:   The same beside a closer, which finds both or none.
// Expected:   passes
// Threads:    give two || close, take all, reopen || take two; on one CPU, two deep
// Bound:      2 sections, 1 closing, each thread interrupted once
// Would show: a section that commits what it has copied from, or to, a magazine that was closed
//             meanwhile
struct close_vs_several_items : magazine_model {
  close_vs_several_items() { shards_[0].held.deepen(); }

  static model_info info() {
    return {.property = "a closer finds all that a section gives, or nothing of it",
            .threads = 3,
            .bound = "2 sections, 1 closing, 1 interruption each",
            .outcomes = {"gave 2 at once", "gave 1 at once", "gave 0 at once", "took 2 at once",
                         "took 0 at once", "closed on 2", "closed on 0"}};
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        outcome("gave %u at once", give_two(0));
        return;
      case 1: {
        const std::uint32_t found = shards_[0].held.size();
        empty(shards_[0].held);
        outcome("closed on %u", found);
        return;
      }
      default:
        outcome("took %u at once", take_two());
        return;
    }
  }
};

// Property:   Without the restart of sections the magazine is not the closer's.
// Expected:   fails: an item is handed out twice
struct close_without_restart : close_vs_sections {
  close_without_restart() { kernel_.fault = kernel_fault::restarts_nothing; }

  static model_info info() {
    return {.property = "must fail: a closer that does not wait for sections",
            .threads = 3,
            .bound = "4 sections, 1 closing",
            .expected = failure::data_race};
  }
};

// Property:   A fence on every CPU that restarts nothing (membarrier without RSEQ) is not enough.
// Expected:   fails: an item is handed out twice
struct close_with_fences_only : close_vs_sections {
  close_with_fences_only() { kernel_.fault = kernel_fault::fences_only; }

  static model_info info() {
    return {.property = "must fail: a closer that fences sections and does not restart them",
            .threads = 3,
            .bound = "4 sections, 1 closing",
            .expected = failure::data_race};
  }
};

// Property:   If the kernel refuses to restart sections, the magazine goes on as it was.
// Expected:   passes
// Threads:    give a, take || close in vain || take
// Bound:      3 sections, 1 closing
struct close_refused : magazine_model {
  close_refused() { kernel_.fault = kernel_fault::refuses; }

  static model_info info() {
    return {.property = "a closing that is refused changes nothing",
            .threads = 3,
            .bound = "3 sections, 1 closing",
            .outcomes = {"gave", "no room", "took", "nothing to take"}};
  }

  void thread(unsigned index) override {
    if (index == 1) {
      require(!empty(shards_[0].held), "the kernel was to refuse");
      return;
    }
    if (index == 0) outcome(give(0) ? "gave" : "no room");
    outcome(take() ? "took" : "nothing to take");
  }

  void after() override {
    while (take()) {
    }
    require(shards_[0].held.pop_exclusive() == nullptr, "a refused closing is not undone");
    magazine_model::after();
  }
};

// Property:   A closed magazine stays closed while others deepen it; a deeper one is read as it was
//             reopened.
// Expected:   passes
// Threads:    give a, deepen, give b, take || close, take all, reopen
// Bound:      3 sections, 1 closing
// Would show: a depth that opens a closed magazine
struct deepen_vs_close : magazine_model {
  static model_info info() {
    return {.property = "a closed magazine is not opened by a change of its depth",
            .threads = 3,
            .bound = "4 sections, 1 deepening, 1 closing",
            .outcomes = {"deepened", "not deepened", "gave both", "took"}};
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0: {
        const bool first = give(0);
        outcome(shards_[0].held.deepen() ? "deepened" : "not deepened");
        if (give(1) && first) outcome("gave both");
        return;
      }
      case 1:
        empty(shards_[0].held);
        return;
      default:
        if (take()) outcome("took");
        return;
    }
  }
};

// Property:   A give that began before a closing does not take effect after it, however deep the
//             magazine is by then.
// Expected:   passes
// Threads:    give a, give b || close, take all, reopen, deepen || 2 takes
// Bound:      4 sections, 1 closing, 1 deepening
// Would show: a give that brings back what the closer took, by an old count
struct close_and_deepen_vs_give : magazine_model {
  static model_info info() {
    return {.property = "a give does not bring back what a closer took",
            .threads = 3,
            .bound = "4 sections, 1 closing, 1 deepening, 1 interruption each",
            .outcomes = {"gave", "no room", "took", "nothing to take"}};
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        outcome(give(0) ? "gave" : "no room");
        outcome(give(1) ? "gave" : "no room");
        return;
      case 1:
        empty(shards_[0].held);
        shards_[0].held.deepen();
        return;
      default:
        outcome(take() ? "took" : "nothing to take");
        outcome(take() ? "took" : "nothing to take");
        return;
    }
  }
};

// Property:   What runs without the restarts of a section is none.
// Expected:   fails: an item is handed out twice
struct sections_that_are_not_restarted : sections_of_one_cpu {
  sections_that_are_not_restarted() { kernel_.fault = kernel_fault::no_restarts; }

  static model_info info() {
    return {.property = "must fail: a section that goes on after an interruption",
            .threads = 2,
            .bound = "4 sections",
            .expected = failure::data_race};
  }
};

// Property:   The CPU is to be asked for within the section.
// Expected:   fails: an item is handed out twice
struct sections_with_an_old_cpu : sections_that_migrate {
  sections_with_an_old_cpu() { kernel_.fault = kernel_fault::cpu_read_before; }

  static model_info info() {
    return {.property = "must fail: a section that goes on with the CPU of before",
            .threads = 2,
            .bound = "4 sections, 1 migration each, 2 CPUs",
            .expected = failure::data_race};
  }
};

// The shard.

using section_shard = shard<token, section_sync>;

struct section_shard_model : model, with_sections {
  explicit section_shard_model(unsigned aborts = 1) : with_sections(1, 0, aborts) {
    this_machine.spurious_failures = false;
    this_machine.reuse_memory = false;
    shard_.own_magazine().deepen();
  }

  // As pool_core does, as far as the shard goes.
  void put(unsigned index) {
    token* const item = &items_[index];
    item->prepare();
    if (sections::give(near_, item)) {
      outcome("gave by a section");
      return;
    }
    outcome("gave without");
    receive(shard_.give(item), "displaced");
  }

  void get() {
    if (receive(take_one(near_), "took by a section")) return;
    if (!receive(shard_.take(), "took without")) outcome("missed");
  }

  bool receive(token* item, const char* how) {
    if (item == nullptr) return false;
    item->claim();
    outcome("%s", how);
    return true;
  }

  void turn(std::uint64_t target) {
    auto own = shard_.try_own();
    if (!own || shard_.cycle() >= target) return;
    token* doomed[4 + decltype(own)::most_refused];
    std::uint32_t count = own.take_victims(doomed, 4);
    if (own.victims_drained()) own.turn(target, doomed, count);
    for (std::size_t i = 0; i != count; ++i) receive(doomed[i], "destroyed by a cycle");
  }

  void after() override {
    turn(10);
    turn(11);
    for (const token& item : items_) require(!item.given(), "an item outlived two cycles");
    require(shard_.size() == 0, "an empty shard is not empty");
  }

  section_shard shard_;
  const shown_shards<section_shard> near_{&shard_, 1};
  token items_[3];
};

// Property:   A cycle moves what the magazine holds, and loses and doubles nothing.
// Expected:   passes
// Threads:    put, get || turn || put
// Bound:      3 sections, 1 cycle
struct turn_vs_sections : section_shard_model {
  static model_info info() {
    return {.property = "a cycle takes over what the magazine holds",
            .threads = 3,
            .bound = "2 puts, 1 get, 1 cycle",
            .outcomes = {"gave by a section", "gave without", "took by a section", "took without",
                         "missed"}};
  }

  void thread(unsigned index) override {
    if (index == 1) return turn(1);
    put(index);
    if (index == 0) get();
  }
};

// Property:   A thief from another CPU and the threads of this one get each item once.
// Expected:   passes
// Threads:    put, get || steal from the magazine
// Bound:      2 sections, 1 steal
struct steal_vs_sections : section_shard_model {
  static model_info info() {
    return {.property = "a magazine may be stolen from while its CPU uses it",
            .threads = 3,
            .bound = "2 puts, 1 get, 1 steal",
            .outcomes = {"stolen", "took by a section", "missed"}};
  }

  void thread(unsigned index) override {
    if (index == 1) {
      receive(shard_.steal_magazine(), "stolen");
      return;
    }
    put(index);
    if (index == 0) get();
  }
};

// Property:   Of a cycle and a thief only one closes the magazine at a time.
// Expected:   passes
// Threads:    put || turn || steal from the magazine
// Bound:      1 section, 1 cycle, 1 steal
// Would show: two closers of one magazine
struct turn_vs_steal : section_shard_model {
  static model_info info() {
    return {.property = "a magazine has one closer at a time",
            .threads = 3,
            .bound = "1 put, 1 cycle, 1 steal",
            .outcomes = {"stolen", "nothing to steal", "destroyed by a cycle"}};
  }

  void thread(unsigned index) override {
    if (index == 0) return put(0);
    if (index == 1) return turn(1);
    if (!receive(shard_.steal_magazine(), "stolen")) outcome("nothing to steal");
  }
};

// Property:   Threads that the kernel does not know share a shard with those that it does.
// Expected:   passes
// Threads:    put, get by sections || put, get without || turn
// Bound:      2 puts, 2 gets, 1 cycle
struct threads_with_and_without_sections : section_shard_model {
  threads_with_and_without_sections() : section_shard_model(0) { kernel_.runs[1] = false; }

  static model_info info() {
    return {.property = "a thread without sections shares a shard with one that runs them",
            .threads = 3,
            .bound = "2 puts, 2 gets, 1 cycle",
            .outcomes = {"gave by a section", "gave without", "took by a section", "took without"}};
  }

  void thread(unsigned index) override {
    if (index == 2) return turn(1);
    put(index);
    get();
  }
};

// The table.

// Property:   Sections reach no shard that is not there, or not as it was made.
// Expected:   passes
// Threads:    make a table, begin the shard of CPU 1, show || give and take at CPU 1 || the same at
//             CPU 0
// Bound:      2 shards
// Would show: a reach that is published before the first shard, or that orders nothing
struct reach_vs_show : model, with_sections {
  reach_vs_show() : with_sections(2, 0, 0) {}

  static model_info info() {
    return {.property = "who sees how far sections reach sees the shards",
            .threads = 3,
            .bound = "2 shards",
            .outcomes = {"reached a shard", "out of reach"}};
  }

  void before() override { this_machine.cpu_count = 2; }

  void thread(unsigned index) override {
    if (index == 0) {
      table_.emplace();
      require(table_->create(1), "no table");
      // As the first put at a CPU does.
      table_->find(1)->own_magazine().deepen();
      shown_.show(table_->reachable().first(), table_->reachable().reach());
      return;
    }
    token& item = items_[index - 1];
    item.prepare();
    if (!sections::give(shown_, &item)) {
      item.claim();
      outcome("out of reach");
      return;
    }
    outcome("reached a shard");
    if (token* const taken = take_one(shown_)) taken->claim();
  }

  void after() override {
    while (token* const left =
               table_->find_first(0, [](auto& s) { return s.own_magazine().pop_exclusive(); })) {
      left->claim();
    }
    for (const token& item : items_) require(!item.given(), "an item was lost");
    table_.reset();
  }

  std::optional<shard_table<token, section_sync>> table_;
  near_shards<token, section_sync> shown_;
  token items_[2];
};

// Property:   An item is found from other CPUs, though the shard that it was given to by a section
//             has been begun and marked by another thread: who can give it knows of the mark.
// Expected:   passes
// Threads:    search, if told || give at CPU 1 by a section, tell || begin the shard of CPU 1
// Bound:      2 shards, of which one begins, 1 give, 1 search
// Would show: a search that passes over a shard with an item
struct first_give_vs_told_search : model, with_sections {
  first_give_vs_told_search() : with_sections(2, 0, 0) {}

  static model_info info() {
    return {.property = "who knows of an item knows that searches come to its shard",
            .threads = 3,
            .bound = "1 shard that begins, 1 give, 1 search",
            .outcomes = {"told", "not told", "no room yet"}};
  }

  void before() override {
    this_machine.cpu_count = 2;
    require(table_.create(0), "no table");
  }

  void thread(unsigned index) override {
    if (index == 2) {
      // As the first put at a CPU does.
      table_.find_slow(1, 0).own_magazine().deepen();
      return;
    }
    if (index == 1) {
      item_.prepare();
      if (sections::give(table_.reachable(), &item_))
        return told_.store(1, std::memory_order_release);
      item_.claim();
      outcome("no room yet");
      return;
    }
    const bool told = told_.load(std::memory_order_acquire) != 0;
    outcome(told ? "told" : "not told");
    if (!told) return;
    require(search() != nullptr, "an item was not found");
  }

  void after() override {
    if (item_.given()) require(search() != nullptr, "an item was lost");
  }

  token* search() {
    token* const found = table_.find_first(0, [](auto& s) { return s.steal_magazine(); });
    if (found != nullptr) found->claim();
    return found;
  }

  shard_table<token, section_sync> table_;
  token item_;
  sync::atomic<unsigned> told_{0};
};

// The pool.

struct section_pool_model : with_sections, basic_pool_model<section_sync> {
  explicit section_pool_model(unsigned cpus) : with_sections(cpus, 0, 0) {
    this_machine.cpu_count = cpus;
  }
};

// Property:   Put happens before the Get that returns the item; nothing is handed out twice or
//             lost; a cycle at the same time loses nothing.
// Expected:   passes
// Threads:    put || get || rotate; on one CPU
// Bound:      1 put, 1 get, 1 cycle
// Would show: an item that a cycle loses while it closes the magazine
struct section_put_vs_get_vs_rotate : section_pool_model {
  section_put_vs_get_vs_rotate() : section_pool_model(1) {}

  static model_info info() {
    return {.property = "with sections: nothing is handed out twice, nothing lost, Put before Get",
            .threads = 3,
            .bound = "1 put, 1 get, 1 cycle",
            .outcomes = {"got", "missed"}};
  }

  void before() override { static_cast<void>(find()); }

  void thread(unsigned index) override {
    if (index == 0) return put(make());
    if (index == 1) return get(1);
    pool_->rotate();
  }

  void after() override {
    require_all_found();
    basic_pool_model::after();
  }
};

// Property:   The same for items that are in the magazine, and around it, when the cycle comes.
// Expected:   passes
// Threads:    get, put || rotate; on one CPU
// Bound:      2 items, 1 get, 1 put, 1 cycle
struct section_get_vs_rotate : section_pool_model {
  section_get_vs_rotate() : section_pool_model(1) {}

  static model_info info() {
    return {.property = "with sections: a cycle keeps what is in the magazine",
            .threads = 2,
            .bound = "2 items, 1 get, 1 put, 1 cycle",
            .outcomes = {"got", "missed"}};
  }

  void before() override {
    put(make());
    put(make());
  }

  void thread(unsigned index) override {
    if (index == 1) return pool_->rotate();
    get(0);
    put(make());
  }

  void after() override {
    require_all_found();
    basic_pool_model::after();
  }
};

// Property:   A get that finds nothing else takes an item out of the magazine of another CPU.
// Expected:   passes
// Threads:    put at CPU 0 || get at CPU 1, as often as it takes
// Bound:      1 put, 1 get
struct section_put_vs_get_elsewhere : section_pool_model {
  section_put_vs_get_elsewhere() : section_pool_model(2) {}

  static model_info info() {
    return {.property = "a get reaches the magazines of other CPUs",
            .threads = 2,
            .bound = "2 puts, 1 get, 2 CPUs",
            .outcomes = {"got", "missed"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      put(make());
      put(make());
      return;
    }
    get(1);
  }

  void after() override {
    require_all_found();
    basic_pool_model::after();
  }
};

// Property:   Who waits on a condition variable for each put, as a bounded pool's users do, finds
//             an item by try_get: also in the magazine of another CPU.
// Expected:   passes
// Threads:    put, tell, put, tell at CPU 0 || wait, try_get, wait, try_get at CPU 1
// Bound:      2 puts, 2 gets, 2 CPUs
// Would show: a try_get that leaves what another CPU has at hand, or that a hold keeps from it
struct section_puts_vs_waiter : section_pool_model {
  section_puts_vs_waiter() : section_pool_model(2) {}

  static model_info info() {
    return {.property = "who has been told of an item finds one by try_get",
            .threads = 2,
            .bound = "2 puts, 2 gets of a waiter, 2 CPUs",
            .outcomes = {"waited", "found it there"}};
  }

  void thread(unsigned index) override {
    for (unsigned i = 0; i != 2; ++i) index == 0 ? put_and_tell() : wait_and_get(i);
  }

  void put_and_tell() {
    put(make());
    mutex_.lock();
    ++there_;
    mutex_.unlock();
    changed_.notify_one();
  }

  void wait_and_get(unsigned keeper) {
    mutex_.lock();
    outcome(there_ == 0 ? "waited" : "found it there");
    changed_.wait(mutex_, [this] { return there_ != 0; });
    --there_;
    mutex_.unlock();
    kept_[keeper] = pool_->try_get();
    require(kept_[keeper] != nullptr, "a waiter that was told found nothing");
    kept_[keeper]->claim();
  }

  checker::mutex mutex_;
  checker::condition_variable changed_;
  unsigned there_ = 0;  // under the mutex: items that no waiter has been promised
};

// Property:   What a late handle puts into the magazine of a pool that is being destroyed is
//             destroyed once.
// Expected:   passes
// Threads:    return a handle || destroy the pool
// Bound:      1 handle, 1 item in the magazine
struct section_handle_vs_destructor : section_pool_model {
  section_handle_vs_destructor() : section_pool_model(1) {}

  static model_info info() {
    return {.property = "with sections: a handle may be returned while the pool is destroyed",
            .threads = 2,
            .bound = "1 handle, 1 item in the magazine",
            .outcomes = {"destroyed by the destructor", "destroyed by the handle"}};
  }

  void before() override {
    handle_ = borrow();
    put(make());
  }

  void thread(unsigned index) override {
    if (index == 0) {
      handle_->prepare();
      handle_ = pool::handle();
      return;
    }
    pool_.reset();
  }

  void after() override {
    for_each_made([&](const pooled& item) {
      outcome(item.destroyed_by == 0 ? "destroyed by the handle" : "destroyed by the destructor");
    });
    basic_pool_model::after();
  }

  pool::handle handle_;
};

// Property:   The pool's end does not wait for an owner that is stopped in a magazine, and what
//             that has taken out, what a handle puts back, and what lies in the magazine are each
//             destroyed once.
// Expected:   passes
// Threads:    destroy the pool || rotate_all, return a handle; on one CPU, or each on its own
// Bound:      1 handle, 1 item in the magazine of the first, 1 cycle. Cut: the return in a thread
//             of its own, which is more than a thousand million executions
// Would show: an owner that opens a magazine again though the pool has ended, an item that a closed
//             one hides from both, a share of the handles that two closers settle, or none
struct section_owner_vs_destructor : section_pool_model {
  section_owner_vs_destructor() : section_pool_model(1 + choose(2)) {}

  static model_info info() {
    return {.property = "with sections: a pool ends while rotate_all is in it and a handle returns",
            .threads = 2,
            .bound = "1 handle, 1 item in a magazine, 1 or 2 CPUs, 1 cycle",
            .outcomes = {"0 left to the destructor", "1 left to the destructor",
                         "2 left to the destructor"}};
  }

  void before() override {
    handle_ = borrow();
    put(make());
  }

  void thread(unsigned index) override {
    if (index == 0) return pool_.reset();
    rotate_all_of<section_sync>();
    handle_->prepare();
    handle_ = pool::handle();
  }

  void after() override {
    int left = 0;
    for_each_made([&](const pooled& item) {
      require(item.destructions == 1, "an item waits in a closed pool");
      left += item.destroyed_by == 0 ? 1 : 0;
    });
    outcome("%d left to the destructor", left);
    basic_pool_model::after();
  }

  pool::handle handle_;
};

// Property:   Where the kernel refuses the pool's end its restart, the pool's inner part stays, and
//             that is counted; a handle that returns is harmless, and destroys its item if it comes
//             late. What the magazine holds stays with it.
// Expected:   passes
// Threads:    destroy the pool || return the handle
// Bound:      1 handle, 1 item in the magazine
// Would show: an inner part that is destroyed although sections may still work on it
struct section_end_refused_a_restart : section_pool_model {
  section_end_refused_a_restart() : section_pool_model(1) {}

  static model_info info() {
    return {.property = "a pool whose end is refused a restart leaves its inner part behind",
            .threads = 2,
            .bound = "1 handle, 1 item in the magazine",
            .outcomes = {"both left", "one left", "none left"},
            .leaves_memory = true};
  }

  void before() override {
    handle_ = borrow();
    put(make());
  }

  void thread(unsigned index) override {
    if (index == 0) {
      kernel_.refuses_next[0] = 10;
      pool_.reset();
      return;
    }
    handle_->prepare();
    handle_ = pool::handle();
  }

  void after() override {
    require(pool_registry<section_sync>::instance().leaked() == 1, "it is not counted");
    constexpr std::array left{"none left", "one left", "both left"};
    outcome("%s", left[2 - static_cast<unsigned>(destroyed())]);
  }

  pool::handle handle_;
};

// A pool whose magazine of CPU 0 is as deep as it can be.
struct deep_magazine_model : section_pool_model {
  explicit deep_magazine_model(unsigned cpus) : section_pool_model(cpus) {}

  void after() override {
    require_all_found();
    basic_pool_model::after();
  }

  // Two items in the magazine.
  void fill_magazine() {
    put(make());
    put(make());
  }

  // Two items in the ring, none in the magazine.
  void fill_ring() {
    fill_magazine();
    put(make());
    kept_[2] = find();
  }
};

// Property:   A put for which the magazine is full moves items to the ring and loses none; who
//             looks meanwhile gets each once.
// Expected:   passes; a get may miss while the items are in the hands of the put.
// Threads:    put || get at another CPU
// Bound:      2 items in the magazine, 1 put, 1 get, 2 CPUs
// Would show: an item that is both in the magazine and in the ring, or in neither.
struct make_room_vs_get : deep_magazine_model {
  make_room_vs_get() : deep_magazine_model(2) {}

  static model_info info() {
    return {.property = "a full magazine moves items to the ring, each in one place at a time",
            .threads = 2,
            .bound = "2 items in the magazine, 1 put, 1 get, 2 CPUs",
            .outcomes = {"got", "missed"}};
  }

  void before() override { fill_magazine(); }

  void thread(unsigned index) override { index == 0 ? put(make()) : get(1); }
};

// Property:   The same with two threads that make room in one magazine.
// Expected:   passes
// Threads:    put || put; on one CPU
// Bound:      2 items in the magazine, 2 puts
struct make_room_vs_make_room : deep_magazine_model {
  make_room_vs_make_room() : deep_magazine_model(1) {}

  static model_info info() {
    return {.property = "two threads make room in one magazine and lose nothing",
            .threads = 2,
            .bound = "2 items in the magazine, 2 puts",
            .outcomes = {"put"}};
  }

  void before() override { fill_magazine(); }

  void thread(unsigned) override {
    put(make());
    outcome("put");
  }
};

// Property:   The same against a cycle, which closes the magazine.
// Expected:   passes
// Threads:    put || rotate; on one CPU
// Bound:      2 items in the magazine, 1 put, 1 cycle
struct make_room_vs_rotate : deep_magazine_model {
  make_room_vs_rotate() : deep_magazine_model(1) {}

  static model_info info() {
    return {.property = "a put that makes room and a cycle lose nothing to each other",
            .threads = 2,
            .bound = "2 items in the magazine, 1 put, 1 cycle",
            .outcomes = {"put"}};
  }

  void before() override { fill_magazine(); }

  void thread(unsigned index) override {
    if (index == 1) return pool_->rotate();
    put(make());
    outcome("put");
  }
};

// Property:   A get that finds its magazine empty takes several items out of the ring: one for
//             itself, the others into the magazine; none is lost or handed out twice.
// Expected:   passes; the second get may miss while the items are in the hands of the first.
// Threads:    get || get at the same CPU or another
// Bound:      2 items in the ring, 2 gets
// Would show: an item that was left in the hands of a get.
struct refill_vs_get : deep_magazine_model {
  refill_vs_get() : deep_magazine_model(2) {}

  static model_info info() {
    return {.property = "a get refills the magazine from the ring, each item in one place",
            .threads = 2,
            .bound = "2 items in the ring, 2 gets, 2 CPUs",
            .outcomes = {"got", "missed"}};
  }

  void before() override { fill_ring(); }

  void thread(unsigned index) override { get(index); }
};

// Property:   A get whose magazine is filled by others, while it takes items for it out of the
//             ring, puts back what has no room.
// Expected:   passes
// Threads:    get || put, put; on one CPU
// Bound:      2 items in the ring, 1 get, 2 puts
// Would show: items that a get forgets
struct refill_vs_put : deep_magazine_model {
  refill_vs_put() : deep_magazine_model(1) {}

  static model_info info() {
    return {.property = "what a refill finds no room for goes back to the ring",
            .threads = 2,
            .bound = "2 items in the ring, 1 get, 2 puts",
            .outcomes = {"got"}};
  }

  void before() override { fill_ring(); }

  void thread(unsigned index) override {
    if (index == 0) return get(0);
    put(make());
    put(make());
  }
};

// Property:   The same against a cycle, which closes the magazine that is to be refilled.
// Expected:   passes; the get may miss: while the shard turns, it may look into the victim's ring
//             and not into the one that has just become the shared one, or the other way round.
// Threads:    get || rotate; on one CPU
// Bound:      2 items in the ring, 1 get, 1 cycle
struct refill_vs_rotate : deep_magazine_model {
  refill_vs_rotate() : deep_magazine_model(1) {}

  static model_info info() {
    return {.property = "a refill and a cycle lose nothing to each other",
            .threads = 2,
            .bound = "2 items in the ring, 1 get, 1 cycle",
            .outcomes = {"got", "missed"}};
  }

  void before() override { fill_ring(); }

  void thread(unsigned index) override { index == 0 ? get(0) : pool_->rotate(); }
};

struct deep_sync : section_sync {
  using sections = sections_of_depth<16>;
};

// Property:   A get of several that finds as many at hand as it wants gets those, and asks no
//             further.
// Expected:   passes
// Threads:    get_n of 16
// Bound:      1 shard, 16 items in its magazine, which the pool puts together
// Would show: one get too many, or too few, where a hand has just been enough
struct get_of_as_many_as_at_hand : model, with_sections {
  get_of_as_many_as_at_hand() : with_sections(1, 0, 0) { this_machine.cpu_count = 1; }

  static model_info info() {
    return {.property = "a get of several that are all at hand takes these",
            .threads = 1,
            .bound = "16 items",
            .outcomes = {"all were at hand"}};
  }

  void before() override {
    for (token& each : items_) {
      each.prepare();
      pool_.put(pool_item(&each));
    }
  }

  void thread(unsigned) override {
    pool_.get_n(count, output{&got_});
    require(got_ == count, "a get of several was given too few");
    outcome("all were at hand");
  }

 private:
  struct leave {
    void operator()(token*) const noexcept {}
  };
  using pool = object_pool<token, leave, deep_sync>;
  using pool_item = pool::item;

  static constexpr unsigned count = 16;
  static_assert(count >= hand<token, leave, deep_sync>::several);

  struct output {
    unsigned* got;

    output& operator*() noexcept { return *this; }
    output& operator++(int) noexcept { return *this; }
    output& operator=(pool_item taken) {
      require(taken != nullptr, "a get of several goes on when it has enough");
      taken->claim();
      ++*got;
      return *this;
    }
  };

  pool pool_{[] { return pool_item(); }, {.cycle_interval = std::nullopt}};
  token items_[count];
  unsigned got_ = 0;
};

const registered<
    sections_of_one_cpu, sections_that_migrate, close_vs_sections, close_without_restart,
    close_with_fences_only, close_refused, deepen_vs_close, close_and_deepen_vs_give,
    sections_of_several_items, close_vs_several_items, sections_that_are_not_restarted,
    sections_with_an_old_cpu, turn_vs_steal, reach_vs_show, section_put_vs_get_vs_rotate,
    section_get_vs_rotate, section_put_vs_get_elsewhere, section_handle_vs_destructor,
    section_owner_vs_destructor, section_end_refused_a_restart, section_puts_vs_waiter,
    first_give_vs_told_search, make_room_vs_get, make_room_vs_make_room, make_room_vs_rotate,
    refill_vs_get, refill_vs_put, refill_vs_rotate, get_of_as_many_as_at_hand, turn_vs_sections,
    steal_vs_sections, threads_with_and_without_sections>
    registration;

}  // namespace
}  // namespace poolproof::models
