// SPDX-License-Identifier: MIT
// A program over all calls of an object_pool and the accidents of its machine, and the record of
// what it saw. The letters are told in pool_clients.cpp.
//
// Stands on: pool_clients, client_sync, history, <poolproof/object_pool.hpp>.
#pragma once

#include "client_sync.hpp"
#include "history.hpp"
#include "pool_clients.hpp"

#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace poolproof::proofs {

template <class Sync>
class pool_client final : public checker::program {
 public:
  pool_client(client played, pool_setting chosen)
      : played_(std::move(played)), setting_(chosen), alone_(threads()) {
    around_.sections = Sync::sections::compiled;
    around_.at_hand = shard<item, Sync>::magazine_type::capacity * chosen.cpus;
    around_.automatic_cycles = chosen.automatic_cycles;
    around_.shares_shards = chosen.tells_fewer_cpus();
    // What is due in half an interval has no other bound.
    around_.call_budget = passes_half() ? most_items : Sync::limits::call_budget;
    around_.has_upkeep = chosen.has_upkeep();
    around_.most_items = chosen.most_items != 0 ? chosen.most_items : pool_options::no_bound;
    around_.least_items = chosen.least_items;
    around_.handful = shard<item, Sync>::handful + 1;
    around_.reserved = reserved;
    around_.tick_period = static_cast<std::uint8_t>(Sync::ticker::period);
  }

  unsigned threads() const override { return static_cast<unsigned>(played_.threads.size()); }

  void start() override {
    running_ = this;
    this_client = {};
    this_client.cpus = setting_.cpus;
    this_client.cpus_told = setting_.tells_fewer_cpus() ? setting_.cpus_told : setting_.cpus;
    this_client.patience = setting_.patience;
    models::this_machine = {};
    models::process_states::construct_all();
    for (unsigned t = 0; t != threads(); ++t) this_client.threads[t].cpu = setting_.cpu_of(t);
    this_client.threads[alone_].cpu = setting_.first_cpu;
    next_call_.fill({});
    made_.fill(0);
    handles_.fill({});
    took_.fill({});
    told_.fill({});
    history_.start(around_);
    shared_ = ::new (checker::allocate(sizeof(shared), alignof(shared))) shared(setting_);
    pool_ = &*shared_->tested;
    if constexpr (Sync::sections::compiled) {
      for (unsigned t = 0; t != threads(); ++t) machine().cpus.of(t).cpu = setting_.cpu_of(t);
      machine().cpus.of(alone_).cpu = setting_.first_cpu;
    }
    play(played_.before);
    deal_handles();
  }

  void thread(unsigned index) override { play(played_.threads[index]); }

  void finish() override {
    play(played_.after);
    if (pool_ != nullptr) {
      const bool empty = take_all_out() == 0;
      if (empty && played_.after.ends_with("rr")) {
        history_.keep_blocks(static_cast<std::size_t>(this_client.blocks));
      }
      end_pool();
    }
    for (unsigned t = 0; t <= alone_; ++t) {
      while (handles_[t].count != 0) return_handle(handles_[t]);
    }
    judge();
    destroys_own_ = true;
    for (auto& each : shared_->kept) each.reset();
    destroys_own_ = false;
    shared_->~shared();
    checker::deallocate(shared_);
    models::process_states::destroy_all();
  }

 private:
  // What an item's destructor does with the pool.
  enum class deed : std::uint8_t { nothing, put, get };

  // Its user writes to it before it gives it away, when it gets it, and when it destroys it: plain
  // accesses, so that a hand-over without happens-before is a race.
  struct item {
    checker::var<unsigned> content{0};
    deed last = deed::nothing;

    void use() { content.set(content.get() + 1); }
  };

  struct bury {
    void operator()(item* dead) const noexcept { running_->bury_item(*dead); }
  };

  using pool = object_pool<item, bury, Sync>;
  using pool_item = typename pool::item;
  using handle = typename pool::handle;

