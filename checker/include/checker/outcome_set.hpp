// The outcomes of a search: all are counted, by 64-bit hashes in one flat table, and the texts of
// the first `kept_texts` are kept.
//
// Stands on: checkpoint.
#pragma once

#include "checkpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

class outcome_set {
 public:
  static constexpr std::size_t kept_texts = 100'000;

  void insert(std::string_view text) {
    if (insert_hash(hash_of(text)) && texts_.size() < kept_texts) texts_.emplace(text);
  }

  bool contains(std::string_view text) const { return texts_.contains(text); }

  // How many different ones.
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }

  // The texts that are kept, in order.
  auto begin() const noexcept { return texts_.begin(); }
  auto end() const noexcept { return texts_.end(); }

  void add(const outcome_set& other) {
    for (const std::uint64_t hash : other.table_) {
      if (hash != 0) insert_hash(hash);
    }
    for (const std::string& text : other.texts_) {
      if (texts_.size() < kept_texts) texts_.insert(text);
    }
  }

  // Their hashes, in no particular order.
  std::vector<std::uint64_t> hashes() const {
    std::vector<std::uint64_t> all;
    for (const std::uint64_t hash : table_) {
      if (hash != 0) all.push_back(hash);
    }
    return all;
  }

  void store(archive& file) {
    file(table_);
    file(count_);
    std::vector<std::string> texts(texts_.begin(), texts_.end());
    file(texts);
    texts_ = {texts.begin(), texts.end()};
  }

 private:
  // FNV-1a, and a last mix. Zero marks a free entry.
  static std::uint64_t hash_of(std::string_view text) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash ^= hash >> 32;
    hash *= 0x9e3779b97f4a7c15;
    return hash | 1;
  }

  bool insert_hash(std::uint64_t hash) {
    if (2 * (count_ + 1) > table_.size()) grow();
    std::uint64_t& entry = find(hash);
    if (entry == hash) return false;
    entry = hash;
    ++count_;
    return true;
  }

  std::uint64_t& find(std::uint64_t hash) noexcept {
    std::size_t i = hash >> 1;
    while (table_[i % table_.size()] != 0 && table_[i % table_.size()] != hash) ++i;
    return table_[i % table_.size()];
  }

  void grow() {
    std::vector<std::uint64_t> old(table_.empty() ? 64 : 2 * table_.size(), 0);
    old.swap(table_);
    for (const std::uint64_t hash : old) {
      if (hash != 0) find(hash) = hash;
    }
  }

  std::vector<std::uint64_t> table_;  // open addressing, half full at most
  std::size_t count_ = 0;
  std::set<std::string, std::less<>> texts_;
};

}  // namespace checker
