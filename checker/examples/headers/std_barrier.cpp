// std::barrier: each sees what the other did before it arrived, and what is done between the phases
// is done once.
// Verdict: proved
#include <barrier>
#include <cassert>
#include <thread>

int main() {
  int left = 0;
  int right = 0;
  int phases = 0;
  const auto count = [&]() noexcept { ++phases; };
  std::barrier phase(2, count);
  std::thread other([&] {
    right = 1;
    phase.arrive_and_wait();
    assert(left == 1 && phases == 1);
  });
  left = 1;
  phase.arrive_and_wait();
  assert(right == 1 && phases == 1);
  other.join();
  phase.arrive_and_drop();
  left = 2;
  phase.arrive_and_wait();
  assert(phases == 2);
}
