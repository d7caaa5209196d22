// SPDX-License-Identifier: MIT
// Litmus programs by chance, from a seed: 2 or 3 threads, up to 9 operations.
//
// Programs drawn evenly from all programs are mostly dull: threads that share nothing, orders that
// make no difference. So most programs are built around a cycle, the shape of every litmus test
// whose weak outcome is of interest: thread after thread, an access, perhaps a fence, another
// access, whose location is the next thread's first one. The rest, drawn freely, has what does not
// fit into cycles. The same seed gives the same program on every platform.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../tools/program.hpp"

namespace checker::litmus {

// What programs may contain besides atomic accesses, fences, branches and choices.
struct random_features {
  bool asymmetric_fences = true;
  bool plain_data = true;
  bool mutexes = true;
};

// SplitMix64: the distributions of the standard library differ between implementations.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) : state_(seed) {}

  // Evenly from 0 .. n-1, but for a bias of n / 2^64.
  std::size_t below(std::size_t n) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % n);
  }
  bool percent(std::size_t chance) { return below(100) < chance; }

  template <class T>
  T pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::uint64_t state_;
};

class random_program_generator {
 public:
  random_program_generator(std::uint64_t seed, random_features features)
      : random_(seed), features_(features) {
    program_.name = "random " + std::to_string(seed);
  }

  program run() {
    style_ = pick_style();
    add_locations();
    const std::size_t threads = random_.percent(25) ? 2 : 3;
    if (is_cyclic()) {
      add_cycle(threads);
    } else {
      for (std::size_t t = 0; t < threads; ++t) add_thread(operations_of(t, threads));
    }
    return std::move(program_);
  }

 private:
  enum class style : std::uint8_t {
    seq_cst,             // cycles of seq_cst, release and acquire accesses
    fences,              // cycles of relaxed accesses with fences between them
    asymmetric,          // the same with light and heavy fences
    read_modify_writes,  // cycles in which most accesses are
    messages,            // cycles of release and acquire, branches on what was read, plain data
    any_order,           // what is drawn freely
    control,             // registers, branches, loops, choices
    mutex
  };

  style pick_style() {
    const std::size_t draw = random_.below(100);
    if (draw < 35) return style::seq_cst;
    if (draw < 52) return style::fences;
    if (draw < 64) return style::read_modify_writes;
    if (draw < 76) return style::messages;
    if (draw < 84 && features_.asymmetric_fences) return style::asymmetric;
    if (draw < 92) return style::control;
    if (draw < 95 && features_.mutexes) return style::mutex;
    return style::any_order;
  }

  bool is_cyclic() const {
    return style_ != style::any_order && style_ != style::control && style_ != style::mutex;
  }

  void add_locations() {
    atomic_locations_ = is_cyclic() ? 2 + random_.below(5) / 4 : 1 + random_.below(10) / 4;
    for (std::size_t l = 0; l < atomic_locations_; ++l) {
      program_.locations.push_back({std::string(1, "xyz"[l]), random_.percent(10), false, 1});
    }
    if (style_ == style::messages && features_.plain_data && random_.percent(60)) {
      program_.locations.push_back({"p", 0, true, 1});
    }
    if (style_ == style::mutex) program_.mutexes.push_back("m");
  }

  bool has_plain() const { return program_.locations.size() > atomic_locations_; }

  // ---- cycles ----

  // How an access of one thread is related to the next thread's access of the same location.
  struct link {
    std::uint32_t location;
    bool from_write;
    bool to_write;
    bool synchronises;  // from a release write to an acquire read
  };

  link random_link(std::uint32_t not_this) {
    link result{};
    result.location = static_cast<std::uint32_t>(random_.below(atomic_locations_));
    if (result.location == not_this && random_.percent(style_ == style::seq_cst ? 30 : 60)) {
      result.location = static_cast<std::uint32_t>((not_this + 1) % atomic_locations_);
    }
    const std::size_t draw = random_.below(100);
    result.from_write = draw < 60;  // reads-from or modification order
    result.to_write = draw >= 40;   // modification order or reads-before
    return result;
  }

