// SPDX-License-Identifier: MIT
// Loops that wait, although nothing says so.
//
// A thread comes to the same call twice, with the same arguments, registers and stack. What it has
// done in between, its turn, is one without effect, and may be left out of every execution in which
// it makes another, if no thread can tell the difference:
//
// - It stands as it stood: all that it goes on with are registers, its stack, and memory. Of other
//   memory than its stack, each byte that it has written plainly is as it was before it did so
//   first. So it goes on as it did before, as long as it reads the same; and what it reads the next
//   time it could have read the first time.
// - What it wrote atomically is as it was, too, and nobody else has read it on the way; or who has
//   makes a turn in vain, too. Who reads the last of it reads the value that was there before
//   (`leaves_no_trace` in the engine).
// - What it wrote plainly others see only if they read what it wrote atomically behind that, or
//   else there is a data race, which is found where it is. So of all that it wrote atomically while
//   plain memory was not as it was, between its first plain write and its last, others have read
//   nothing, not even the last of it.
//
// What a turn does of other kinds is not looked at, but taken for an effect: it starts or joins a
// thread, allocates or frees, asks for the time or for a random number, makes a choice.
//
// Then the thread is blocked until it reads something else, as in an await. Whether others have
// read what it wrote is known only when they have come to their ends, or wait: then it goes on if
// one of them has.
#include "runtime.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker::runtime {

namespace {

struct arrival {
  std::uint64_t low, high;
  std::uint32_t position;
  std::uint32_t writes;  // how many there were
};

// A plain write of some of the bits of a word, and what was there before.
struct plain_write {
  const std::uint64_t* word;
  std::uint64_t bits;
  std::uint64_t before;
  std::uint32_t position;  // in the time of the thread
};

// Of each thread, since it has last done something that is not noted here.
struct history {
  std::vector<arrival> arrivals;
  std::vector<plain_write> writes;

  void forget() noexcept {
    arrivals.clear();
    writes.clear();
  }

  // Whether what was written since is as it was: of all writes of a bit the first one tells.
  bool is_as_it_was(std::uint32_t since) const noexcept {
    const auto begin = writes.begin() + since;
    for (auto each = begin; each != writes.end(); ++each) {
      std::uint64_t first = each->bits;
      for (auto earlier = begin; earlier != each; ++earlier) {
        if (earlier->word == each->word) first &= ~earlier->bits;
      }
      if (((*each->word ^ each->before) & first) != 0) return false;
    }
    return true;
  }
};
history histories[most_threads];
constexpr std::size_t most_arrivals = 64;
constexpr std::size_t most_writes = 128;
constexpr std::size_t largest_write = 64;

// Where a wild pointer leads the program itself is to fault. The rest is the C library's.
bool is_of_program(address at, std::size_t size) noexcept {
  constexpr address image_begin = 0x400000;  // of a program that is not moved
  return (at >= image_begin && at + size <= low_end) ||
         (at >= heap_begin && at + size <= fixed_end);
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
  using wide = __uint128_t;
  const auto product = static_cast<wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xbf58476d1ce4e5b9);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

struct two_words {
  std::uint64_t low, high;
};

// Of the registers, the arguments, and the stack from the return address up: the caller's frame,
// and those of its callers. In four lanes, so that no multiplication waits for the one before: the
// stack is most of the work at an atomic operation.
two_words hash_of(const standing& at, const call_arguments& with) noexcept {
  const auto add = [](std::uint64_t& lane, std::uint64_t word) {
    lane = (std::rotl(lane, 27) ^ word) * 0x9e3779b97f4a7c15;
  };
  std::uint64_t a = mixed(at.rbx, at.rbp);
  std::uint64_t b = mixed(at.r12, at.r13);
  std::uint64_t c = mixed(at.r14, at.r15) + address_of(at.rsp);
  std::uint64_t d = mixed(with.object, with.value) + with.expected;
  const auto* const end = reinterpret_cast<const std::uint64_t*>(engine::stack_end());
  const std::uint64_t* word = at.rsp;
  for (; end - word >= 4; word += 4) {
    add(a, word[0]);
    add(b, word[1]);
    add(c, word[2]);
    add(d, word[3]);
  }
  for (; word < end; ++word) add(a, *word);
  return {mixed(a, b) + mixed(c, d), mixed(a + d, c) ^ mixed(b, a ^ d)};
}

}  // namespace

bool arrive(const standing& at, std::uint32_t position, const call_arguments& with) {
  if (!look_for_turns) return false;
  bool stood_here = false;
  history& own = histories[known().thread];
  const auto [low, high] = hash_of(at, with);
  auto& seen = own.arrivals;
  // The longest turn first: of a loop that has gone round more than once all may be in vain.
  for (std::size_t i = 0; i != seen.size(); ++i) {
    if (seen[i].low != low || seen[i].high != high) continue;
    if (!own.is_as_it_was(seen[i].writes)) continue;
    stood_here = stood_here || seen[i].position == position;
    engine::span changed{};
    if (seen[i].writes != own.writes.size()) {
      changed = {own.writes[seen[i].writes].position, own.writes.back().position};
    }
    const bool was_seen = engine::block_turn(seen[i].position, changed);
    operation_done();
    if (!was_seen) continue;
    // By others: then what came after is a turn of its own.
    seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  if (seen.size() == most_arrivals) seen.erase(seen.begin(), seen.begin() + most_arrivals / 2);
  seen.push_back({low, high, position, static_cast<std::uint32_t>(own.writes.size())});
  return stood_here;
}

void something_changed() noexcept {
  if (concurrent) histories[known().thread].forget();
}

void note_change(address at, std::size_t size) {
  const engine::knowledge& now = known();
  history& own = histories[now.thread];
  if (own.arrivals.empty()) return;
  if (size > largest_write || own.writes.size() >= most_writes || !is_of_program(at, size)) {
    own.forget();
    return;
  }
  const address end = at + size;
  for (address word = at & ~address{7}; word < end; word += 8) {
    std::uint64_t bits = ~std::uint64_t{0};
    if (word < at) bits <<= 8 * (at - word);
    if (word + 8 > end) bits &= ~std::uint64_t{0} >> 8 * (word + 8 - end);
    const auto* const memory = reinterpret_cast<const std::uint64_t*>(word);
    own.writes.push_back({memory, bits, *memory, now.position});
  }
}

void reset_standing(unsigned thread) { histories[thread].forget(); }

}  // namespace checker::runtime
