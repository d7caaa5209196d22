// SPDX-License-Identifier: MIT
// The memory of one execution: what the program allocates through its policy.
//
// Each thread allocates from a region of its own and never gives anything back before the execution
// ends. So the address of a block depends only on what its thread allocated before, and is the same
// in every execution that has this prefix: a pointer can be the value of an event. The regions lie
// at a fixed address, if it is free, so that a pointer has the same value in every process.
//
// Stands on: POSIX memory mapping.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0
#endif

namespace checker {

class arena {
 public:
  static constexpr std::size_t region_bytes = std::size_t{1} << 26;

  explicit arena(unsigned regions) : bytes_(regions * region_bytes), used_(regions, 0) {
    void* const wish = reinterpret_cast<void*>(std::uintptr_t{0x5000'0000'0000});
    constexpr int protection = PROT_READ | PROT_WRITE;
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void* got = ::mmap(wish, bytes_, protection, flags | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) got = ::mmap(nullptr, bytes_, protection, flags, -1, 0);
    if (got == MAP_FAILED) {
      std::perror("checker: no memory for the executions");
      std::exit(2);
    }
    base_ = static_cast<std::byte*>(got);
  }
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() { ::munmap(base_, bytes_); }

  void reset() noexcept {
    for (std::size_t& each : used_) each = 0;
  }

  // Null if the region is full.
  void* allocate(unsigned region, std::size_t size, std::size_t alignment) noexcept {
    std::size_t& used = used_[region];
    const std::size_t start = (used + alignment - 1) / alignment * alignment;
    if (start > region_bytes || size > region_bytes - start) return nullptr;
    used = start + size;
    return base_ + region * region_bytes + start;
  }

  // What the program has in it: equal for equal contents.
  std::uint64_t contents() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t region = 0; region != used_.size(); ++region) {
      const std::byte* const start = base_ + region * region_bytes;
      for (std::size_t i = 0; i < used_[region]; i += sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, start + i, sizeof word);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15;
        sum ^= sum >> 29;
      }
    }
    return sum;
  }

  // What has been allocated of a region.
  const std::byte* start_of(unsigned region) const noexcept {
    return base_ + region * region_bytes;
  }
  std::size_t used_of(unsigned region) const noexcept { return used_[region]; }

  bool holds(const void* address) const noexcept {
    return address >= base_ && address < base_ + bytes_;
  }

  // The same for a pointer into the arena wherever it lies.
  std::uint64_t canonical(std::uint64_t value) const noexcept {
    const auto start = reinterpret_cast<std::uintptr_t>(base_);
    return value - start < bytes_ ? value - start + 0x5'0000'0000'0000 : value;
  }

 private:
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
  std::vector<std::size_t> used_;
};

}  // namespace checker
