// SPDX-License-Identifier: MIT
// Loops that wait, although nothing says so: a thread that comes back to a call with the same
// registers and the same stack, and has changed nothing else in between, will go on as it has, as
// long as it reads the same. It is blocked until it reads something else, as in an await. Memory that
// it has written is not changed if all of it is as it was, such as a member that keeps what was read
// last.
#include "runtime.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace checker::runtime {

namespace {

struct arrival {
  std::uint64_t low, high;
  std::uint32_t position;
  std::uint32_t writes;  // how many there were
};

// A plain write, and what was there before.
struct written {
  address at;
  std::uint32_t size;
  std::uint64_t before;

  bool is_as_before() const noexcept {
    return std::memcmp(reinterpret_cast<const void*>(at), &before, size) == 0;
  }
};

// Since the thread has last changed what is not noted.
std::vector<arrival> arrivals[most_threads];
std::vector<written> writes[most_threads];
constexpr std::size_t most_arrivals = 64;
constexpr std::size_t most_writes = 64;

// Whether what a thread has written since then is as it was.
bool is_as_it_was(unsigned thread, std::uint32_t first) noexcept {
  const auto& all = writes[thread];
  const auto begin = all.begin() + first;
  for (auto each = begin; each != all.end(); ++each) {
    // Of several writes to the same memory the first one tells.
    const bool again = std::any_of(begin, each, [&](const written& earlier) {
      return earlier.at == each->at && earlier.size == each->size;
    });
    if (!again && !each->is_as_before()) return false;
  }
  return true;
}

// Where a wild pointer leads the program itself is to fault.
bool is_of_program(address at) noexcept {
  constexpr address image_begin = 0x400000;  // of a program that is not moved
  return (at >= image_begin && at < low_end) || at - heap_begin < fixed_end - heap_begin;
}

void forget(unsigned thread) noexcept {
  arrivals[thread].clear();
  writes[thread].clear();
}

std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ typedef unsigned __int128 wide;
  const auto product = static_cast<wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xbf58476d1ce4e5b9);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

bool arrive(const standing& at, std::uint32_t position) {
  if (!look_for_turns) return false;
  bool stood_here = false;
  const engine::knowledge& now = known();
  const auto* const end = reinterpret_cast<const std::uint64_t*>(engine::stack_end());
  std::uint64_t low = mixed(at.rbx, at.rbp) + mixed(at.r12, at.r13);
  std::uint64_t high = mixed(at.r14, at.r15) + address_of(at.rsp);
  // From the return address up: the caller's frame, and those of its callers.
  for (const std::uint64_t* word = at.rsp; word + 1 < end; word += 2) {
    low = mixed(low ^ word[0], word[1]);
    high = (high + word[0]) * 0x94d049bb133111eb ^ word[1];
    high ^= high >> 29;
  }
  auto& seen = arrivals[now.thread];
  // The longest turn first: of a loop that has gone round more than once all may be in vain.
  for (std::size_t i = 0; i != seen.size(); ++i) {
    if (seen[i].low != low || seen[i].high != high) continue;
    if (!is_as_it_was(now.thread, seen[i].writes)) continue;
    stood_here = stood_here || seen[i].position == position;
    const bool was_seen = engine::block_turn(seen[i].position);
    operation_done();
    if (!was_seen) continue;
    // By others: then what came after is a turn of its own.
    seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  if (seen.size() == most_arrivals) seen.erase(seen.begin(), seen.begin() + most_arrivals / 2);
  seen.push_back({low, high, position, static_cast<std::uint32_t>(writes[now.thread].size())});
  return stood_here;
}

void something_changed() noexcept {
  if (concurrent) forget(known().thread);
}

void note_change(address at, std::size_t size) {
  const unsigned thread = known().thread;
  if (arrivals[thread].empty()) return;
  if (size > 4 * sizeof(std::uint64_t) || writes[thread].size() >= most_writes ||
      !is_of_program(at)) {
    forget(thread);
    return;
  }
  while (size != 0) {
    const std::size_t part = std::min(size, sizeof(std::uint64_t));
    written added{at, static_cast<std::uint32_t>(part), 0};
    std::memcpy(&added.before, reinterpret_cast<const void*>(at), part);
    writes[thread].push_back(added);
    at += part;
    size -= part;
  }
}

void reset_standing(unsigned thread) { forget(thread); }

}  // namespace checker::runtime
