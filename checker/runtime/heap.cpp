// SPDX-License-Identifier: MIT
// The heap: malloc, new and their kin. In an execution the program's blocks come from the engine,
// at addresses that depend only on what the thread did before; what it allocates before main lies
// in an arena of its own, whose contents are put back with the rest of its state; and all others
// get theirs from the C library.
#include "runtime.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include <sys/mman.h>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace checker::runtime {

namespace {

enum class maker : std::uint8_t { malloc, object, array };

struct block {
  address start;
  std::size_t size;
  maker made_by;
  bool freed;
  bool quiet;  // of the C++ library's own: nobody else's pointers go there
};

// By the region of the thread that made them, in the order of their addresses.
std::vector<block> regions[most_threads + 1];
std::size_t unfreed = 0;

// What the program allocates before main. A block begins with its size.
address early_used = early_begin;
std::vector<address> early_freed;  // in this execution

constexpr std::size_t least_alignment = 16;

bool in_heap(address at) noexcept { return at - heap_begin < heap_end - heap_begin; }
bool is_early(address at) noexcept { return at - early_begin < early_bytes; }

// The block that begins at or before an address; null if there is none.
block* block_before(address at) noexcept {
  auto& all = regions[(at - heap_begin) / region_bytes];
  const auto behind = std::upper_bound(all.begin(), all.end(), at,
                                       [](address a, const block& b) { return a < b.start; });
  return behind == all.begin() ? nullptr : &behind[-1];
}

constexpr const char* name_of(maker m) noexcept {
  constexpr const char* names[] = {"malloc", "new", "new[]"};
  return names[static_cast<std::size_t>(m)];
}

void* allocate_early(std::size_t size, std::size_t alignment) {
  static const bool mapped = [] {
    void* const wish = reinterpret_cast<void*>(early_begin);
    return ::mmap(wish, early_bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) == wish;
  }();
  if (!mapped) return __libc_memalign(alignment, size);
  const address start = (early_used + least_alignment + alignment - 1) / alignment * alignment;
  if (start + size > early_begin + early_bytes) return nullptr;
  early_used = start + size;
  std::memcpy(reinterpret_cast<void*>(start - sizeof size), &size, sizeof size);
  return reinterpret_cast<void*>(start);
}

std::size_t size_of_early(address start) noexcept {
  std::size_t size = 0;
  std::memcpy(&size, reinterpret_cast<const void*>(start - sizeof size), sizeof size);
  return size;
}

// Of each byte of the heap, whether the program has written it.
bool* written_bytes() {
  static auto* const all = [] {
    void* const got = ::mmap(nullptr, heap_end - heap_begin, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) {
      std::perror("checker: no room to note what is written");
      std::exit(2);
    }
    return static_cast<bool*>(got);
  }();
  return all;
}

void* allocate(std::size_t size, std::size_t alignment, maker by, address code) {
  const owner who = owner_of(code);
  if (who == owner::runtime || who == owner::system) {
    return alignment <= least_alignment ? __libc_malloc(size) : __libc_memalign(alignment, size);
  }
  if (!active) return allocate_early(size, alignment);
  if (tracing) complete_step();
  auto* const made = engine::allocate(size, alignment, place_of(code));
  operation_done();
  if (made == nullptr) return nullptr;
  something_changed();
  ++unfreed;
  const address start = address_of(made);
  auto& all = regions[(start - heap_begin) / region_bytes];
  const block added{start, size, by, false, who == owner::library};
  if (all.empty() || all.back().start < start) {
    all.push_back(added);
  } else {
    // Memory that was freed before.
    block* const old = block_before(start);
    *old = added;
  }
  if (concurrent) renew_range(start, size);
  if (look_for_uninitialised) std::fill_n(written_bytes() + (start - heap_begin), size, false);
  return made;
}

void give_back(void* memory, maker by, address code) {
  if (memory == nullptr) return;
  const address start = address_of(memory);
  if (is_early(start)) {
    if (!active) return;
    if (std::find(early_freed.begin(), early_freed.end(), start) != early_freed.end()) {
      fail(fault::double_free, "the block was freed before", code, memory);
    }
    free_range(start, size_of_early(start), true, code);
    early_freed.push_back(start);
    return;
  }
  if (!in_heap(start)) {
    if (!active || owner_of(code) != owner::program) return __libc_free(memory);
    // What the C library has allocated for the program, as strdup does, lies where its heap is.
    const address end = address_of(engine::stack_end());
    const bool own_stack = start < end && start >= end - stack_bytes;
    if (own_stack || (start >= stacks_begin && start < fixed_end)) {
      fail(fault::misuse, "what is freed here was not allocated", code, memory);
    }
    return __libc_free(memory);
  }
  if (!active) return;  // of an execution that has ended
  if (tracing) complete_step();
  block* const freed = block_before(start);
  if (freed == nullptr || freed->start != start) {
    fail(fault::misuse, "what is freed here was not allocated", code, memory);
  }
  const bool quiet = owner_of(code) != owner::program;
  if (freed->freed) {
    engine::deallocate(memory, place_of(code));  // which is an error
  }
  if (freed->made_by != by && !quiet && !freed->quiet) {
    fail(fault::misuse,
         error_text("memory of %s is given back to the wrong %s", name_of(freed->made_by),
                    by == maker::malloc   ? "function, free"
                    : by == maker::object ? "operator, delete"
                                          : "operator, delete[]"),
         code, memory);
  }
  free_range(start, freed->size, !quiet, code);
  freed->freed = true;
  --unfreed;
  something_changed();
  engine::deallocate(memory, place_of(code), concurrent && !quiet);
  operation_done();
}

void* allocate_zeroed(std::size_t size, address code) {
  void* const made = allocate(size, least_alignment, maker::malloc, code);
  if (made != nullptr) std::memset(made, 0, size);
  return made;
}

void* reallocate(void* old, std::size_t size, address code) {
  const address start = address_of(old);
  if (old != nullptr && !in_heap(start) && !is_early(start)) return __libc_realloc(old, size);
  void* const made = allocate(size, least_alignment, maker::malloc, code);
  if (made == nullptr || old == nullptr) return made;
  std::size_t kept = is_early(start) ? size_of_early(start) : 0;
  if (in_heap(start)) {
    const block* const before = block_before(start);
    if (before != nullptr && before->start == start) kept = before->size;
  }
  std::memcpy(made, old, std::min(kept, size));
  if (concurrent) write_range(address_of(made), std::min(kept, size), code);
  if (look_for_uninitialised) note_written(address_of(made), std::min(kept, size));
  give_back(old, maker::malloc, code);
  return made;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment, maker by, address code) {
  void* const made = allocate(size == 0 ? 1 : size, alignment, by, code);
  if (made == nullptr) {
    if (active && owner_of(code) != owner::runtime) {
      fail(fault::misuse, "the heap of an execution is used up: 64 MiB a thread", code);
    }
    std::fputs("checker: no memory\n", stderr);
    std::exit(2);
  }
  return made;
}

}  // namespace

