// SPDX-License-Identifier: MIT
// Signals that a program's own mistake raises: a pointer that leads nowhere, a division by zero, an
// abort. Who is asked for it gets them as errors of the program, instead of an end of the process.
//
// The handler runs on a stack of its own, since the stack that overflowed is no place to do
// anything on. It does not return: it leaves the fiber that the signal came from.
//
// Stands on: POSIX signals.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include <cxxabi.h>
#include <csignal>

namespace checker {

struct crash {
  int signal = 0;  // 0: none
  std::uintptr_t address = 0;

  // What it means; `overflow`: whether the address lies below the thread's stack.
  std::string text(bool overflow) const {
    switch (signal) {
      case SIGABRT:
        return "SIGABRT: the program gives up by abort()";
      case SIGFPE:
        return "SIGFPE: a number is divided by zero, or the quotient is too large";
      case SIGILL:
        return "SIGILL: an instruction that is none: a trap, or a jump to nowhere";
      default:
        break;
    }
    const std::string name = signal == SIGBUS ? "SIGBUS: " : "SIGSEGV: ";
    if (overflow) return name + "the thread's stack is used up";
    constexpr std::uintptr_t page = 4096;
    if (address == 0) return name + "a null pointer, or one that is no address at all";
    char number[32];
    std::snprintf(number, sizeof number, "0x%llx", static_cast<unsigned long long>(address));
    return name +
           (address < page ? "a member of what a null pointer points to, at " : "a pointer to ") +
           number + (address < page ? "" : ", where nothing is or nobody may write");
  }
};

// While it lives, the signals go to the handler.
class crash_signals {
 public:
  using handler = void (*)(int, siginfo_t*, void*);

  explicit crash_signals(handler called) : stack_(new std::byte[stack_bytes]) {
    stack_t own{};
    own.ss_sp = stack_.get();
    own.ss_size = stack_bytes;
    ::sigaltstack(&own, &before_);
    struct sigaction action {};
    action.sa_sigaction = called;
    // The mask stays as it is, since the handler does not return.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i != signals.size(); ++i) {
      ::sigaction(signals[i], &action, &actions_[i]);
    }
  }
  crash_signals(const crash_signals&) = delete;
  crash_signals& operator=(const crash_signals&) = delete;
  ~crash_signals() {
    for (std::size_t i = 0; i != signals.size(); ++i) {
      ::sigaction(signals[i], &actions_[i], nullptr);
    }
    ::sigaltstack(&before_, nullptr);
  }

 private:
  static constexpr std::size_t stack_bytes = std::size_t{64} << 10;
  static constexpr std::array signals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

  std::unique_ptr<std::byte[]> stack_;
  stack_t before_{};
  std::array<struct sigaction, signals.size()> actions_{};
};

// What the C++ runtime knows of exceptions that are being thrown or handled: put back where a
// thread is left in the middle of one.
class exceptions_in_flight {
 public:
  exceptions_in_flight() { std::memcpy(&kept_, abi::__cxa_get_globals(), sizeof kept_); }
  void put_back() const noexcept { std::memcpy(abi::__cxa_get_globals(), &kept_, sizeof kept_); }

 private:
  // As the C++ ABI lays it out.
  struct {
    void* caught;
    unsigned uncaught;
  } kept_;
};

}  // namespace checker