  void add_cycle(std::size_t threads) {
    std::vector<link> links;
    for (std::size_t t = 0; t < threads; ++t) {
      links.push_back(random_link(links.empty() ? 0 : links.back().location));
    }
    spare_ = 9 - 2 * threads;  // operations besides two accesses for each thread
    if (style_ == style::seq_cst && random_.percent(60)) {
      link& relay = links[random_.below(threads)];
      relay.synchronises = relay.from_write = true;
      relay.to_write = false;
    }
    for (std::size_t t = 0; t < threads; ++t) {
      start_thread();
      add_links(links[(t + threads - 1) % threads], links[t]);
    }
  }

  // One thread of a cycle: where a link arrives, and where the next one leaves.
  void add_links(const link& in, const link& out) {
    std::vector<statement>& body = program_.threads.back().body;
    if (has_plain()) maybe_add_plain(body);
    const bool one = in.location == out.location && random_.percent(35);
    if (one) {
      add_access_to(body, in.location, !in.to_write || !out.from_write,
                    in.to_write || out.from_write);
      return maybe_repeat_location(body, in.location);
    }
    synchronising_ = in.synchronises;
    add_access_to(body, in.location, !in.to_write, in.to_write);
    synchronising_ = false;
    maybe_repeat_location(body, in.location);
    std::vector<statement>& rest = maybe_branch(body);
    if (spare_ > 0 && random_.percent(fence_chance())) {
      add_fence(rest);
      --spare_;
    }
    if (has_plain()) maybe_add_plain(rest);
    synchronising_ = out.synchronises;
    add_access_to(rest, out.location, !out.from_write, out.from_write);
    synchronising_ = false;
    maybe_repeat_location(rest, out.location);
  }

  void maybe_add_plain(std::vector<statement>& out) {
    if (spare_ == 0 || !random_.percent(40)) return;
    --spare_;
    add_plain(out);
  }

  // A second access of the same location: release sequences and same-location steps need one.
  void maybe_repeat_location(std::vector<statement>& out, std::uint32_t location) {
    const bool often = style_ == style::seq_cst || style_ == style::messages;
    if (spare_ == 0 || !random_.percent(often ? 35 : 20)) return;
    --spare_;
    const bool reads = random_.percent(50);
    add_access_to(out, location, reads, !reads);
    if (random_.percent(50)) weaken_last(out);
  }

  void weaken_last(std::vector<statement>& out) {
    out.back().order = std::memory_order_relaxed;
    out.back().value.order = std::memory_order_relaxed;
  }

  // The rest of a thread may depend on what was read last.
  std::vector<statement>& maybe_branch(std::vector<statement>& out) {
    const std::size_t chance = style_ == style::messages ? 50 : 8;
    if (out.empty() || out.back().kind != statement_kind::evaluate || !random_.percent(chance)) {
      return out;
    }
    name_register(out.back().target);
    expression read;
    read.kind = expression_kind::reg;
    read.value = out.back().target;
    out.emplace_back();
    statement& s = out.back();
    s.kind = statement_kind::branch;
    s.value = random_.percent(50)
                  ? std::move(read)
                  : binary(random_.percent(50) ? expression_kind::greater : expression_kind::equal,
                           std::move(read), constant(random_.below(3)));
    return s.body;
  }

  // The last register that was assigned gets a name, unless it has one.
  void name_register(std::uint32_t number) {
    std::string& name = program_.threads.back().registers[number];
    if (name[0] != '#') return;
    name = "r" + std::to_string(++named_);
    --anonymous_;
  }

  void add_access_to(std::vector<statement>& out, std::uint32_t location, bool reads, bool writes) {
    const std::size_t modifying = style_ == style::read_modify_writes ? 55 : 20;
    if ((reads && writes) || random_.percent(modifying)) {
      assign(out, read_modify_write());
      out.back().value.where.base = location;
    } else if (reads) {
      assign(out, load());
      out.back().value.where.base = location;
    } else {
      add_store(out);
      out.back().where.base = location;
    }
  }

  // ---- what is drawn freely ----

  // Nine operations in all; three threads have three at most.
  std::size_t operations_of(std::size_t thread, std::size_t threads) {
    if (threads == 3) return 1 + random_.below(3);
    return thread == 0 ? 2 + random_.below(4) : 1 + random_.below(4);
  }

  void start_thread() {
    program_.threads.emplace_back();
    named_ = 0;
    anonymous_ = 0;
    readable_.clear();
  }

  void add_thread(std::size_t operations) {
    start_thread();
    add_statements(program_.threads.back().body, operations);
  }

  void add_statements(std::vector<statement>& out, std::size_t operations) {
    while (operations > 0) operations -= add_statement(out, operations);
  }

