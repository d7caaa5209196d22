// SPDX-License-Identifier: MIT
// A ring whose sides keep what they have last read of each other: a loop that waits for room writes
// that each time, and nothing else. Or it counts what others may see: that is another state each
// turn.
// Mended: proved
// Broken: data race
// Verdict with -DFOR_EVER: livelock
// Verdict with -DCOUNTED: not finished
#include <atomic>
#include <cassert>
#include <thread>

#ifdef BROKEN
constexpr auto acquire = std::memory_order_relaxed;
#else
constexpr auto acquire = std::memory_order_acquire;
#endif

class ring {
 public:
  bool push(int value) {
    const unsigned end = written_.load(std::memory_order_relaxed);
    if (end - known_read_ == size) {
      known_read_ = read_.load(acquire);
#ifdef COUNTED
      ++waited_;
#endif
      if (end - known_read_ == size) return false;
    }
    values_[end % size] = value;
    written_.store(end + 1, std::memory_order_release);
    return true;
  }
  bool pop(int& value) {
    const unsigned begin = read_.load(std::memory_order_relaxed);
    if (begin == known_written_) {
      known_written_ = written_.load(std::memory_order_acquire);
      if (begin == known_written_) return false;
    }
    value = values_[begin % size];
    read_.store(begin + 1, std::memory_order_release);
    return true;
  }

 private:
  static constexpr unsigned size = 1;
  int values_[size] = {};
  std::atomic<unsigned> written_{0};
  unsigned known_read_ = 0;
  [[maybe_unused]] unsigned waited_ = 0;
  alignas(64) std::atomic<unsigned> read_{0};
  unsigned known_written_ = 0;
};

int main() {
  ring values;
  std::thread producer([&] {
    for (int i = 1; i <= 3; ++i) {
      while (!values.push(i)) std::this_thread::yield();
    }
  });
#ifdef FOR_EVER
  constexpr int last = 1;
#else
  constexpr int last = 3;
#endif
  for (int i = 1; i <= last; ++i) {
    int value = 0;
    while (!values.pop(value)) std::this_thread::yield();
    assert(value == i);
  }
  producer.join();
}
