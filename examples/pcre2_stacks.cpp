// PCRE2's compiled patterns are shared by all threads, but each match by its JIT needs a stack of
// its own. The 32 KB of the thread's stack that it takes by default are too few for some matches.
// PCRE2's manual proposes to keep larger ones for re-use, and to free one that was "not used in
// let's say two minutes": a pool, whose cycles do just that, with a trimmer.
//
// Shown are a match that fails without such a stack, many threads that share a few of them, and
// that these are gone when nobody has used them for two cycles.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr int threads = 8;
constexpr int matches = 500;  // of each thread

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* freed) const noexcept {
    Free(freed);
  }
};
using pattern = std::unique_ptr<pcre2_code, freed_by<pcre2_code_free>>;
using match_data = std::unique_ptr<pcre2_match_data, freed_by<pcre2_match_data_free>>;
using match_context = std::unique_ptr<pcre2_match_context, freed_by<pcre2_match_context_free>>;

// A stack begins small, grows up to a megabyte as matches need it, and stays as large as it was. A
// real program would say a minute: then a stack goes one to two minutes after its last use.
using stack_pool = poolproof::object_pool<pcre2_jit_stack, freed_by<pcre2_jit_stack_free>>;
stack_pool stacks(
    [] { return stack_pool::item(pcre2_jit_stack_create(32 * 1024, 1024 * 1024, nullptr)); },
    {.cycle_interval = 100ms, .name = "pcre2"});

pattern compiled(const std::string& text) {
  int error = 0;
  std::size_t place = 0;
  pattern made(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, &error,
                             &place, nullptr));
  if (made == nullptr || pcre2_jit_compile(made.get(), PCRE2_JIT_COMPLETE) != 0) made.reset();
  return made;
}

// What pcre2_match returns: positive if it matches. A null stack is PCRE2's own.
int match(const pattern& wanted, const std::string& text, pcre2_jit_stack* stack) {
  const match_data found(pcre2_match_data_create_from_pattern(wanted.get(), nullptr));
  const match_context context(pcre2_match_context_create(nullptr));
  pcre2_jit_stack_assign(context.get(), nullptr, stack);
  return pcre2_match(wanted.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0, 0,
                     found.get(), context.get());
}

int fail(const char* what) {
  std::cerr << "pcre2_stacks: " << what << '\n';
  return EXIT_FAILURE;
}

}  // namespace

int main() {
  std::uint32_t has_jit = 0;
  pcre2_config(PCRE2_CONFIG_JIT, &has_jit);
  if (has_jit == 0) return 77;  // skipped: this PCRE2 needs no such stacks
  const pattern words = compiled("^(?:(\\w+)\\s?)+$");
  if (words == nullptr) return fail("the pattern is not compiled");
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "word ";

  if (match(words, text, nullptr) != PCRE2_ERROR_JIT_STACKLIMIT)
    return fail("the text should be too long for 32 KB of stack");

  std::atomic<int> matched{0};
  const auto work = [&] {
    for (int i = 0; i < matches; ++i) {
      const auto stack = stacks.borrow();  // null where memory is short: then PCRE2's own
      if (match(words, text, stack.get()) > 0) ++matched;
    }
  };
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back(work);
  }
  const poolproof::pool_stats used = stacks.stats();
  std::cout << matched << " matches by " << threads << " threads took " << used.constructions
            << " stacks, of which the pool holds " << used.retained << '\n';
  if (matched != threads * matches) return fail("a match with a stack has failed");
  if (used.constructions > matches) return fail("stacks are not used again");

  const poolproof::trimmer trimmer(poolproof::trimmer_options{.look_interval = 10ms});
  const auto patience = std::chrono::steady_clock::now() + 60s;
  while (stacks.stats().retained != 0 && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(5ms);
  if (stacks.stats().retained != 0) return fail("stacks that nobody uses are still there");
  std::cout << "Nobody has used them for two cycles: the pool holds none\n";
  return EXIT_SUCCESS;
}
