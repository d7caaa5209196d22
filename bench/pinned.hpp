// SPDX-License-Identifier: MIT
// A thread that stays on one CPU.
//
// Stands on: Linux.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <cstddef>
#include <vector>

namespace pool_bench {

// Keeps the calling thread on one CPU of those that the process may use.
class pinned {
 public:
  explicit pinned(std::size_t index) {
    pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpus()[index % cpus().size()], &only);
    pthread_setaffinity_np(pthread_self(), sizeof only, &only);
  }
  ~pinned() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

  // Those of the process; the first call is before anything is pinned.
  static const std::vector<std::size_t>& cpus() {
    static const std::vector<std::size_t> found = [] {
      cpu_set_t allowed;
      pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed);
      std::vector<std::size_t> all;
      for (std::size_t each = 0; each < CPU_SETSIZE; ++each)
        if (CPU_ISSET(each, &allowed)) all.push_back(each);
      return all;
    }();
    return found;
  }

 private:
  cpu_set_t before_;
};

}  // namespace pool_bench
