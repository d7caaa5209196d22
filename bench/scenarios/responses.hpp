// SPDX-License-Identifier: MIT
// zstd_responses, zlib_responses: many small responses, compressed by 64 threads of which at most
// four are active at once: a service whose threads mostly wait. A thread takes its turn, compresses
// 16 pieces of `bytes` bytes, each with a context that it gets and puts, and queues again. Every
// thread has had a turn before the measurement, so that what is measured is the steady state.
//
// For zstd, level 3, making a context costs more than compressing a small piece. zlib, level 6, is
// the counter-example: to reset a context costs nearly what it costs to make one.
//
// The text is the licences that Debian installs; where they are missing, words at random, always
// the same (`real_text` is then 0).
//
// Counters: p50_ns, p99_ns (of a response, from the get to the return of the put), contexts (made,
// with the first turns), peak_contexts and peak_context_bytes (that exist at once), resident_bytes
// (at the end, contexts and all) and what of it was there at the beginning.
#pragma once

#include <semaphore.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../resident.hpp"

namespace pool_bench {

// How many contexts exist and how much memory they hold, now and at most.
class context_census {
 public:
  void change(std::int64_t contexts, std::int64_t bytes) {
    raise(most_contexts_, contexts_.fetch_add(contexts) + contexts);
    raise(most_bytes_, bytes_.fetch_add(bytes) + bytes);
  }
  void forget_peaks() {
    most_contexts_ = contexts_.load();
    most_bytes_ = bytes_.load();
  }
  std::int64_t most_contexts() const { return most_contexts_; }
  std::int64_t most_bytes() const { return most_bytes_; }

 private:
  static void raise(std::atomic<std::int64_t>& most, std::int64_t value) {
    std::int64_t seen = most.load();
    while (seen < value && !most.compare_exchange_weak(seen, value)) {
    }
  }

  std::atomic<std::int64_t> contexts_{0}, bytes_{0}, most_contexts_{0}, most_bytes_{0};
};

// What all contexts have in common: they are counted, with the bytes that they hold.
class counted_context {
 public:
  static inline context_census census;

  counted_context() {
    tally::count_construction();
    census.change(1, 0);
  }
  ~counted_context() {
    tally::count_destruction();
    census.change(-1, -bytes_);
  }
  counted_context(const counted_context&) = delete;
  counted_context& operator=(const counted_context&) = delete;

 protected:
  void holds(std::size_t bytes) {
    const auto now = static_cast<std::int64_t>(bytes);
    if (now != bytes_) census.change(0, now - bytes_);
    bytes_ = now;
  }

 private:
  std::int64_t bytes_ = 0;
};

class zstd_context : public counted_context {
 public:
  static constexpr const char* scenario = "zstd_responses";
  static constexpr int turns = 64;
  static std::size_t room(std::size_t bytes) { return ZSTD_compressBound(bytes); }

  // The size of the output, 0 if it failed.
  std::size_t compress(std::span<const char> in, std::span<char> out) {
    constexpr int level = 3;
    const std::size_t size =
        ZSTD_compressCCtx(context_.get(), out.data(), out.size(), in.data(), in.size(), level);
    holds(ZSTD_sizeof_CCtx(context_.get()));
    return ZSTD_isError(size) != 0 ? 0 : size;
  }

 private:
  struct deleter {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, deleter> context_{ZSTD_createCCtx()};
};

class zlib_context : public counted_context {
 public:
  static constexpr const char* scenario = "zlib_responses";
  static constexpr int turns = 4;  // it is slower
  static std::size_t room(std::size_t bytes) { return compressBound(bytes); }

  zlib_context() {
    if (deflateInit(&stream_, Z_DEFAULT_COMPRESSION) != Z_OK) throw std::bad_alloc();
    // zlib does not tell; zconf.h says what windowBits 15 and memLevel 8 take, but for a few KiB.
    holds((std::size_t{1} << (15 + 2)) + (std::size_t{1} << (8 + 9)));
  }
  ~zlib_context() { deflateEnd(&stream_); }

  std::size_t compress(std::span<const char> in, std::span<char> out) {
    if (deflateReset(&stream_) != Z_OK) return 0;
    // zlib reads what it takes as mutable.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = static_cast<uInt>(in.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    return deflate(&stream_, Z_FINISH) == Z_STREAM_END ? stream_.total_out : 0;
  }

 private:
  z_stream stream_{};
};

// What is compressed.
struct sample_text {
  bool real = true;
  std::string text;

  static const sample_text& instance() {
    static const sample_text found = read();
    return found;
  }

