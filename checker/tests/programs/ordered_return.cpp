// SPDX-License-Identifier: MIT
// Local variables that other threads use until shortly before the function returns, which waits for
// that: by a join, by what the C++ library waits with, by a lock whose queue is made of local
// variables. However the function is left, and whatever lies deeper.
// Mended: proved
// Broken: use after return
// Verdict with -DCONDITION: proved
// Verdict with -DWAITED: proved
// Verdict with -DFUTURE: proved
// Verdict with -DCALLBACK: proved
// Verdict with -DCOUNTED: proved
// Verdict with -DQUEUE: proved
// Verdict with -DFIBER: proved
// Verdict with -DENDED: proved
// Verdict with -DCOROUTINE: proved
#include <alloca.h>
#include <pthread.h>
#include <ucontext.h>

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <coroutine>
#include <csetjmp>
#include <cstring>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <utility>

#define OUT_OF_LINE [[gnu::noinline]]

// Another function's frame, where that of the one that has returned was.
OUT_OF_LINE int deepen(int depth) {
  int here[16];
  std::memset(here, 0, sizeof here);
  here[depth] = depth;
  asm volatile("");  // it has an effect, and so is called
  return depth == 0 ? 0 : deepen(depth - 1) + here[depth];
}

#if defined(CONDITION)

// Who is notified needs the condition variable no more: it ends, and its function returns, before
// the other has woken.
std::mutex guard;
bool sleeps = false;

OUT_OF_LINE std::thread wake() {
  std::condition_variable local;
  std::thread other([&local] {
    std::unique_lock lock(guard);
    sleeps = true;
    local.wait(lock);
  });
  std::unique_lock lock(guard);
  while (!sleeps) {
    lock.unlock();
    lock.lock();
  }
  local.notify_one();
  return other;
}

int main() {
  std::thread other = wake();
  deepen(3);
  other.join();
}

#elif defined(WAITED)

OUT_OF_LINE int wait_for(int turn) {
  int result = 0;
  std::atomic<int> ready{0};
  std::thread([&result, &ready, turn] {
    result = turn;
    ready.store(1, std::memory_order_release);
    ready.notify_one();
  }).detach();
  ready.wait(0, std::memory_order_acquire);
  return result;
}

int main() {
  assert(wait_for(1) == 1);
  deepen(5);
  assert(wait_for(2) == 2);
}

#elif defined(FUTURE)

OUT_OF_LINE int by_future() {
  int local = 0;
  auto done = std::async(std::launch::async, [&local] { local = 1; });
  done.get();
  return local;
}

int main() {
  assert(by_future() == 1);
  deepen(2);
}

#elif defined(CALLBACK)

OUT_OF_LINE void by_callback(std::stop_token token) {
  int local = 0;
  const std::stop_callback stopped(std::move(token), [&local] { local = 1; });
}

int main() {
  std::stop_source source;
  std::thread other([&source] { source.request_stop(); });
  by_callback(source.get_token());
  deepen(4);
  other.join();
}

#elif defined(COUNTED)

OUT_OF_LINE int by_latch() {
  int local = 0;
  std::latch done{1};
  std::thread([&] {
    local = 1;
    done.count_down();
  }).detach();
  done.wait();
  return local;
}
OUT_OF_LINE int by_semaphore() {
  int local = 0;
  std::binary_semaphore done{0};
  std::thread([&] {
    local = 1;
    done.release();
  }).detach();
  done.acquire();
  return local;
}

int main() {
  assert(by_latch() == 1);
  deepen(4);
  assert(by_semaphore() == 1);
}

#elif defined(QUEUE)

// A lock after Mellor-Crummey and Scott.
struct node {
  std::atomic<node*> next{nullptr};
  std::atomic<bool> waits{true};
};
std::atomic<node*> tail{nullptr};
int counted = 0;

OUT_OF_LINE void count(int depth) {
  if (depth != 0) return count(depth - 1), void(deepen(depth));
  node own;
  if (node* const before = tail.exchange(&own, std::memory_order_acq_rel)) {
    before->next.store(&own, std::memory_order_release);
    while (own.waits.load(std::memory_order_acquire)) {
    }
  }
  ++counted;
  node* expected = &own;
  if (tail.compare_exchange_strong(expected, nullptr, std::memory_order_acq_rel)) return;
  node* next = nullptr;
  while ((next = own.next.load(std::memory_order_acquire)) == nullptr) {
  }
  next->waits.store(false, std::memory_order_release);
}

int main() {
  std::thread other([] {
    count(1);
    count(0);
  });
  count(2);
  other.join();
  assert(counted == 3);
}

#elif defined(FIBER)

// Contexts that have stacks of their own.
ucontext_t outside, inside;
int* lent = nullptr;

