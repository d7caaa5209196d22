// SPDX-License-Identifier: MIT
// What the process holds of the machine's memory.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <vector>

namespace pool_bench {

inline std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// Resident pages in bytes, as the kernel counts them.
inline std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * page_size();
}

// How many pages of a block are resident; none if it is not mapped.
inline std::size_t resident_pages(void* block, std::size_t size) {
  const std::size_t before = reinterpret_cast<std::uintptr_t>(block) % page_size();
  std::vector<unsigned char> pages((before + size + page_size() - 1) / page_size());
  if (::mincore(static_cast<char*>(block) - before, before + size, pages.data()) != 0) return 0;
  const auto resident = [](unsigned char page) { return (page & 1) != 0; };
  return static_cast<std::size_t>(std::count_if(pages.begin(), pages.end(), resident));
}

}  // namespace pool_bench
