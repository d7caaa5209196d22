// SPDX-License-Identifier: MIT
// Fibers: stacks that a thread switches between, in a few instructions and without the kernel.
//
// A fiber that is given up in mid-execution is not unwound: starting it again forgets what its
// stack held.
//
// Stands on: POSIX memory mapping; assembly for x86-64 and AArch64.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/mman.h>
#if defined(__x86_64__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#endif
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHECKER_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKER_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(CHECKER_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace checker {

// A stack, and where its execution stands. The first is that of the program itself.
class fiber {
 public:
  using entry_point = void (*)();

  fiber() = default;
  fiber(const fiber&) = delete;
  fiber& operator=(const fiber&) = delete;
  ~fiber() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
  }

  // Its stack grows down to a page that nobody may touch. It lies at `wish`, if that is free.
  void allocate(std::size_t stack_bytes, void* wish = nullptr) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    bytes_ = (stack_bytes + page - 1) / page * page + page;
    memory_ = ::mmap(wish, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory_ == MAP_FAILED || ::mprotect(memory_, page, PROT_NONE) != 0) {
      std::perror("checker: no memory for the stack of a thread");
      std::exit(2);
    }
  }

  // It runs with this thread pointer, by which the compiler finds what is thread_local. Null, for
  // all fibers of a program: with that of the process.
  void use_thread_pointer(void* pointer) noexcept { thread_pointer_ = pointer; }

  // Or what of it is of one thread only is exchanged, and errno with it: `live` is where the
  // running one has it.
  void exchange_thread_data(std::byte* live, std::size_t size) {
    live_data_ = live;
    data_.assign(live, live + size);
  }

  // The lowest address of its stack, and the one behind the highest.
  std::byte* stack_begin() const noexcept { return static_cast<std::byte*>(memory_); }
  std::byte* stack_end() const noexcept { return static_cast<std::byte*>(memory_) + bytes_; }

  // The next switch to it calls `entry`, which must not return.
  void start(entry_point entry) noexcept {
#if defined(CHECKER_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(memory_, bytes_);
    fake_stack_ = nullptr;
#endif
    auto** top = reinterpret_cast<void**>(static_cast<char*>(memory_) + bytes_);
    // At the entry of a function the stack is as after a call.
    top -= 4;
    top[0] = reinterpret_cast<void*>(entry);
    top[1] = nullptr;
    stack_pointer_ = top;
  }

  // Goes on with `to`; returns when someone switches back.
  void switch_to(fiber& to) noexcept {
    if (to.thread_pointer_ != nullptr) [[unlikely]]
      set_thread_pointer(to.thread_pointer_);
    if (live_data_ != nullptr) [[unlikely]]
      exchange_data(to);
#if defined(CHECKER_ADDRESS_SANITIZER)
    came_from_ = this;
    const bool own = to.bytes_ == 0;
    __sanitizer_start_switch_fiber(&fake_stack_, own ? to.sanitizer_memory_ : to.memory_,
                                   own ? to.sanitizer_bytes_ : to.bytes_);
    exchange_stacks(&stack_pointer_, to.stack_pointer_);
    entered();
#else
    exchange_stacks(&stack_pointer_, to.stack_pointer_);
#endif
  }

  // Where its stack begins: what a thread has there lies below.
  const std::byte* end() const noexcept { return static_cast<const std::byte*>(memory_) + bytes_; }

  // Whether an address is in the page below its stack.
  bool overflows_at(std::uintptr_t address) const noexcept {
    const auto start = reinterpret_cast<std::uintptr_t>(memory_);
    return address >= start && address < start + static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  }

  // The first thing that an entry point does.
  void entered() noexcept {
#if defined(CHECKER_ADDRESS_SANITIZER)
    const void* from = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &from, &size);
    // The program's own stack: its first fiber is told where it lies when it is left for the first
    // time.
    if (came_from_ != nullptr && came_from_->bytes_ == 0) {
      came_from_->sanitizer_memory_ = from;
      came_from_->sanitizer_bytes_ = size;
    }
#endif
  }

 private:
#if defined(__x86_64__)
  [[gnu::noinline]] static void exchange_stacks(void** save, void* to) noexcept {
    // The compiler saves what it needs of the clobbered registers. Below the stack pointer, 128
    // bytes are the function's own.
    asm volatile(
        "leaq -128(%%rsp), %%rsp\n\t"
        "pushq %%rbp\n\t"
        "pushq %%rbx\n\t"
        "leaq 1f(%%rip), %%rax\n\t"
        "pushq %%rax\n\t"
        "movq %%rsp, (%0)\n\t"
        "movq %1, %%rsp\n\t"
        "popq %%rax\n\t"
        "jmpq *%%rax\n"
        "1:\n\t"
        "popq %%rbx\n\t"
        "popq %%rbp\n\t"
        "leaq 128(%%rsp), %%rsp"
        : "+D"(save), "+S"(to)
        :
        : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1",
          "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
          "xmm13", "xmm14", "xmm15", "cc", "memory");
  }
#elif defined(__aarch64__)
  [[gnu::noinline]] static void exchange_stacks(void** save, void* to) noexcept {
    register void** from asm("x0") = save;
    register void* target asm("x1") = to;
    asm volatile(
        "adr x2, 1f\n\t"
        "stp x2, x29, [sp, #-32]!\n\t"
        "str x19, [sp, #16]\n\t"
        "mov x3, sp\n\t"
        "str x3, [x0]\n\t"
        "mov sp, x1\n\t"
        "ldp x2, x29, [sp], #16\n\t"
        "br x2\n"
        "1:\n\t"
        "ldr x19, [sp], #16"
        : "+r"(from), "+r"(target)
        :
        : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
          "x16", "x17", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "d0",
          "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11", "d12", "d13", "d14",
          "d15", "d16", "d17", "d18", "d19", "d20", "d21", "d22", "d23", "d24", "d25", "d26", "d27",
          "d28", "d29", "d30", "d31", "cc", "memory");
  }
#else
#error "checker: switching stacks is written for x86-64 and AArch64"
#endif

  [[gnu::noinline]] void exchange_data(const fiber& to) noexcept {
    std::memcpy(data_.data(), live_data_, data_.size());
    std::memcpy(live_data_, to.data_.data(), data_.size());
    errno_ = errno;
    errno = to.errno_;
  }

  [[gnu::noinline]] static void set_thread_pointer(void* pointer) noexcept {
#if defined(__x86_64__)
    // The instruction, where the kernel lets programs use it.
    static const bool instruction = (::getauxval(AT_HWCAP2) & 2) != 0;
    if (instruction) {
      asm volatile("wrfsbase %0" : : "r"(pointer) : "memory");
    } else {
      constexpr int set_fs = 0x1002;
      ::syscall(SYS_arch_prctl, set_fs, pointer);
    }
#else
    static_cast<void>(pointer);
#endif
  }

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  void* thread_pointer_ = nullptr;
  std::byte* live_data_ = nullptr;
  std::vector<std::byte> data_;
  int errno_ = 0;
  void* stack_pointer_ = nullptr;
#if defined(CHECKER_ADDRESS_SANITIZER)
  void* fake_stack_ = nullptr;
  const void* sanitizer_memory_ = nullptr;
  std::size_t sanitizer_bytes_ = 0;
  inline static fiber* came_from_ = nullptr;
#endif
};

}  // namespace checker