  static constexpr std::chrono::nanoseconds interval{16};
  static constexpr std::size_t reserved = 2;

  static pool_hooks<item> upkeep_of_all() {
    return {.reset = [](item& each) { return running_->reset(each); },
            .on_drop = [](item& each, drop_cause why) { running_->note_drop(each, why); }};
  }

  struct machine_of_sections {
    explicit machine_of_sections(unsigned cpus) : machine(cpus, 0, 0) {
      models::running_machine = &machine;
    }
    models::section_machine machine;
  };
  struct no_machine {
    explicit no_machine(unsigned) {}
  };

  struct shared {
    explicit shared(const pool_setting& chosen)
        : machine(chosen.cpus),
          tested(
              std::in_place, [] { return running_->factory(); },
              pool_options{.cycle_interval =
                               chosen.automatic_cycles ? std::optional(interval) : std::nullopt,
                           .max_retained =
                               chosen.most_items != 0 ? chosen.most_items : pool_options::no_bound,
                           .min_idle = chosen.least_items},
              chosen.has_upkeep() ? upkeep_of_all() : pool_hooks<item>()) {}

    [[no_unique_address]] std::conditional_t<Sync::sections::compiled, machine_of_sections,
                                             no_machine>
        machine;
    std::optional<pool> tested;
    static_assert(models::max_threads * most_made + most_made_alone <= most_items);
    std::array<item, most_items> items;
    std::array<pool_item, most_items> kept;  // by item: what the client has taken out
    std::array<std::array<std::optional<handle>, most_handles>, models::max_threads + 1> handles;
  };

  // The letters in front of a call, which are about it alone.
  struct accidents {
    bool makes = false;
    bool throws = false;
    unsigned refused_request = 0;
    unsigned migrations = 0;
    unsigned interruptions = 0;
    unsigned refused_restarts = 0;
  };

  // A thread's handles, the oldest first.
  struct handle_list {
    std::array<std::optional<handle>*, 2 * most_handles> places{};
    std::size_t count = 0;

    void add(std::optional<handle>& added) noexcept { places[count++] = &added; }
    std::optional<handle>& oldest() const noexcept { return *places[0]; }
    std::optional<handle>& newest() const noexcept { return *places[count - 1]; }
    std::optional<handle>& take_oldest() noexcept {
      std::optional<handle>& taken = oldest();
      std::copy(places.begin() + 1, places.begin() + count--, places.begin());
      return taken;
    }
  };

  // Items that a thread has taken and not put back.
  struct item_list {
    std::array<std::uint8_t, most_items> numbers{};
    std::size_t count = 0;
  };

  // What the pool has told a thread last.
  struct telling {
    const item* of = nullptr;
    reason why = reason::untold;
  };

  struct factory_failed {};

  static unsigned self() noexcept { return checker::engine::thread(); }

  void play(std::string_view of) {
    for (const char sign : of) play_letter(sign);
  }

  void play_letter(char sign) {
    accidents& next = next_call_[self()];
    switch (sign) {
      case '*':
        next.makes = true;
        return;
      case '%':
        next.throws = true;
        return;
      case '1':
      case '2':
      case '3':
        next.refused_request = static_cast<unsigned>(sign - '0');
        return;
      case '~':
        ++next.migrations;
        return;
      case '!':
        ++next.interruptions;
        return;
      case 'z':
        next.refused_restarts = 1;
        return;
      case 'Z':
        next.refused_restarts = ~0u;
        return;
      case '>':
        move_to_next_cpu();
        return;
      case '-':
        if constexpr (Sync::sections::compiled) machine().runs[self()] = false;
        return;
      case 'c':
        pass_half_intervals(2);
        return;
      case 'C':
        pass_half_intervals(6);
        return;
      case 'h':
        pass_half_intervals(1);
        return;
      default:
        make_call(sign);
        next_call_[self()] = {};
        return;
    }
  }

