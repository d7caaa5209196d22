// What the process holds of the machine's memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace pool_bench {

// Resident pages in bytes, as the kernel counts them.
inline std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace pool_bench