void* allocate_memory(std::size_t size, address code) {
  return allocate(size, least_alignment, maker::malloc, code);
}

void reset_heap() {
  for (auto& each : regions) each.clear();
  unfreed = 0;
  early_freed.clear();
}

void check_memory(address at, std::size_t size, address code) {
  const auto* const shown = reinterpret_cast<const void*>(at);
  if (is_early(at) && !early_freed.empty()) {
    for (address start : early_freed) {
      if (at >= start && at < start + size_of_early(start)) {
        fail(fault::use_after_free, "the memory was freed", code, shown);
      }
    }
  }
  if (!in_heap(at)) return;
  const block* const held = block_before(at);
  if (held == nullptr || at >= held->start + std::max<std::size_t>(held->size, 1)) {
    fail(fault::use_after_free, "the memory is in no block that was allocated", code, shown);
  }
  if (held->freed) fail(fault::use_after_free, "the memory was freed", code, shown);
  if (at + size > held->start + held->size) {
    fail(fault::use_after_free, "the access goes over the end of its block", code, shown);
  }
}

bool is_fresh_memory(address at, std::size_t size) noexcept {
  if (!in_heap(at)) return false;
  constexpr unsigned char fresh = 0xa5;
  const auto* const bytes = reinterpret_cast<const unsigned char*>(at);
  return std::all_of(bytes, bytes + size, [](unsigned char b) { return b == fresh; });
}

void note_written(address at, std::size_t size) noexcept {
  if (in_heap(at)) std::fill_n(written_bytes() + (at - heap_begin), size, true);
}

// An access of which a part was written is a copy of something with gaps.
void check_written(address at, std::size_t size, address code) {
  if (!is_fresh_memory(at, size)) return;
  const bool* const written = written_bytes() + (at - heap_begin);
  if (std::find(written, written + size, true) != written + size) return;
  fail(fault::uninitialised_read, "the memory has no value yet", code,
       reinterpret_cast<const void*>(at));
}

bool anything_unfreed() noexcept { return unfreed != 0; }