  void make_call(char sign) {
    switch (sign) {
      case 'p':
        return put_new(deed::nothing);
      case 'f':
        history_.refuse(number_of(next_item()));
        return put_new(deed::nothing);
      case 'F':
        if (handles_[self()].count != 0) {
          history_.refuse(number_of(*handles_[self()].oldest()->get()));
        }
        return return_handle(handles_[self()]);
      case 'u':
        return put_new(deed::put);
      case 'v':
        return put_new(deed::get);
      case 'k':
        return put_back();
      case 'g':
        return get(call_kind::get);
      case 't':
        return get(call_kind::try_get);
      case 'T':
        return get(call_kind::try_get_near);
      case 'w':
        return reserve();
      case 'n':
        return get_several();
      case 'q':
        return put_several();
      case 'b':
        return borrow();
      case 'e':
        return return_handle(handles_[self()]);
      case 'd':
        return detach();
      case 'm':
        return move_handle();
      case 'a':
        return assign_handle();
      case 'r':
      case 'R':
        return rotate(sign == 'R');
      case 's':
        return ask_for_stats();
      case 'x':
        return end_pool();
      default:
        checker::require(false, "the client has a letter without a meaning");
    }
  }

  // A call: begins, with its accidents, and ends.
  class recorded {
   public:
    recorded(pool_client& of, call_kind kind) : client_(of), number_(of.history_.begin(kind)) {
      call& made = client_.history_[number_];
      refusals_ = this_client.self().refusals;
      restart_calls_ = this_client.self().restarts;
      if constexpr (Sync::sections::compiled) restarts_ = client_.machine().refusals[self()];
      if (made.inside != nobody) return;
      accidents& next = client_.next_call_[self()];
      client_machine::thread& thread = this_client.self();
      thread.refused_request = next.refused_request;
      thread.migrations = next.migrations;
      made.cpu = static_cast<std::uint8_t>(thread.cpu);
      if constexpr (Sync::sections::compiled) {
        auto& kernel = client_.machine();
        auto& place = kernel.cpus.of(self());
        place.migrations = next.migrations;
        place.aborts = next.interruptions;
        kernel.refuses_next[self()] = next.refused_restarts;
        made.sections = kernel.runs[self()];
        made.cpu = static_cast<std::uint8_t>(place.cpu);
      }
      // CPUs that share a shard are not apart.
      if (next.migrations != 0 || client_.setting_.tells_fewer_cpus()) made.cpu = unknown;
    }
    ~recorded() {
      call& made = client_.history_[number_];
      client_machine::thread& thread = this_client.self();
      made.refused_memory = thread.refusals != refusals_;
      // What a call inside another one asks for is not the other one's.
      made.restarts = static_cast<std::uint8_t>(std::exchange(thread.restarts, restart_calls_) -
                                                restart_calls_);
      if constexpr (Sync::sections::compiled) {
        made.refused_restart = client_.machine().refusals[self()] != restarts_;
      }
      if (made.inside == nobody) {
        thread.refused_request = 0;
        thread.migrations = 0;
        if constexpr (Sync::sections::compiled) {
          auto& kernel = client_.machine();
          kernel.refuses_next[self()] = 0;
          kernel.cpus.of(self()).migrations = kernel.cpus.of(self()).aborts = 0;
        }
      }
      client_.history_.end(number_);
    }
    recorded(const recorded&) = delete;
    recorded& operator=(const recorded&) = delete;

    void sees(step::kind what, std::uint8_t item = nobody) {
      client_.history_.add(number_, what, item);
    }
    call& operator*() noexcept { return client_.history_[number_]; }
    std::uint8_t number() const noexcept { return number_; }

   private:
    pool_client& client_;
    const std::uint8_t number_;
    unsigned refusals_ = 0;
    unsigned restarts_ = 0;       // that were refused
    unsigned restart_calls_ = 0;  // that were asked for
  };

  models::section_machine& machine() noexcept { return shared_->machine.machine; }

