// SPDX-License-Identifier: MIT
#include <checker/outcome_set.hpp>

#include <checker/checkpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

void outcome_set::insert(std::string_view text) {
  if (insert_hash(hash_of(text)) && texts_.size() < kept_texts) texts_.emplace(text);
}

void outcome_set::add(const outcome_set& other) {
  for (const std::uint64_t hash : other.table_) {
    if (hash != 0) insert_hash(hash);
  }
  for (const std::string& text : other.texts_) {
    if (texts_.size() < kept_texts) texts_.insert(text);
  }
}

std::vector<std::uint64_t> outcome_set::hashes() const {
  std::vector<std::uint64_t> all;
  for (const std::uint64_t hash : table_) {
    if (hash != 0) all.push_back(hash);
  }
  return all;
}

void outcome_set::store(archive& file) {
  file(table_);
  file(count_);
  std::vector<std::string> texts(texts_.begin(), texts_.end());
  file(texts);
  texts_ = {texts.begin(), texts.end()};
}

// FNV-1a, and a last mix. Zero marks a free entry.
std::uint64_t outcome_set::hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash ^= hash >> 32;
  hash *= 0x9e3779b97f4a7c15;
  return hash | 1;
}

bool outcome_set::insert_hash(std::uint64_t hash) {
  if (2 * (count_ + 1) > table_.size()) grow();
  std::uint64_t& entry = find(hash);
  if (entry == hash) return false;
  entry = hash;
  ++count_;
  return true;
}

std::uint64_t& outcome_set::find(std::uint64_t hash) noexcept {
  std::size_t i = hash >> 1;
  while (table_[i % table_.size()] != 0 && table_[i % table_.size()] != hash) ++i;
  return table_[i % table_.size()];
}

void outcome_set::grow() {
  std::vector<std::uint64_t> old(table_.empty() ? 64 : 2 * table_.size(), 0);
  old.swap(table_);
  for (const std::uint64_t hash : old) {
    if (hash != 0) find(hash) = hash;
  }
}

}  // namespace checker
