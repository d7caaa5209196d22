// Programs with a fault that must be found: each model here passes by failing in exactly the way
// that it names. They test the engine, and the flags that it is compiled with.

#include <poolproof/sync.hpp>

#include "../model.hpp"

#include <memory>
#include <new>
#include <stdexcept>

namespace poolproof::models {
namespace {

using word = relacy_sync::atomic<std::uint32_t>;

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

model_info must_fail(std::string_view property, std::string_view bound, failure expected) {
  return {.property = property, .threads = 2, .bound = bound, .expected = expected};
}

// As big and as aligned as a shard.
struct alignas(128) aligned_word {
  word value;
};

aligned_word* create_block() {
  return ::new (relacy_sync::allocate(sizeof(aligned_word), alignof(aligned_word))) aligned_word;
}

void destroy_block(aligned_word* block) {
  block->~aligned_word();
  relacy_sync::deallocate(block, sizeof(aligned_word), alignof(aligned_word));
}

// Most faults need only one thread; Relacy runs no fewer than two.
class one_thread_model : public model {
 public:
  void thread(unsigned index) final {
    if (index == 0) run();
  }

 protected:
  virtual void run() = 0;
};

struct leak_of_aligned_block : one_thread_model {
  static model_info info() {
    return must_fail("a leaked 128-byte aligned block is found", "allocate", failure::memory_leak);
  }
  void run() override {
    void* const memory = relacy_sync::allocate(sizeof(aligned_word), alignof(aligned_word));
    require(reinterpret_cast<std::uintptr_t>(memory) % 128 == 0, "allocate aligns");
  }
};

struct double_free_of_aligned_block : one_thread_model {
  static model_info info() {
    return must_fail("a 128-byte aligned block that is freed twice is found",
                     "allocate, deallocate, deallocate", failure::double_free);
  }
  void run() override {
    void* const memory = relacy_sync::allocate(sizeof(aligned_word), alignof(aligned_word));
    relacy_sync::deallocate(memory, sizeof(aligned_word), alignof(aligned_word));
    relacy_sync::deallocate(memory, sizeof(aligned_word), alignof(aligned_word));
  }
};

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
    relacy_sync::deallocate(block, sizeof(aligned_word), alignof(aligned_word));
  }
};

struct use_after_free : one_thread_model {
  static model_info info() {
    return must_fail("an atomic in freed memory is not usable", "deallocate, load",
                     failure::freed_memory);
  }
  void run() override {
    aligned_word* const block = create_block();
    destroy_block(block);
    block->value.load(relaxed);
  }
};

// The memory stays, so only what the destructor leaves behind can tell: see -fno-lifetime-dse.
struct use_after_destruction : one_thread_model {
  static model_info info() {
    return must_fail("an atomic is not usable after its destruction", "destroy, load",
                     failure::freed_memory);
  }
  void run() override {
    alignas(word) std::byte memory[sizeof(word)];
    word* const object = ::new (memory) word;
    object->~word();
    object->load(relaxed);
  }
};

struct use_before_construction : one_thread_model {
  static model_info info() {
    return must_fail("an atomic in raw memory is not usable", "allocate, load",
                     failure::freed_memory);
  }
  void run() override {
    memory_ = relacy_sync::allocate(sizeof(aligned_word), alignof(aligned_word));
    static_cast<aligned_word*>(memory_)->value.load(relaxed);
  }

 private:
  void* memory_ = nullptr;
};

struct wild_pointer : one_thread_model {
  static model_info info() {
    return must_fail("a crash is reported with its interleaving", "read through raw memory",
                     failure::freed_memory);
  }
  void run() override {
    memory_ = relacy_sync::allocate(sizeof(char*), alignof(char*));
    const volatile char* const wild = *static_cast<char**>(memory_);
    static_cast<void>(*wild);
  }

 private:
  void* memory_ = nullptr;
};

// Without relacy_sync: what Relacy itself says of an object that it knows and nobody has written.
struct uninitialised_read : one_thread_model {
  static model_info info() {
    return must_fail("a read of a word that nobody has written is found", "load",
                     failure::uninitialised_access);
  }
  void run() override { word_.load(rl::mo_relaxed, info_of(call_site::here())); }

 private:
  rl::atomic<std::uint32_t> word_;
};

struct race_on_var : model {
  static model_info info() {
    return must_fail("two threads that write the same plain data are found", "write || write",
                     failure::data_race);
  }
  void thread(unsigned index) override { plain_.set(index); }