  void move_to_next_cpu() {
    if constexpr (Sync::sections::compiled) {
      unsigned& cpu = machine().cpus.of(self()).cpu;
      cpu = (cpu + 1) % setting_.cpus;
    } else {
      std::uint32_t& cpu = this_client.self().cpu;
      cpu = (cpu + 1) % setting_.cpus;
    }
  }

  void pass_half_intervals(std::uint8_t count) {
    recorded passing(*this, call_kind::other);
    passing.sees(step::kind::clock, count);
    models::process_states::get<models::model_clock>().nanoseconds.fetch_add(
        static_cast<std::uint64_t>(count * (interval / 2).count()), std::memory_order_relaxed);
  }

  bool passes_half() const noexcept {
    return std::any_of(played_.threads.begin(), played_.threads.end(),
                       [](const script& each) { return each.find('h') != script::npos; });
  }

  std::uint8_t number_of(const item& which) const noexcept {
    return static_cast<std::uint8_t>(&which - shared_->items.data());
  }

  // Each thread makes items of its own, so that which one it is does not depend on what others have
  // made. Those before and after the threads come last.
  item& next_item() {
    const unsigned maker = self();
    const bool alone = maker == alone_;
    const std::size_t first = (alone ? models::max_threads : maker) * most_made;
    checker::require(made_[maker] != (alone ? most_made_alone : most_made),
                     "the client makes too many items");
    return shared_->items[first + made_[maker]];
  }
  item& make_item() {
    item& made = next_item();
    ++made_[self()];
    return made;
  }

  pool_item factory() {
    call& asking = history_.innermost();
    ++asking.asked;
    const accidents& with = next_call_[self()];
    if (with.throws && asking.inside == nobody) throw factory_failed();
    if (!with.makes || asking.inside != nobody) return {};
    item& made = make_item();
    made_by_factory_[self()] = &made;
    if (asking.kind == call_kind::reserve) note_reserved(made);
    return pool_item(&made);
  }

  void put_new(deed last) {
    item& given = make_item();
    given.last = last;
    put(pool_item(&given));
  }

  void put_back() {
    item_list& mine = took_[self()];
    if (mine.count != 0) put(std::move(shared_->kept[mine.numbers[--mine.count]]));
  }

  void put(pool_item given) {
    given->use();
    recorded now(*this, call_kind::put);
    now.sees(step::kind::put, number_of(*given));
    pool_->put(std::move(given));
  }

  void keep(pool_item taken) {
    item_list& mine = took_[self()];
    const std::uint8_t number = number_of(*taken);
    mine.numbers[mine.count++] = number;
    shared_->kept[number] = std::move(taken);
  }

  void get(call_kind kind) {
    pool_item found;
    {
      recorded now(*this, kind);
      made_by_factory_[self()] = nullptr;
      try {
        found = kind == call_kind::get       ? pool_->get()
                : kind == call_kind::try_get ? pool_->try_get()
                                             : pool_->try_get_near();
      } catch (const factory_failed&) {
      }
      note_found(now, found.get(), kind);
    }
    if (found == nullptr) return;
    found->use();
    keep(std::move(found));
  }

  // Where get_n leaves what it gets.
  struct output {
    recorded* call;
    pool_item* place;

    output& operator*() noexcept { return *this; }
    output& operator++(int) noexcept { return *this; }
    output& operator=(pool_item taken) {
      call->sees(step::kind::take, running_->number_of(*taken));
      *place++ = std::move(taken);
      return *this;
    }
  };

  // So many that the pool takes several at once, and more than it ever has: so it comes to a miss.
  void get_several() {
    constexpr std::size_t wanted = most_items + 1;
    static_assert(wanted >= hand<item, bury, Sync>::several);
    std::array<pool_item, wanted> found;
    {
      recorded now(*this, call_kind::get);
      next_call_[self()].throws = true;
      try {
        pool_->get_n(wanted, output{&now, found.data()});
      } catch (const factory_failed&) {
        now.sees(step::kind::miss);
        (*now).missed = 1;
      }
    }
    for (pool_item& each : found) {
      if (each == nullptr) break;
      each->use();
      keep(std::move(each));
    }
  }