  // Returns how many operations it has used up. A statement that holds others costs what they cost.
  std::size_t add_statement(std::vector<statement>& out, std::size_t left) {
    const std::size_t draw = random_.below(100);
    if (style_ == style::mutex && left >= 3 && draw < 60) return add_section(out);
    const std::size_t branches = style_ == style::control ? 35 : 8;
    if (draw < branches) return draw % 4 == 0 ? add_repeat(out, left) : add_branch(out, left);
    if (style_ == style::control && draw < branches + 15) {
      expression choice;
      choice.kind = expression_kind::choose;
      choice.value = 2 + random_.below(2);
      assign(out, std::move(choice));
    } else if (random_.percent(fence_chance())) {
      add_fence(out);
    } else {
      add_access(out);
    }
    return 1;
  }

  std::size_t fence_chance() const {
    switch (style_) {
      case style::fences:
      case style::asymmetric:
        return 75;
      case style::messages:
        return 30;
      default:
        return 12;
    }
  }

  void add_fence(std::vector<statement>& out) {
    out.emplace_back();
    statement& s = out.back();
    s.kind = statement_kind::fence;
    if (style_ == style::asymmetric && random_.percent(85)) {
      s.kind = random_.percent(50) ? statement_kind::light_fence : statement_kind::heavy_fence;
      return;
    }
    s.order = random_.percent(50)
                  ? std::memory_order_seq_cst
                  : random_.pick(std::vector{std::memory_order_acquire, std::memory_order_release,
                                             std::memory_order_acq_rel});
  }

  // lock m; one access; unlock m
  std::size_t add_section(std::vector<statement>& out) {
    out.emplace_back().kind = statement_kind::lock;
    add_access(out);
    out.emplace_back().kind = statement_kind::unlock;
    return 3;
  }

  std::size_t add_branch(std::vector<statement>& out, std::size_t left) {
    statement s;
    s.kind = statement_kind::branch;
    bool reads = false;
    s.value = condition(reads);
    std::size_t used = reads ? 1 : 0;
    const std::size_t inside =
        left > used ? 1 + random_.below(std::min<std::size_t>(2, left - used)) : 0;
    // A condition that has used up the last operation guards a fence, which is no access.
    if (inside == 0) return add_guarded_fence(out, std::move(s));
    add_body(s.body, inside);
    used += inside;
    if (left > used && random_.percent(30)) {
      add_body(s.otherwise, 1);
      ++used;
    }
    out.push_back(std::move(s));
    return used;
  }

  std::size_t add_guarded_fence(std::vector<statement>& out, statement s) {
    add_fence(s.body);
    out.push_back(std::move(s));
    return 1;
  }

  // What is assigned in a branch only is not read behind it: it might look like an unassigned
  // register.
  void add_body(std::vector<statement>& out, std::size_t operations) {
    const std::vector<std::uint32_t> outside = readable_;
    for (std::size_t i = 0; i < operations; ++i) add_access(out);
    readable_ = outside;
  }

  std::size_t add_repeat(std::vector<statement>& out, std::size_t left) {
    if (left < 2) {
      add_access(out);
      return 1;
    }
    statement s;
    s.kind = statement_kind::repeat;
    s.value = constant(2);
    add_body(s.body, 1);
    out.push_back(std::move(s));
    return 2;
  }

  expression condition(bool& reads) {
    expression result;
    reads = true;
    if (random_.percent(40) && !readable_.empty()) {
      reads = false;
      result = binary(expression_kind::equal, some_register(), constant(random_.below(3)));
    } else if (random_.percent(25)) {
      result = compare_exchange();
      result.yields_success = true;
    } else if (random_.percent(50)) {
      result = load();
    } else {
      const auto kind = random_.pick(std::vector{expression_kind::equal, expression_kind::greater,
                                                 expression_kind::not_equal});
      result = binary(kind, load(), constant(random_.below(3)));
    }
    return result;
  }

  void add_access(std::vector<statement>& out) {
    const std::size_t draw = random_.below(100);
    if (draw < 25) {
      assign(out, read_modify_write());
    } else if (draw < 62) {
      assign(out, load());
    } else {
      add_store(out);
    }
  }

  void add_store(std::vector<statement>& out) {
    out.emplace_back();
    statement& s = out.back();
    s.kind = statement_kind::store;
    s.where = somewhere();
    s.order =
        order_of({std::memory_order_relaxed, std::memory_order_release, std::memory_order_seq_cst});
    s.value = written_value();
  }

