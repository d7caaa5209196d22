// SPDX-License-Identifier: MIT
// The outcomes of a search: all are counted, by 64-bit hashes in one flat table, and the texts of
// the first `kept_texts` are kept.
//
// Stands on: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

class archive;

class outcome_set {
 public:
  static constexpr std::size_t kept_texts = 100'000;

  void insert(std::string_view text);

  bool contains(std::string_view text) const { return texts_.contains(text); }

  // How many different ones.
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }

  // The texts that are kept, in order.
  auto begin() const noexcept { return texts_.begin(); }
  auto end() const noexcept { return texts_.end(); }

  void add(const outcome_set& other);

  // Their hashes, in no particular order.
  std::vector<std::uint64_t> hashes() const;

  void store(archive& file);

 private:
  static std::uint64_t hash_of(std::string_view text) noexcept;
  bool insert_hash(std::uint64_t hash);
  std::uint64_t& find(std::uint64_t hash) noexcept;
  void grow();

  std::vector<std::uint64_t> table_;  // open addressing, half full at most
  std::size_t count_ = 0;
  std::set<std::string, std::less<>> texts_;
};

}  // namespace checker
