// SPDX-License-Identifier: MIT
// Estimates of the size of a search against sizes that are known.

#include <checker/model.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "../examples/go_ring.hpp"
#include "../src/estimate.hpp"
#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

template <unsigned N>
struct additions {
  static constexpr unsigned threads = N;
  checker::atomic<unsigned> sum{0};
  void thread(unsigned) { sum.fetch_add(1, relaxed); }
};

template <unsigned N>
struct last_zero {
  static constexpr unsigned threads = N + 1;
  std::array<checker::atomic<unsigned>, N + 1> cells;
  void thread(unsigned index) {
    if (index != 0) {
      cells[index].store(cells[index - 1].load(acquire) + 1, release);
      return;
    }
    for (std::size_t i = N; cells[i].load(acquire) != 0;) --i;
  }
};

template <unsigned N>
struct fibonacci {
  static constexpr unsigned threads = 3;
  std::array<checker::atomic<unsigned>, 2> numbers{1, 1};
  void thread(unsigned index) {
    if (index == 2) {
      for (const auto& each : numbers) each.load(acquire);
      return;
    }
    for (unsigned i = 0; i != N; ++i) {
      const unsigned first = numbers[0].load(acquire);
      numbers[index].store(first + numbers[1].load(acquire), release);
    }
  }
};

// An update, a weak compare-and-swap, a choice and a fence: whatever makes branches of its own.
struct mixture {
  static constexpr unsigned threads = 3;
  checker::atomic<unsigned> x{0};
  checker::atomic<unsigned> y{0};
  void thread(unsigned index) {
    if (index == 0 && choose(3) == 1) y.store(1, release);
    unsigned expected = 0;
    x.compare_exchange_weak(expected, index, relaxed, relaxed);
    fence(std::memory_order_seq_cst);
    y.fetch_add(1, relaxed);
  }
};

constexpr std::size_t unlimited = 1'000'000;

template <class Model>
double sample_of(std::size_t width) {
  model_program<Model> checked;
  size_sampler sampler(checked, {});
  return sampler.sample(width).value();
}

template <class Model>
size_estimate estimate_of(std::size_t width, std::size_t samples = 10) {
  model_program<Model> checked;
  size_sampler sampler(checked, {});
  std::vector<double> found;
  for (std::size_t i = 0; i != samples; ++i) found.push_back(sampler.sample(width).value());
  return mean_of(found);
}

template <class Model>
void check_near(std::size_t width, double truth, double error) {
  const size_estimate found = estimate_of<Model>(width);
  INFO(found.executions << " +- " << found.error << ", truth " << truth);
  CHECK(std::abs(found.executions - truth) <= 3 * found.error + 1e-6 * truth);
  CHECK(found.error <= error * truth);
}

}  // namespace

TEST_CASE("a_sample_that_leaves_nothing_out_counts_what_the_search_finds") {
  CHECK(sample_of<additions<6>>(unlimited) == 720);
  CHECK(sample_of<last_zero<5>>(unlimited) == 64);
  CHECK(sample_of<go_ring<2, 1, 1, 1>>(unlimited) == 12);
  CHECK(sample_of<go_ring<3, 0, 1, 2>>(unlimited) == 41);
  const statistics found = verify<mixture>();
  REQUIRE(found.complete != 0);
  CHECK(sample_of<mixture>(unlimited) == static_cast<double>(found.complete));
}

TEST_CASE("a_narrow_sample_is_right_on_average") {
  const size_estimate found = estimate_of<go_ring<3, 0, 2, 1>>(4, 300);
  INFO(found.executions << " +- " << found.error);
  CHECK(found.error > 0);
  CHECK(found.error < 60);
  CHECK(std::abs(found.executions - 265) <= 3 * found.error);
}

TEST_CASE("estimates_hold_the_known_sizes") {
  check_near<additions<8>>(256, 40'320, 0.02);
  check_near<additions<9>>(256, 362'880, 0.02);
  check_near<last_zero<12>>(256, 15'360, 0.5);
  check_near<fibonacci<5>>(256, 525'630, 0.3);
  check_near<go_ring<3, 3, 3, 1>>(256, 239'736, 0.6);
}

TEST_CASE("an_estimate_keeps_to_its_time_and_knows_when_it_knows_nothing") {
  using clock = std::chrono::steady_clock;
  const auto last = clock::now() + std::chrono::minutes(1);
  model_program<go_ring<3, 3, 3, 1>> checked;
  size_estimate found;
  clock::duration taken{};
  // A busy machine makes it late, or lets it see too little: then once more, for a minute at most.
  do {
    const auto start = clock::now();
    found = estimate(checked, {}, 1);
    taken = clock::now() - start;
  } while ((taken >= std::chrono::seconds(4) || !found.known) && clock::now() < last);
  CHECK(taken < std::chrono::seconds(4));
  CHECK(found.known);
  CHECK(found.error > 0);
  const size_estimate none = estimate(checked, {}, 1e-6);
  CHECK(!none.known);
  model_program<additions<3>> small;
  const size_estimate exact = estimate(small, {}, 1);
  CHECK(exact.known);
  CHECK(exact.executions == 6);
  CHECK(exact.error == 0);
}

// For the table in docs/guide.md: what is estimated for a share of the runs that the search takes,
// and how often, of 20 seeds, the truth is within two errors.
template <class Model>
void print_row(const char* name, double truth, std::uint64_t runs) {
  model_program<Model> checked;
  for (const double share : {0.01, 0.05, 0.2, 0.5}) {
    std::printf("%-12s %10.0f  %4.0f %%:", name, truth, 100 * share);
    int held = 0;
    int rough = 0;
    double error = 0;
    std::uint64_t spent = 0;
    for (std::uint64_t seed = 1; seed != 21; ++seed) {
      size_sampler sampler(checked, {}, seed);
      const size_estimate found = estimate_within(sampler, share * static_cast<double>(runs), [&] {
        return static_cast<double>(sampler.expanded());
      });
      if (seed == 1) std::printf(" %.0f +- %.0f;", found.executions, found.error);
      spent += sampler.expanded() / 20;
      rough += found.rough ? 1 : 0;
      held += std::abs(found.executions - truth) <= 2 * found.error + 1e-6 * truth ? 1 : 0;
      error += std::abs(found.executions - truth) / truth / 20;
    }
    std::printf(" of 20 held %d, mean miss %.0f %%, runs %.1f %%, rough %d\n", held, 100 * error,
                100 * static_cast<double>(spent) / static_cast<double>(runs), rough);
    std::fflush(stdout);
  }
}

template <class Model>
void print_row(const char* name) {
  const statistics found = verify<Model>();
  print_row<Model>(name, static_cast<double>(found.complete), found.complete + found.blocked);
}

TEST_CASE("table_of_estimates", "[.table]") {
  print_row<additions<8>>("8 x fetch_add");
  print_row<additions<9>>("9 x fetch_add");
  print_row<last_zero<12>>("lastzero(12)");
  print_row<fibonacci<5>>("fib_bench(5)");
  print_row<go_ring<3, 3, 3, 1>>("ring 3-3-3");
  print_row<go_ring<4, 4, 3, 2, attempts::last>>("ring 4-4-3x2");
}
