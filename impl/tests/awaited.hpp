// SPDX-License-Identifier: MIT
// For tests of races: what a machine's schedule brings about sooner or later, but in no certain
// number of rounds. The threads go on until it has happened:
//
//     awaited stolen("a get took an item of another CPU");
//     for (int i = 0; i < rounds || stolen.missing(); ++i) ...   // in each; one says happened()
//     stolen.check();                                            // after all have ended
#pragma once

#include <atomic>
#include <chrono>

#include "catch.hpp"

namespace poolproof::test {

class awaited {
 public:
  // As long as a race may take to happen, from here on: so long on a loaded machine that one which
  // has not happened by then cannot happen.
  static constexpr std::chrono::seconds patience{60};

  // `what` completes a sentence: "it never happened that ...".
  explicit awaited(const char* what) noexcept : what_(what) {}
  awaited(const awaited&) = delete;
  awaited& operator=(const awaited&) = delete;

  // Says that it has happened, if `it_has`. Without ordering anything that the code under test has
  // left unordered.
  void happened(bool it_has = true) noexcept {
    if (it_has) happened_.store(true, std::memory_order_relaxed);
  }

  // Whether to go on for it.
  bool missing() const noexcept {
    return !happened_.load(std::memory_order_relaxed) && std::chrono::steady_clock::now() < last_;
  }

  void check() const {
    INFO("in " << patience.count() << " s it never happened that " << what_);
    CHECK(happened_);
  }

 private:
  const char* what_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now() + patience;
  std::atomic<bool> happened_{false};
};

}  // namespace poolproof::test