  // A range of which nobody knows how long it is.
  struct input {
    pool_item* place;

    pool_item& operator*() const noexcept { return *place; }
    input& operator++() noexcept {
      ++place;
      return *this;
    }
    bool operator==(const input&) const = default;
  };

  void put_several() {
    std::array<pool_item, 2> given{pool_item(&make_item()), pool_item(&make_item())};
    for (const pool_item& each : given) each->use();
    recorded now(*this, call_kind::put);
    for (const pool_item& each : given) now.sees(step::kind::put, number_of(*each));
    pool_->put_range(input{given.data()}, input{given.data() + given.size()});
  }

  // With what is in the pool it makes none, one, or two.
  void reserve() {
    next_call_[self()].makes = true;
    recorded now(*this, call_kind::reserve);
    try {
      pool_->reserve(reserved);
    } catch (const factory_failed&) {
      return;
    }
    history_.add_last(now.number(), step::kind::reserved);
  }

  // What reserve has made it puts.
  void note_reserved(item& made) {
    made.use();
    const std::uint8_t asking = history_.innermost_number();
    history_.add(asking, step::kind::made);
    history_.add(asking, step::kind::put, number_of(made));
  }

  // Of a get: whether it has found an item in the pool, missed, or got what the factory made.
  void note_found(recorded& now, const item* found, call_kind kind) {
    if (found != nullptr && found != made_by_factory_[self()]) {
      now.sees(step::kind::take, number_of(*found));
      return;
    }
    now.sees(step::kind::miss);
    (*now).missed = kind == call_kind::get ? 1 : 0;
    if (found != nullptr) now.sees(step::kind::made, number_of(*found));
  }

  void borrow() {
    std::optional<handle> borrowed;
    {
      recorded now(*this, call_kind::get);
      made_by_factory_[self()] = nullptr;
      try {
        borrowed.emplace(pool_->borrow());
      } catch (const factory_failed&) {
      }
      note_found(now, borrowed ? borrowed->get() : nullptr, call_kind::get);
    }
    if (!borrowed || !*borrowed) return;
    (*borrowed)->use();
    for (std::optional<handle>& place : shared_->handles[self()]) {
      if (place) continue;
      place.emplace(std::move(*borrowed));
      return handles_[self()].add(place);
    }
    checker::require(false, "the client borrows too many handles");
  }

  void return_handle(handle_list& from) {
    if (from.count == 0) return;
    std::optional<handle>& oldest = from.take_oldest();
    const item* const given = oldest->get();
    (*oldest)->use();
    recorded now(*this, call_kind::put);
    now.sees(step::kind::put, number_of(*given));
    oldest.reset();
  }

  void detach() {
    handle_list& mine = handles_[self()];
    if (mine.count == 0) return;
    std::optional<handle>& oldest = mine.take_oldest();
    pool_item detached;
    {
      recorded now(*this, call_kind::other);
      detached = oldest->detach();
      oldest.reset();
    }
    checker::require(detached != nullptr, "a handle was empty when it was detached");
    detached->use();
    keep(std::move(detached));
  }

  // Out of its handle and back.
  void move_handle() {
    handle_list& mine = handles_[self()];
    if (mine.count == 0) return;
    handle& oldest = *mine.oldest();
    const item* const held = oldest.get();
    recorded now(*this, call_kind::other);
    handle moved(std::move(oldest));
    checker::require(oldest.get() == nullptr && moved.get() == held,
                     "a move leaves its item behind");
    oldest = std::move(moved);
    checker::require(oldest.get() == held && !moved, "an assigned handle has another item");
  }

