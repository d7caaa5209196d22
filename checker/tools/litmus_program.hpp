// SPDX-License-Identifier: MIT
// A litmus program on the checker: the interpreter's machine, and what runs it.
//
// Stands on: the checker, interpreter, program.
#pragma once

#include <checker/model.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "interpreter.hpp"
#include "program.hpp"

namespace checker::litmus {

// One thread's view of the shared state: every operation is one of the checker's.
class checked_machine {
 public:
  using location = checker::atomic<word>;
  using plain_location = checker::var<word>;

  struct shared {
    location* locations;
    plain_location* plain;  // by the same numbers; both exist for each
    checker::mutex* mutexes;
    const char* file;
  };

  explicit checked_machine(const shared& all) : all_(all) {}

  void at_line(std::uint32_t line) { at_.line = line; }

  word load(std::uint32_t l, std::memory_order o) { return all_.locations[l].load(o, at()); }
  void store(std::uint32_t l, word value, std::memory_order o) {
    all_.locations[l].store(value, o, at());
  }
  word fetch_add(std::uint32_t l, word value, std::memory_order o) {
    return all_.locations[l].fetch_add(value, o, at());
  }
  word exchange(std::uint32_t l, word value, std::memory_order o) {
    return all_.locations[l].exchange(value, o, at());
  }

  struct compared {
    bool success;
    word old;
  };
  compared compare_exchange(std::uint32_t l, word expected, word desired, std::memory_order success,
                            std::memory_order failure) {
    const bool done =
        all_.locations[l].compare_exchange_strong(expected, desired, success, failure, at());
    return {done, expected};
  }

  void fence(std::memory_order o) { checker::fence(o, at()); }
  void light_fence() { checker::light_fence(at()); }
  void heavy_fence() { checker::heavy_fence(at()); }
  word plain_load(std::uint32_t l) { return all_.plain[l].get(at()); }
  void plain_store(std::uint32_t l, word value) { all_.plain[l].set(value, at()); }
  word choose(word n) { return checker::choose(static_cast<unsigned>(n), at()); }
  void lock(std::uint32_t m) { all_.mutexes[m].lock(at()); }
  void unlock(std::uint32_t m) { all_.mutexes[m].unlock(at()); }

  void require(bool holds, std::uint32_t line) {
    checker::require(holds, "the program's require", {all_.file, "", line});
  }
  static void exclude() { engine::exclude(); }
  void cut(std::uint32_t line) {
    engine::fail(fault::cut, "a loop's bound is reached", {all_.file, "", line});
  }

 private:
  checker::place at() const { return at_; }

  const shared& all_;
  checker::place at_{all_.file, "", 0};
};

class litmus_program final : public checker::program {
 public:
  litmus_program(const litmus::program& p, std::string file)
      : program_(p), file_(std::move(file)), registers_(p.threads.size()) {}

  unsigned threads() const override { return static_cast<unsigned>(program_.threads.size()); }

  void start() override {
    const std::size_t count = program_.locations.size();
    shared_ = {make<checked_machine::location>(count), make<checked_machine::plain_location>(count),
               make<checker::mutex>(program_.mutexes.size()), file_.c_str()};
    for (std::size_t l = 0; l != count; ++l) {
      const checker::place made{file_.c_str(), program_.locations[l].name.c_str(), 0};
      ::new (shared_.locations + l) checked_machine::location(program_.locations[l].initial, made);
      ::new (shared_.plain + l) checked_machine::plain_location(program_.locations[l].initial);
    }
    for (std::size_t m = 0; m != program_.mutexes.size(); ++m) {
      ::new (shared_.mutexes + m) checker::mutex;
    }
  }

  void thread(unsigned index) override {
    checked_machine machine(shared_);
    run_thread(program_, index, machine, registers_[index]);
  }

  // The outcome: the registers of all threads, then the last value of each atomic location.
  void finish() override {
    std::string& text = outcome_;
    text.clear();
    for (std::size_t t = 0; t != program_.threads.size(); ++t) {
      const auto& names = program_.threads[t].registers;
      for (std::size_t r = 0; r < names.size(); ++r) {
        append(std::to_string(t) + ":" + names[r], registers_[t][r]);
      }
    }
    for (std::size_t l = 0; l != program_.locations.size(); ++l) {
      if (program_.locations[l].plain) continue;
      append(program_.locations[l].name, shared_.locations[l].load(std::memory_order_relaxed));
    }
    engine::add_outcome(text);
  }

  finishing finishes_by() const override { return finishing::looks; }

 private:
  template <class Object>
  static Object* make(std::size_t count) {
    const std::size_t bytes = (count == 0 ? 1 : count) * sizeof(Object);
    return static_cast<Object*>(engine::allocate_static(bytes, alignof(Object)));
  }

  void append(const std::string& name, word value) {
    if (!outcome_.empty()) outcome_ += ' ';
    outcome_ += name + "=" + std::to_string(value);
  }

  const litmus::program& program_;
  const std::string file_;
  checked_machine::shared shared_{};
  std::vector<register_file> registers_;
  std::string outcome_;
};

}  // namespace checker::litmus
