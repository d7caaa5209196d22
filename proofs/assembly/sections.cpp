// SPDX-License-Identifier: MIT
// The six sections, each inlined into a function as into a user's. Each compiler makes an object of
// this, and compare.py runs what it has made.
#include <poolproof/rseq.hpp>

namespace {

using namespace poolproof;
using sections = machine_sections;

static_assert(sections::compiled, "this target has no sections");

// What a near_shards is to a section. surroundings.cpp fills a real one.
class near {
 public:
  using item_type = int;

  const std::atomic<void*>& first_word() const noexcept { return first_; }
  const std::atomic<std::uint32_t>& reach_word() const noexcept { return reach_; }

 private:
  std::atomic<void*> first_{nullptr};
  std::atomic<std::uint32_t> reach_{0};
};

}  // namespace

extern "C" {

int* section_take(const near& shards) { return sections::take(shards); }
int* section_loan(const near& shards) { return sections::loan(shards); }
std::uint32_t section_take_some(const near& shards, int** out, std::uint32_t room) {
  return sections::take_some(shards, out, room);
}
bool section_give(const near& shards, int* item) { return sections::give(shards, item); }
bool section_hand_back(const near& shards, int* item) { return sections::hand_back(shards, item); }
std::uint32_t section_give_some(const near& shards, int* const* items, std::uint32_t count) {
  return sections::give_some(shards, items, count);
}

}  // extern "C"