  // The newest handle to the oldest, whose item goes back to the pool; or one handle to itself.
  void assign_handle() {
    handle_list& mine = handles_[self()];
    if (mine.count == 0) return;
    handle& oldest = *mine.oldest();
    handle& newest = *mine.newest();
    const item* const held = newest.get();
    if (&oldest == &newest) {
      recorded now(*this, call_kind::other);
      handle& alias = oldest;
      oldest = std::move(alias);
    } else {
      oldest->use();
      recorded now(*this, call_kind::put);
      now.sees(step::kind::put, number_of(*oldest));
      oldest = std::move(newest);
      mine.newest().reset();
      --mine.count;
    }
    checker::require(oldest.get() == held, "an assigned handle has another item");
  }

  void rotate(bool all) {
    recorded now(*this, call_kind::rotate);
    now.sees(step::kind::cycle);
    if (all) {
      rotate_all_of<Sync>();
    } else {
      pool_->rotate();
    }
    now.sees(step::kind::swept);
  }

  void ask_for_stats() {
    recorded now(*this, call_kind::stats);
    const pool_stats told = pool_->stats();
    checker::require(told.pin == Sync::pin() || !holds(clause::pin), says(clause::pin).data());
    history_.add_counts(now.number(), {.constructions = told.constructions,
                                       .misses = told.misses,
                                       .steals = told.steals,
                                       .victim_hits = told.victim_hits,
                                       .busy = told.busy,
                                       .spills = told.spills,
                                       .refused_memory = told.refused_memory,
                                       .late_returns = told.late_returns,
                                       .cycles = told.cycles,
                                       .cycle_destroyed = told.cycle_destroyed,
                                       .retained = told.retained});
  }

  void end_pool() {
    recorded now(*this, call_kind::end);
    now.sees(step::kind::ends);
    shared_->tested.reset();
    pool_ = nullptr;
    now.sees(step::kind::ended);
  }

  // Returns how many items there were.
  std::size_t take_all_out() {
    const std::size_t before = took_[alone_].count;
    std::size_t known = before;
    for (get(call_kind::get); took_[alone_].count != known; get(call_kind::get)) {
      known = took_[alone_].count;
    }
    return known - before;
  }

  // What was borrowed before the threads goes to those that need it; the rest is returned at the
  // end.
  void deal_handles() {
    for (unsigned t = 0; t != threads(); ++t) {
      for (std::size_t n = handles_needed(played_.threads[t]).given; n != 0; --n) {
        if (handles_[alone_].count != 0) handles_[t].add(handles_[alone_].take_oldest());
      }
    }
  }

  bool reset(item& each) {
    each.use();
    return !history_.is_refused(number_of(each));
  }

  void note_drop(item& dropped, drop_cause why) {
    dropped.use();
    told_[self()] = {&dropped, static_cast<reason>(static_cast<int>(why) + 1)};
  }

  void bury_item(item& dead) noexcept {
    dead.use();
    if (destroys_own_ || !history_.is_inside_a_call()) return;
    const telling last_told = std::exchange(told_[self()], {});
    history_.add_destruction(number_of(dead),
                             last_told.of == &dead ? last_told.why : reason::untold);
    if (dead.last == deed::nothing || pool_ == nullptr) return;
    const deed last = std::exchange(dead.last, deed::nothing);
    if (last == deed::put) {
      put_new(deed::nothing);
    } else {
      get(call_kind::get);
    }
  }

  void judge() {
    specification spec(history_.seen());
    if (spec.explains_all()) return;
    checker::require(false, says(spec.objection()).data());
  }

  inline static pool_client* running_ = nullptr;

  const client played_;
  const pool_setting setting_;
  const unsigned alone_;  // the number of what runs before and after the threads
  surroundings around_;
  history history_;
  shared* shared_ = nullptr;
  pool* pool_ = nullptr;  // null at its end
  bool destroys_own_ = false;
  std::array<const item*, models::max_threads + 1> made_by_factory_{};
  std::array<accidents, models::max_threads + 1> next_call_;
  std::array<std::size_t, models::max_threads + 1> made_;
  std::array<handle_list, models::max_threads + 1> handles_;
  std::array<item_list, models::max_threads + 1> took_;
  std::array<telling, models::max_threads + 1> told_;
};

}  // namespace poolproof::proofs
