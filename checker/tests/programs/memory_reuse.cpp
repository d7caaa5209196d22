// SPDX-License-Identifier: MIT
// The same memory is an atomic, a condition variable, a string, a lock and a mutex, one after the
// other. Some of their constructors lie in the C++ library, where their writes are not seen.
// Mended: proved
// Broken: deadlock
#include <atomic>
#include <cassert>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <string>
#include <thread>

struct storage {
  alignas(16) std::byte bytes[64];
};

template <class T, class Use>
void use_as(storage& memory, Use use) {
  T* const object = new (&memory) T();
  use(*object);
  object->~T();
}

void use(storage& memory) {
  use_as<std::atomic<long>>(memory, [](auto& number) {
    std::thread([&] { number.fetch_add(5); }).join();
    assert(number.load() == 5);
  });
  use_as<std::condition_variable>(memory, [](auto& changed) {
    std::mutex mutex;
    bool done = false;
    std::thread other([&] {
      {
        const std::lock_guard lock(mutex);
        done = true;
      }
#ifndef BROKEN
      changed.notify_one();
#endif
    });
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return done; });
    }
    other.join();
  });
  use_as<std::string>(memory, [](auto& text) { assert(text.size() == 0); });
  use_as<std::shared_mutex>(memory, [](auto& lock) {
    std::thread([&] { const std::shared_lock shared(lock); }).join();
    const std::unique_lock unique(lock);
  });
  use_as<std::atomic<char>>(memory, [](auto& letter) { letter = 'a'; });
  use_as<std::mutex>(memory, [](auto& mutex) { const std::lock_guard lock(mutex); });
}

storage fixed;

int main() {
  storage local;
  use(local);
  use(fixed);
}
