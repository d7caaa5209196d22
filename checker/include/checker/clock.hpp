// SPDX-License-Identifier: MIT
// Vector clocks: for each thread, how many of its events are known.
//
// A clock belongs to an event e and names a set of events that is closed under program order: event
// number i of thread t is in it if i < clock[t]. All clocks of a graph have the same number of
// lanes, a multiple of eight, so that joining two is a few vector instructions.
//
// Stands on: nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace checker {

class archive;

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

  // How many rows there is room for.
  std::size_t rows() const noexcept {
    return lanes_ == 0 ? 0 : rows_.size() / (lanes_ / block_lanes);
  }

  std::size_t lanes() const noexcept { return lanes_; }

  void store(archive& file);

  lane* operator[](std::size_t row) noexcept { return rows_[row * (lanes_ / block_lanes)].lanes; }
  const lane* operator[](std::size_t row) const noexcept {
    return rows_[row * (lanes_ / block_lanes)].lanes;
  }

  // Block by block: almost always there is one, and a call would cost more.
  void clear(lane* clock) const noexcept {
    for (std::size_t i = 0; i != lanes_; i += block_lanes) store_block(clock + i, vector{});
  }

  void copy(lane* to, const lane* from) const noexcept {
    for (std::size_t i = 0; i != lanes_; i += block_lanes)
      store_block(to + i, load_block(from + i));
  }

  // to becomes the union of both.
  void join(lane* to, const lane* from) const noexcept {
    for (std::size_t i = 0; i != lanes_; i += block_lanes) {
      const vector a = load_block(to + i);
      const vector b = load_block(from + i);
      store_block(to + i, a > b ? a : b);
    }
  }

  // Takes the first rows of another table of as many threads; there must be room for them.
  void copy_rows(const clock_table& from, std::size_t rows) {
    const std::size_t blocks = rows * (lanes_ / block_lanes);
    std::copy_n(from.rows_.begin(), blocks, rows_.begin());
  }

 private:
  static constexpr std::size_t block_lanes = 8;
  using vector [[gnu::vector_size(block_lanes * sizeof(lane))]] = lane;

  static vector load_block(const lane* from) noexcept {
    vector loaded;
    std::memcpy(&loaded, from, sizeof loaded);
    return loaded;
  }
  static void store_block(lane* to, vector stored) noexcept {
    std::memcpy(to, &stored, sizeof stored);
  }

  struct alignas(16) block {
    lane lanes[block_lanes];
  };

  std::vector<block> rows_;
  std::size_t lanes_ = 0;
};

}  // namespace checker
