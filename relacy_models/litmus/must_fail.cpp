// SPDX-License-Identifier: MIT
// Programs with a fault that must be found: each model here passes by failing in exactly the way
// that it names. They test the engines, and the flags that Relacy is compiled with.

#include <poolproof/sync.hpp>

#include "faults.hpp"

#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace poolproof::models {
namespace {

struct leak_of_aligned_block : one_thread_model {
  static model_info info() {
    return must_fail("a leaked 128-byte aligned block is found", "allocate", failure::memory_leak);
  }
  void run() override {
    void* const memory = sync::allocate(sizeof(aligned_word), alignof(aligned_word));
    require(reinterpret_cast<std::uintptr_t>(memory) % 128 == 0, "allocate aligns");
  }
};

struct double_free_of_aligned_block : one_thread_model {
  static model_info info() {
    return must_fail("a 128-byte aligned block that is freed twice is found",
                     "allocate, deallocate, deallocate", failure::double_free);
  }
  void run() override {
    void* const memory = sync::allocate(sizeof(aligned_word), alignof(aligned_word));
    sync::deallocate(memory, sizeof(aligned_word), alignof(aligned_word));
    sync::deallocate(memory, sizeof(aligned_word), alignof(aligned_word));
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
    word* const object = ::new (memory_) word;
    object->~word();
    object->load(relaxed);
  }

 private:
  alignas(word) std::byte memory_[sizeof(word)];
};

struct use_before_construction : one_thread_model {
  static model_info info() {
    return must_fail("an atomic in raw memory is not usable", "allocate, load",
                     failure::freed_memory);
  }
  void run() override {
    memory_ = sync::allocate(sizeof(aligned_word), alignof(aligned_word));
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
    memory_ = sync::allocate(sizeof(char*), alignof(char*));
    const volatile char* const wild = *static_cast<char**>(memory_);
    static_cast<void>(*wild);
  }

 private:
  void* memory_ = nullptr;
};

struct race_on_var : model {
  static model_info info() {
    return must_fail("two threads that write the same plain data are found", "write || write",
                     failure::data_race);
  }
  void thread(unsigned index) override { plain_.set(index); }

 private:
  sync::var<std::uint32_t> plain_;
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
  std::unique_ptr<sync::var<std::uint32_t>> plain_ = std::make_unique<sync::var<std::uint32_t>>(1u);
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
  sync::atomic<aligned_word*> published_;
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
  sync::mutex mutexes_[2];
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

const registered<leak_of_aligned_block, double_free_of_aligned_block, use_after_free,
                 use_after_destruction, use_before_construction, wild_pointer, race_on_var,
                 free_after_unordered_read, destruction_after_unordered_read, unordered_publication,
                 failed_assertion, escaped_exception, deadlock_of_two, outcome_never_seen,
                 outcome_not_expected>
    registration;

}  // namespace
}  // namespace poolproof::models