  // The n-th piece: one after the other, from the beginning again at the end.
  std::span<const char> piece(std::size_t n, std::size_t bytes) const {
    return {text.data() + n * bytes % (text.size() - bytes), bytes};
  }

 private:
  static constexpr std::size_t enough = 64 * 1024;

  static sample_text read() {
    sample_text result;
    for (const char* name : {"Apache-2.0", "Artistic", "GFDL-1.3", "GPL-2", "GPL-3", "LGPL-2.1",
                             "MPL-1.1", "MPL-2.0"}) {
      std::ifstream file(std::string("/usr/share/common-licenses/") + name);
      result.text.append(std::istreambuf_iterator<char>(file), {});
    }
    if (result.text.size() < enough) result = {false, generated()};
    return result;
  }

  // Words by a law as of natural language: the n-th is n times as rare.
  static std::string generated() {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): always the same
    std::vector<std::string> words(1000);
    std::vector<double> weights;
    for (std::string& word : words) {
      for (std::size_t left = 2 + random() % 8; left > 0; --left)
        word += static_cast<char>('a' + random() % 26);
      weights.push_back(1.0 / static_cast<double>(weights.size() + 1));
    }
    std::discrete_distribution<std::size_t> choose(weights.begin(), weights.end());
    std::string text;
    while (text.size() < enough) text += words[choose(random)] + ' ';
    return text;
  }
};

// Lets at most `most` of up to 64 threads in at once, in the order in which they came.
class turnstile {
 public:
  explicit turnstile(unsigned most) : admitted_(most) {
    for (unsigned i = 0; i < places; ++i) sem_init(&gates_[i], 0, i < most ? 1 : 0);
  }
  ~turnstile() {
    for (sem_t& each : gates_) sem_destroy(&each);
  }
  turnstile(const turnstile&) = delete;
  turnstile& operator=(const turnstile&) = delete;

  void enter() {
    while (sem_wait(&gates_[next_.fetch_add(1) % places]) != 0) {
    }
  }
  void leave() { sem_post(&gates_[admitted_.fetch_add(1) % places]); }

 private:
  static constexpr unsigned places = 64;

  std::array<sem_t, places> gates_;
  std::atomic<unsigned> next_{0};
  std::atomic<unsigned> admitted_;
};

template <class Context>
struct responses {
  static constexpr const char* name = Context::scenario;
  using object = Context;
  static constexpr int threads = 64;
  static constexpr unsigned active = 4;
  static constexpr int responses_per_turn = 16;
  static constexpr int turns = Context::turns;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    static turnstile entrance(active);
    static std::array<latencies, threads> of_thread;
    static std::atomic<std::uint64_t> made_before, resident_before;
    const auto bytes = static_cast<std::size_t>(state.range(0));
    const auto me = static_cast<std::size_t>(state.thread_index());
    const sample_text& text = sample_text::instance();
    if (me == 0) {
      counted_context::census.forget_peaks();
      made_before = tally::total().constructed;
      resident_before = resident_bytes();
    }
    record.meet();
    auto&& pool = enter(shared);
    std::vector<char> out(Context::room(bytes));
    std::size_t number = me * 1000;
    bool failed = false;
    const auto turn = [&](latencies& times) {
      entrance.enter();
      for (int i = 0; i < responses_per_turn; ++i) {
        const clock::time_point start = clock::now();
        item_of<Pool> context = pool.get();
        failed |= context->compress(text.piece(number++, bytes), out) == 0;
        pool.put(std::move(context));
        times.add(nanoseconds_since(start));
      }
      entrance.leave();
    };
    latencies first;
    turn(first);
    of_thread[me] = {};
    record.start();
    for (auto _ : state) turn(of_thread[me]);
    record.require(!failed, "a piece was not compressed");
    record.finish(responses_per_turn * static_cast<std::int64_t>(state.iterations()), [&] {
      latencies all;
      for (const latencies& each : of_thread) all.add(each);
      const auto set = [&](const char* counter, auto value) {
        record.set(counter, static_cast<double>(value));
      };
      set("p50_ns", all.percentile(50));
      set("p99_ns", all.percentile(99));
      set("contexts", tally::total().constructed - made_before);
      set("peak_contexts", counted_context::census.most_contexts());
      set("peak_context_bytes", counted_context::census.most_bytes());
      set("resident_bytes", resident_bytes());
      set("resident_before_bytes", resident_before.load());
      set("real_text", text.real ? 1 : 0);
    });
  }
};

using zstd_responses = responses<zstd_context>;
using zlib_responses = responses<zlib_context>;

}  // namespace pool_bench