 private:
  relacy_sync::var<std::uint32_t> plain_;
};

// The next three run in an order in which nothing goes wrong: the reader is done when the memory is
// freed, and the object is constructed when it is read. Only the happens-before is missing.

struct free_after_unordered_read : model {
  static model_info info() {
    return must_fail("an atomic that is freed without an order after its last use is found",
                     "load, W.rlx done || if R.rlx done: free", failure::data_race);
  }
  ~free_after_unordered_read() override {
    if (block_ != nullptr) destroy_block(block_);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      block_->value.load(relaxed);
      done_.store(1, relaxed);
    } else if (done_.load(relaxed) == 1) {
      destroy_block(std::exchange(block_, nullptr));
    }
  }

 private:
  aligned_word* block_ = create_block();
  word done_;
};

struct destruction_after_unordered_read : model {
  static model_info info() {
    return must_fail("plain data that is destroyed without an order after its last read is found",
                     "read, W.rlx done || if R.rlx done: destroy", failure::data_race);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      plain_->get();
      done_.store(1, relaxed);
    } else if (done_.load(relaxed) == 1) {
      plain_.reset();
    }
  }

 private:
  std::unique_ptr<relacy_sync::var<std::uint32_t>> plain_ =
      std::make_unique<relacy_sync::var<std::uint32_t>>(1u);
  word done_;
};

struct unordered_publication : model {
  static model_info info() {
    return must_fail("an atomic that is used without an order after its construction is found",
                     "construct, W.rlx pointer || R.acq pointer, load", failure::data_race);
  }
  ~unordered_publication() override { destroy_block(published_.load(relaxed)); }
  void thread(unsigned index) override {
    if (index == 0) {
      published_.store(create_block(), relaxed);
    } else if (aligned_word* const block = published_.load(acquire)) {
      block->value.load(relaxed);
    }
  }

 private:
  relacy_sync::atomic<aligned_word*> published_;
};

struct failed_assertion : model {
  static model_info info() {
    return must_fail("a false condition is found in the interleaving that makes it false",
                     "W.rel || R.acq", failure::assertion);
  }
  void thread(unsigned index) override {
    if (index == 0) {
      word_.store(1, release);
    } else {
      require(word_.load(acquire) == 0, "nobody has written");
    }
  }

 private:
  word word_;
};

struct escaped_exception : one_thread_model {
  static model_info info() {
    return must_fail("an exception that leaves a thread is found", "throw", failure::assertion);
  }
  void run() override { throw std::runtime_error("nobody catches it"); }
};

struct deadlock_of_two : model {
  static model_info info() {
    return must_fail("a deadlock is found", "lock a, b || lock b, a", failure::deadlock);
  }
  void thread(unsigned index) override {
    mutexes_[index].lock();
    mutexes_[1 - index].lock();
    mutexes_[1 - index].unlock();
    mutexes_[index].unlock();
  }

 private:
  relacy_sync::mutex mutexes_[2];
};

struct endless_loop : one_thread_model {
  static model_info info() {
    return must_fail("a loop that never ends is found", "wait for nobody", failure::livelock);
  }
  void run() override {
    while (word_.load(relaxed) == 0) relacy_sync::yield();
  }

 private:
  word word_;
};

struct outcome_never_seen : one_thread_model {
  static model_info info() {
    model_info info = must_fail("an expected outcome that is never seen is a failure", "nothing",
                                failure::missing_outcome);
    info.outcomes = {"seen", "not seen"};
    return info;
  }
  void run() override { outcome("seen"); }
};

struct outcome_not_expected : one_thread_model {
  static model_info info() {
    model_info info = must_fail("an outcome that is not expected is a failure", "nothing",
                                failure::unexpected_outcome);
    info.no_other_outcomes = true;
    return info;
  }
  void run() override { outcome("not expected"); }
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

const registered<leak_of_aligned_block, double_free_of_aligned_block, leak_of_aligned_object,
                 double_delete_of_aligned_object, leak_of_atomic, use_after_free,
                 use_after_destruction, use_before_construction, wild_pointer, uninitialised_read,
                 race_on_var, free_after_unordered_read, destruction_after_unordered_read,
                 unordered_publication, failed_assertion, escaped_exception, deadlock_of_two,
                 endless_loop, outcome_never_seen, outcome_not_expected, distinct_schedules_of_2,
                 distinct_schedules_of_4, few_schedules>
    registration;

}  // namespace
}  // namespace poolproof::models
