// What clang-tidy looks at: every header of the checker, and its templates instantiated.
#include <checker/model.hpp>
#include <checker/page.hpp>
#include <checker/report.hpp>

struct two_updates {
  static constexpr unsigned threads = 2;
  checker::atomic<unsigned> count{0};
  checker::var<int> data{0};
  void thread(unsigned index) {
    if (count.fetch_add(1) == 0) data.set(static_cast<int>(index));
  }
  void after() const { checker::require(count.load() == 2, "both have counted"); }
};

template class checker::atomic<unsigned>;
template class checker::atomic<bool>;
template class checker::var<int>;
template class checker::waitable_atomic<int>;
template class checker::model_program<two_updates>;