  void add_plain(std::vector<statement>& out) {
    place where;
    where.base = static_cast<std::uint32_t>(atomic_locations_);
    if (random_.percent(50)) {
      out.emplace_back();
      out.back().kind = statement_kind::store;
      out.back().plain = true;
      out.back().where = where;
      out.back().value = constant(1 + random_.below(2));
      return;
    }
    expression e;
    e.kind = expression_kind::load;
    e.plain = true;
    e.where = where;
    assign(out, std::move(e));
  }

  // Half of all values go to a register with a name, which later expressions may use.
  void assign(std::vector<statement>& out, expression value) {
    std::vector<std::string>& registers = program_.threads.back().registers;
    out.emplace_back();
    out.back().value = std::move(value);
    out.back().target = static_cast<std::uint32_t>(registers.size());
    if (random_.percent(50)) {
      readable_.push_back(out.back().target);
      registers.push_back("r" + std::to_string(++named_));
    } else {
      registers.push_back("#" + std::to_string(++anonymous_));
    }
  }

  // ---- expressions ----

  static expression constant(word value) {
    expression result;
    result.value = value;
    return result;
  }

  static expression binary(expression_kind kind, expression left, expression right) {
    expression result;
    result.kind = kind;
    result.operands.push_back(std::move(left));
    result.operands.push_back(std::move(right));
    return result;
  }

  expression some_register() {
    expression result;
    result.kind = expression_kind::reg;
    result.value = random_.pick(readable_);
    return result;
  }

  // Small values, so that some are written twice and compare-and-swaps succeed.
  expression written_value() {
    const std::size_t draw = random_.below(100);
    if (readable_.empty() || draw < 80) return constant(1 + random_.below(3));
    if (draw < 90) return some_register();
    return binary(expression_kind::add, some_register(), constant(1));
  }

  place somewhere() {
    place result;
    result.base = static_cast<std::uint32_t>(random_.below(atomic_locations_));
    return result;
  }

  expression load() {
    expression result;
    result.kind = expression_kind::load;
    result.where = somewhere();
    result.order =
        order_of({std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_seq_cst});
    return result;
  }

  expression read_modify_write() {
    const std::size_t draw = random_.below(10);
    if (draw < 4) return compare_exchange();
    expression result;
    result.kind = draw < 8 ? expression_kind::fetch_add : expression_kind::exchange;
    result.where = somewhere();
    result.order = modifying_order();
    result.operands.push_back(constant(1 + random_.below(2)));
    return result;
  }

  expression compare_exchange() {
    expression result;
    result.kind = expression_kind::compare_exchange;
    result.where = somewhere();
    result.order = modifying_order();
    result.failure_order =
        order_of({std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_seq_cst});
    result.operands.push_back(constant(random_.below(3)));
    result.operands.push_back(constant(1 + random_.below(3)));
    return result;
  }

  std::memory_order modifying_order() {
    return order_of({std::memory_order_relaxed, std::memory_order_acquire,
                     std::memory_order_release, std::memory_order_acq_rel,
                     std::memory_order_seq_cst});
  }

  // The first order is relaxed, the last one seq_cst.
  std::memory_order order_of(const std::vector<std::memory_order>& orders) {
    switch (style_) {
      case style::seq_cst:
        if (!synchronising_ && random_.percent(70)) return orders.back();
        return random_.percent(15) ? orders.front() : orders[1 + random_.below(orders.size() - 2)];
      case style::fences:
      case style::asymmetric:
        return random_.percent(80) ? orders.front() : random_.pick(orders);
      case style::messages:
        if (random_.percent(25)) return orders.front();
        return orders[1 + random_.below(orders.size() - 2)];
      default:
        return random_.pick(orders);
    }
  }

  random_source random_;
  random_features features_;
  style style_ = style::any_order;
  program program_;
  std::size_t atomic_locations_ = 0;
  bool synchronising_ = false;  // the next access is an end of a link that synchronises
  std::size_t spare_ = 0;
  std::size_t named_ = 0;
  std::size_t anonymous_ = 0;
  std::vector<std::uint32_t> readable_;  // registers that are assigned on every path to here
};

inline program random_program(std::uint64_t seed, random_features features = {}) {
  return random_program_generator(seed, features).run();
}

}  // namespace checker::litmus