namespace {

std::vector<std::pair<address, address>> to_scan;
std::vector<const block*> reached;

void reach(address value) {
  // Programs keep tags in the bits that addresses do not need.
  for (const address at : {value, value & 0xffff'ffff'ffff}) {
    if (!in_heap(at)) continue;
    block* const held = block_before(at);
    if (held == nullptr || held->freed || at > held->start + held->size) continue;
    const auto place = std::lower_bound(reached.begin(), reached.end(), held);
    if (place != reached.end() && *place == held) continue;
    reached.insert(place, held);
    to_scan.emplace_back(held->start, held->start + held->size);
  }
}

void scan(address begin, address end) {
  for (address at = (begin + 7) & ~address{7}; at + 8 <= end; at += 8) {
    address value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(at), sizeof value);
    reach(value);
  }
}

}  // namespace

// A block that nothing leads to any more, from the program's static data, is a leak.
void look_for_leaks() {
  if (unfreed == 0 || !all_threads_ended()) return;
  settle_all();
  to_scan.clear();
  reached.clear();
  for_each_root(scan);
  scan(early_begin, early_used);
  while (!to_scan.empty()) {
    const auto [begin, end] = to_scan.back();
    to_scan.pop_back();
    scan(begin, end);
  }
  std::size_t blocks = 0;
  std::size_t bytes = 0;
  for (const auto& all : regions) {
    for (const block& each : all) {
      if (each.freed || each.quiet) continue;
      if (std::binary_search(reached.begin(), reached.end(), &each)) continue;
      ++blocks;
      bytes += each.size;
    }
  }
  if (blocks == 0) return;
  const char* const text =
      blocks == 1 ? error_text("a block of %zu bytes is not freed", bytes)
                  : error_text("%zu blocks, of %zu bytes together, are not freed", blocks, bytes);
  engine::fail(fault::memory_leak, text, {"", "", 0});
}

// What main finds of the arena.
namespace {
std::vector<std::byte> early_contents;
}
void note_early_state() {
  const auto* const begin = reinterpret_cast<const std::byte*>(early_begin);
  early_contents.assign(begin, begin + (early_used - early_begin));
}
void restore_early_state() {
  if (early_contents.empty()) return;
  std::memcpy(reinterpret_cast<void*>(early_begin), early_contents.data(), early_contents.size());
}

}  // namespace checker::runtime

using namespace checker::runtime;

CHECKER_EXPORT void* malloc(std::size_t size) {
  return allocate(size, least_alignment, maker::malloc, CHECKER_CALLER);
}
CHECKER_EXPORT void free(void* memory) { give_back(memory, maker::malloc, CHECKER_CALLER); }
CHECKER_EXPORT void* calloc(std::size_t count, std::size_t size) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  return allocate_zeroed(bytes, CHECKER_CALLER);
}
CHECKER_EXPORT void* realloc(void* old, std::size_t size) {
  return reallocate(old, size, CHECKER_CALLER);
}
CHECKER_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
  return allocate(size, std::max(alignment, least_alignment), maker::malloc, CHECKER_CALLER);
}
CHECKER_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return allocate(size, std::max(alignment, least_alignment), maker::malloc, CHECKER_CALLER);
}
CHECKER_EXPORT int posix_memalign(void** made, std::size_t alignment, std::size_t size) {
  *made = allocate(size, std::max(alignment, least_alignment), maker::malloc, CHECKER_CALLER);
  return *made == nullptr ? ENOMEM : 0;
}
CHECKER_EXPORT std::size_t malloc_usable_size(void* memory) {
  const address start = address_of(memory);
  if (is_early(start)) return size_of_early(start);
  if (!in_heap(start)) return CHECKER_NEXT(malloc_usable_size)(memory);
  const block* const held = block_before(start);
  return held == nullptr ? 0 : held->size;
}

#define CHECKER_OPERATOR __attribute__((visibility("default"), used))

CHECKER_OPERATOR void* operator new(std::size_t size) {
  return allocate_or_throw(size, least_alignment, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new[](std::size_t size) {
  return allocate_or_throw(size, least_alignment, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, least_alignment, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, least_alignment, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment), maker::object,
                           CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment), maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment,
                                    const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment), maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment,
                                      const std::nothrow_t&) noexcept {
  return allocate(size, static_cast<std::size_t>(alignment), maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete(void* memory) noexcept {
  give_back(memory, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete[](void* memory) noexcept {
  give_back(memory, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete(void* memory, const std::nothrow_t&) noexcept {
  give_back(memory, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  give_back(memory, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete(void* memory, std::align_val_t) noexcept {
  give_back(memory, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete[](void* memory, std::align_val_t) noexcept {
  give_back(memory, maker::array, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory, maker::object, CHECKER_CALLER);
}
CHECKER_OPERATOR void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  give_back(memory, maker::array, CHECKER_CALLER);
}
