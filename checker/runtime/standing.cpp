// SPDX-License-Identifier: MIT
// Loops that wait, although nothing says so: a thread that comes back to a call with the same
// registers and the same stack, and has changed nothing else in between, will go on as it has, as
// long as it reads the same. It is blocked until it reads something else, as in an await.
#include "runtime.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker::runtime {

namespace {

struct arrival {
  std::uint64_t low, high;
  std::uint32_t position;
};

// Since the thread has last changed something.
std::vector<arrival> arrivals[most_threads];
constexpr std::size_t most_arrivals = 64;

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
    stood_here = stood_here || seen[i].position == position;
    const bool was_seen = engine::block_turn(seen[i].position);
    operation_done();
    if (!was_seen) continue;
    // By others: then what came after is a turn of its own.
    seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
    break;
  }
  if (seen.size() == most_arrivals) seen.erase(seen.begin(), seen.begin() + most_arrivals / 2);
  seen.push_back({low, high, position});
  return stood_here;
}

void something_changed() noexcept {
  if (concurrent) arrivals[known().thread].clear();
}

void reset_standing(unsigned thread) { arrivals[thread].clear(); }

}  // namespace checker::runtime