void run_inside() {
  int local = 0;
  lent = &local;
  std::thread other([] { *lent += 1; });
  swapcontext(&inside, &outside);
  other.join();
  assert(local == 1);
  swapcontext(&inside, &outside);
}

OUT_OF_LINE int use_fiber(char* stack, std::size_t size) {
  int local = 0;
  getcontext(&inside);
  inside.uc_stack.ss_sp = stack;
  inside.uc_stack.ss_size = size;
  inside.uc_link = nullptr;
  makecontext(&inside, run_inside, 0);
  std::thread other([&local] { local = 1; });
  swapcontext(&outside, &inside);
  deepen(3);
  swapcontext(&outside, &inside);
  other.join();
  return local;
}

int main() {
  constexpr std::size_t size = 64 << 10;
  const auto stack = std::make_unique<char[]>(size);
  assert(use_fiber(stack.get(), size) == 1);
  deepen(7);
}

#elif defined(ENDED)

// A thread that ends where it stands deep, and its local variable with it.
std::atomic<int*> published{nullptr};
std::atomic<bool> used{false};

OUT_OF_LINE void end_here() {
  int local = 0;
  published.store(&local, std::memory_order_release);
  while (!used.load(std::memory_order_acquire)) {
  }
  pthread_exit(nullptr);
}

int main() {
  pthread_t owner;
  pthread_create(
      &owner, nullptr,
      [](void*) -> void* {
        end_here();
        return nullptr;
      },
      nullptr);
  int* found = nullptr;
  while ((found = published.load(std::memory_order_acquire)) == nullptr) {
  }
  *found = 1;
  used.store(true, std::memory_order_release);
  pthread_join(owner, nullptr);
}

#elif defined(COROUTINE)

struct task {
  struct promise_type {
    task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
  std::coroutine_handle<promise_type> handle;
  ~task() { handle.destroy(); }
};

// Its local variable outlives the call of who began it, and it ends on another thread.
task counting(int* sum) {
  int local = 0;
  std::thread other([&local] { ++local; });
  co_await std::suspend_always{};
  other.join();
  *sum = ++local;
}

OUT_OF_LINE int resumed_elsewhere() {
  int sum = 0;
  task made = counting(&sum);
  made.handle.resume();
  deepen(3);
  std::thread other([&made] { made.handle.resume(); });
  other.join();
  return sum;
}

int main() {
  assert(resumed_elsewhere() == 2);
  deepen(6);
}

#else

OUT_OF_LINE int with_room(std::size_t size) {
  auto* const room = static_cast<char*>(alloca(size));
  std::memset(room, 1, size);
  std::thread other([=] { room[size - 1] = 2; });
  other.join();
  return room[size - 1];
}

OUT_OF_LINE int with_array(int size) {
  int sum = 0;
  for (int i = 1; i != 3; ++i) {
    int local[size * i];
    std::memset(local, 0, sizeof local);
    std::thread other([used = &local[0]] { ++*used; });
    other.join();
    sum += local[0];
  }
  return sum;
}

// Arguments of a function lie in its caller's frame, and are given back by the caller.
struct large {
  long values[8];
};
OUT_OF_LINE long by_value(large first, long a, long b, long c, long d, long e, long f, long g) {
  std::thread other([&] { first.values[7] += g; });
  other.join();
  return first.values[7] + a + b + c + d + e + f;
}

struct alignas(128) aligned {
  int value = 0;
};
OUT_OF_LINE int realigned() {
  aligned local;
  std::thread other([&local] { local.value = 1; });
  other.join();
  return local.value;
}

struct joined {
  std::thread other;
  ~joined() { other.join(); }
};
OUT_OF_LINE void throws() {
  int local = 0;
  const joined here{std::thread([&local] { local = 1; })};
  throw 1;
}

std::jmp_buf before;
OUT_OF_LINE void jumps() {
  int local = 0;
  std::thread([&local] { local = 1; }).join();
  std::longjmp(before, 1);
}

OUT_OF_LINE void publish(std::atomic<int*>& kept) {
  int local = 0;
  kept.store(&local);
}

int main() {
#ifdef BROKEN
  std::atomic<int*> kept{nullptr};
  std::thread user([&kept] {
    if (int* const used = kept.load()) *used = 1;
  });
  publish(kept);
  deepen(4);
  user.join();
#else
  assert(with_room(100) == 2);
  assert(with_array(5) == 2);
  assert(by_value({{0, 1, 2, 3, 4, 5, 6, 7}}, 1, 2, 3, 4, 5, 6, 7) == 35);
  assert(realigned() == 1);
  try {
    throws();
  } catch (int) {
    deepen(2);
  }
  if (setjmp(before) == 0) jumps();
  deepen(4);
#endif
}

#endif
