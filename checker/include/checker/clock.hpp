// Vector clocks: for each thread, how many of its events are known.
//
// A clock belongs to an event e and names a set of events that is closed under program order: event
// number i of thread t is in it if i < clock[t]. All clocks of a graph have the same number of
// lanes, a multiple of eight, so that joining two is a few vector instructions.
//
// Stands on: checkpoint.
#pragma once

#include "checkpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace checker {

class clock_table {
 public:
  using lane = std::uint16_t;

  explicit clock_table(unsigned threads = 0) { reset(threads); }

  void reset(unsigned threads) { lanes_ = (threads + block_lanes - 1) / block_lanes * block_lanes; }

  // Makes room for so many rows. It never shrinks: what a row held stays until it is written.
  void reserve(std::size_t rows) {
    const std::size_t blocks = rows * (lanes_ / block_lanes);
    if (blocks > rows_.size()) rows_.resize(2 * blocks + 64);
  }

  std::size_t lanes() const noexcept { return lanes_; }

  void store(archive& file) { file(rows_); }

  lane* operator[](std::size_t row) noexcept { return rows_[row * (lanes_ / block_lanes)].lanes; }
  const lane* operator[](std::size_t row) const noexcept {
    return rows_[row * (lanes_ / block_lanes)].lanes;
  }

  void clear(lane* clock) const noexcept { std::memset(clock, 0, lanes_ * sizeof(lane)); }

  void copy(lane* to, const lane* from) const noexcept {
    std::memcpy(to, from, lanes_ * sizeof(lane));
  }

  // to becomes the union of both.
  void join(lane* to, const lane* from) const noexcept {
    for (std::size_t i = 0; i != lanes_; i += block_lanes) {
      vector a, b;
      std::memcpy(&a, to + i, sizeof a);
      std::memcpy(&b, from + i, sizeof b);
      a = a > b ? a : b;
      std::memcpy(to + i, &a, sizeof a);
    }
  }

 private:
  static constexpr std::size_t block_lanes = 8;
  typedef lane vector __attribute__((vector_size(block_lanes * sizeof(lane))));
  struct alignas(16) block {
    lane lanes[block_lanes];
  };

  std::vector<block> rows_;
  std::size_t lanes_ = 0;
};

}  // namespace checker
