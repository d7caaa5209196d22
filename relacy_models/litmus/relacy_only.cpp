// SPDX-License-Identifier: MIT
// Faults and counts that only Relacy has: what it replaces operator new for, what it says of its
// own objects, and how its random search fares. The checker is not compiled with them.

#include <poolproof/sync.hpp>

#include "faults.hpp"

#include <memory>
#include <new>

namespace poolproof::models {
namespace {

struct leak_of_aligned_object : one_thread_model {
  static model_info info() {
    return must_fail("a leaked object of an over-aligned type is found", "new",
                     failure::memory_leak);
  }
  void run() override { leaked_ = std::make_unique<aligned_bytes>().release(); }

 private:
  struct alignas(128) aligned_bytes {
    char bytes[128];
  };

  aligned_bytes* leaked_ = nullptr;
};

struct double_delete_of_aligned_object : one_thread_model {
  static model_info info() {
    return must_fail("an over-aligned object that is deleted twice is found", "new, delete, delete",
                     failure::double_free);
  }
  void run() override {
    // Volatile, so that the compiler does not see the fault before Relacy does.
    void* volatile const memory = ::operator new (128, std::align_val_t{128});
    ::operator delete (memory, std::align_val_t{128});
    ::operator delete (memory, std::align_val_t{128});
  }
};

struct leak_of_atomic : one_thread_model {
  static model_info info() {
    return must_fail("an atomic that is never destroyed is found", "construct in freed memory",
                     failure::resource_leak);
  }
  void run() override {
    aligned_word* const block = create_block();
    sync::deallocate(block, sizeof(aligned_word), alignof(aligned_word));
  }
};

// Without a policy: what Relacy itself says of an object that it knows and nobody has written.
struct uninitialised_read : one_thread_model {
  static model_info info() {
    return must_fail("a read of a word that nobody has written is found", "load",
                     failure::uninitialised_access);
  }
  void run() override { word_.load(rl::mo_relaxed, info_of(call_site::here())); }

 private:
  rl::atomic<std::uint32_t> word_;
};

struct endless_loop : one_thread_model {
  static model_info info() {
    return must_fail("a loop that never ends is found", "wait for nobody", failure::livelock);
  }
  void run() override {
    while (word_.load(relaxed) == 0) sync::yield();
  }

 private:
  word word_;
};

// Two programs with far more schedules than a poor generator finds. A random search of them must
// see nearly as many different ones as it has iterations.
template <unsigned Threads, unsigned Operations>
struct schedules : model {
  static model_info many(std::uint64_t iterations, std::uint64_t least_distinct) {
    return {.property = "a random search hardly repeats itself",
            .threads = Threads,
            .bound = "fetch_adds of one word",
            .search = random_search(iterations),
            .least_distinct = least_distinct};
  }
  void thread(unsigned) override {
    for (unsigned i = 0; i < Operations; ++i) word_.fetch_add(1, relaxed);
  }

 private:
  word word_;
};

struct distinct_schedules_of_2 : schedules<2, 16> {
  static model_info info() { return many(50'000, 49'000); }
};

struct distinct_schedules_of_4 : schedules<4, 5> {
  static model_info info() { return many(400'000, 390'000); }
};

// And with fewer than it is asked for: the count is a count of different ones.
struct few_schedules : schedules<2, 2> {
  static model_info info() {
    model_info info = many(1'000, 1'000);
    info.property = "schedules that repeat are not counted twice";
    info.expected = failure::few_schedules;
    return info;
  }
};

const registered<leak_of_aligned_object, double_delete_of_aligned_object, leak_of_atomic,
                 uninitialised_read, endless_loop, distinct_schedules_of_2, distinct_schedules_of_4,
                 few_schedules>
    registration;

}  // namespace
}  // namespace poolproof::models
