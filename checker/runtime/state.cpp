// SPDX-License-Identifier: MIT
// The state of a program, which each execution finds as it was at the entry of main: what it can
// write of itself, of the instrumented libraries and of the C++ library, but for the heap of an
// execution, which begins anew; and the thread_local data of each thread, in a block of its own.
// The C library, the loader and this runtime keep theirs.
//
// Only what an execution has written has to be put back. Pages are protected until they are
// written first, and belong to what is put back from then on.
#include "runtime.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <istream>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace checker::runtime {

namespace {

constexpr std::size_t page_bytes = 4096;

struct range {
  address begin, end;
  owner whose;
};

// Code of others than the program.
constinit std::vector<range> others;

// What the C++ library keeps of its own: its data, and the streams, which may lie in the program.
std::vector<range> library_data;

struct segment {
  address begin, end;
  std::vector<std::byte> contents;
  std::vector<bool> written;  // by page
};
std::vector<segment> segments;
// What is put back, in pieces of a page at most.
struct piece {
  std::byte* at;
  const std::byte* contents;
  std::size_t size;
};
std::vector<piece> written_pieces;
// Where the loader notes the functions that it has found: that stays found.
std::vector<std::pair<address, address>> found_functions;

// The thread_local data of one of the program's objects: where it lies, from the thread pointer
// down; what a new thread finds there; and what main does.
struct thread_data {
  owner whose;
  std::ptrdiff_t offset;
  std::vector<std::byte> fresh, at_main;
};
std::vector<thread_data> thread_datas;
bool program_has_thread_data = false;
std::vector<std::byte*> thread_pointers;  // by thread

owner owner_of_object(const char* path) {
  const char* const slash = std::strrchr(path, '/');
  const std::string_view name = slash == nullptr ? path : slash + 1;
  if (name.empty()) return owner::program;
  if (name.starts_with("libstdc++.") || name.starts_with("libc++")) return owner::library;
  for (const char* each : {"libc.", "ld-linux", "libm.", "libgcc_s.", "libpthread.", "libdl.",
                           "librt.", "linux-vdso", "libatomic."}) {
    if (name.starts_with(each)) return owner::system;
  }
  return owner::program;
}

// Any address of this library.
bool holds_runtime(const dl_phdr_info* object) {
  const address here = address_of(&others);
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    const address start = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_LOAD && here >= start && here < start + part.p_memsz) return true;
  }
  return false;
}

std::byte* current_thread_pointer() noexcept {
  std::byte* pointer = nullptr;
  asm("movq %%fs:0, %0" : "=r"(pointer));
  return pointer;
}

int note_owner(dl_phdr_info* object, std::size_t, void*) {
  const owner whose = holds_runtime(object) ? owner::runtime : owner_of_object(object->dlpi_name);
  if (whose == owner::program) return 0;
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const address start = object->dlpi_addr + part.p_vaddr;
    others.push_back({start, start + part.p_memsz, whose});
  }
  return 0;
}

address page_of(address at) noexcept { return at & ~(page_bytes - 1); }

void note_found_functions(const dl_phdr_info* object) {
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_DYNAMIC) continue;
    address table = 0;
    std::size_t size = 0;
    for (const auto* each = reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + part.p_vaddr);
         each->d_tag != DT_NULL; ++each) {
      if (each->d_tag == DT_PLTGOT) table = each->d_un.d_ptr;
      if (each->d_tag == DT_PLTRELSZ) size = each->d_un.d_val / sizeof(ElfW(Rela)) + 3;
    }
    if (table == 0) continue;
    if (table < object->dlpi_addr) table += object->dlpi_addr;
    found_functions.emplace_back(table, table + size * sizeof(void*));
  }
}

int note_object(dl_phdr_info* object, std::size_t, void*) {
  if (holds_runtime(object)) return 0;
  const owner whose = owner_of_object(object->dlpi_name);
  if (whose == owner::system) return 0;
  address read_only_end = 0;
  note_found_functions(object);
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    const address start = object->dlpi_addr + part.p_vaddr;
    if (part.p_type == PT_GNU_RELRO) {
      read_only_end = page_of(start + part.p_memsz);
    } else if (part.p_type == PT_TLS && object->dlpi_tls_data != nullptr) {
      thread_data added;
      const auto* const own = static_cast<const std::byte*>(object->dlpi_tls_data);
      added.whose = whose;
      added.offset = own - current_thread_pointer();
      const auto* const image = reinterpret_cast<const std::byte*>(start);
      added.fresh.assign(part.p_memsz, std::byte{0});
      std::copy(image, image + part.p_filesz, added.fresh.begin());
      added.at_main.assign(own, own + part.p_memsz);
      if (whose == owner::program) program_has_thread_data = true;
      thread_datas.push_back(std::move(added));
    }
  }
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) == 0) continue;
    const address start = object->dlpi_addr + part.p_vaddr;
    if (whose == owner::library) library_data.push_back({start, start + part.p_memsz, whose});
    segment added;
    added.begin = std::max(page_of(start), read_only_end);
    added.end = page_of(start + part.p_memsz + page_bytes - 1);
    if (added.begin >= added.end) continue;
    segments.push_back(std::move(added));
  }
  return 0;
}

}  // namespace

bool is_of_program(const dl_phdr_info* object) {
  return !holds_runtime(object) && owner_of_object(object->dlpi_name) == owner::program;
}

void find_owners() { ::dl_iterate_phdr(note_owner, nullptr); }

// Their own section, of which the linker knows the bounds.
#define CHECKER_PROGRAM_CALL [[gnu::noinline, gnu::section("checker_program_calls")]]
CHECKER_PROGRAM_CALL void* call_program(void* (*function)(void*), void* argument) {
  void* const result = function(argument);
  asm volatile("");  // not with a jump
  return result;
}
CHECKER_PROGRAM_CALL void* call_outermost(void* (*function)(void*), void* argument) {
  asm volatile(".cfi_undefined rip");
  void* const result = function(argument);
  asm volatile("");
  return result;
}
CHECKER_PROGRAM_CALL void call_program(void (*function)(void*), void* argument) {
  function(argument);
  asm volatile("");
}
CHECKER_PROGRAM_CALL void call_program(void (*function)()) {
  function();
  asm volatile("");
}
extern "C" const char __start_checker_program_calls[], __stop_checker_program_calls[];

owner owner_of(address code) noexcept {
  if (code < low_end) return owner::program;
  if (code >= address_of(__start_checker_program_calls) &&
      code <= address_of(__stop_checker_program_calls)) {
    return owner::program;
  }
  for (const range& each : others) {
    if (code >= each.begin && code < each.end) return each.whose;
  }
  return owner::program;
}

void* next_function(const char* name) {
  void* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    std::fprintf(stderr, "checker: the C library has no %s\n", name);
    std::abort();
  }
  return found;
}

bool is_data_of_library(address data) noexcept {
  return std::any_of(library_data.begin(), library_data.end(),
                     [&](const range& each) { return data >= each.begin && data < each.end; });
}

void note_state() {
  ::dl_iterate_phdr(note_object, nullptr);
  for (const char* each : {"_ZSt3cin", "_ZSt4cout", "_ZSt4cerr", "_ZSt4clog", "_ZSt4wcin",
                           "_ZSt5wcout", "_ZSt5wcerr", "_ZSt5wclog"}) {
    const address stream = address_of(::dlsym(RTLD_DEFAULT, each));
    if (stream == 0) continue;
    library_data.push_back({stream, stream + sizeof(std::istream), owner::library});
  }
  note_early_state();
  for (segment& each : segments) {
    const auto* const begin = reinterpret_cast<const std::byte*>(each.begin);
    each.contents.assign(begin, begin + (each.end - each.begin));
    each.written.assign((each.end - each.begin) / page_bytes, false);
  }
  // Behind the noting: what is noted may lie in one of them.
  for (segment& each : segments) {
    ::mprotect(reinterpret_cast<void*>(each.begin), each.end - each.begin, PROT_READ);
  }
}

namespace {
void note_piece(std::byte* at, const std::byte* contents, std::size_t size) {
  for (const auto& [begin, end] : found_functions) {
    if (address_of(at) >= end || address_of(at) + size <= begin) continue;
    const std::size_t before = begin > address_of(at) ? begin - address_of(at) : 0;
    const std::size_t behind = std::min(size, end - address_of(at));
    if (before != 0) note_piece(at, contents, before);
    if (behind != size) note_piece(at + behind, contents + behind, size - behind);
    return;
  }
  written_pieces.push_back({at, contents, size});
}
}  // namespace

bool note_first_write(address at) {
  for (segment& each : segments) {
    if (at < each.begin || at >= each.end) continue;
    const std::size_t page = (at - each.begin) / page_bytes;
    if (each.written[page]) return false;
    each.written[page] = true;
    auto* const start = reinterpret_cast<std::byte*>(page_of(at));
    ::mprotect(start, page_bytes, PROT_READ | PROT_WRITE);
    note_piece(start, each.contents.data() + page * page_bytes, page_bytes);
    return true;
  }
  return false;
}

void restore_state() {
  for (const piece& each : written_pieces) std::memcpy(each.at, each.contents, each.size);
  restore_early_state();
  std::byte* const own = thread_pointers.empty() ? current_thread_pointer() : thread_pointers[0];
  for (const thread_data& each : thread_datas) {
    std::memcpy(own + each.offset, each.at_main.data(), each.at_main.size());
  }
}

void start_thread_data(unsigned thread) {
  errno = 0;
  for (const thread_data& each : thread_datas) {
    const auto& data = thread == 0 ? each.at_main : each.fresh;
    std::byte* const block = thread_pointers[program_has_thread_data ? thread : 0];
    std::memcpy(block + each.offset, data.data(), data.size());
  }
}

void end_thread_data(unsigned thread) {
  for (const thread_data& each : thread_datas) {
    if (each.whose != owner::program) continue;
    end_range(address_of(thread_pointers[thread] + each.offset), each.fresh.size());
  }
}

bool has_thread_blocks() noexcept { return program_has_thread_data; }

program::bytes exchanged_data() noexcept {
  if (program_has_thread_data || thread_datas.empty()) return {};
  // All that is not the program's is the C++ library's, but for errno, which is exchanged too.
  // Between the two lies only what is the C library's.
  std::byte* const begin = thread_pointers[0] + thread_datas[0].offset;
  exchanged_begin = std::min(address_of(begin), address_of(&errno));
  exchanged_end =
      std::max(address_of(begin) + thread_datas[0].at_main.size(), address_of(&errno + 1));
  return {begin, thread_datas[0].at_main.size()};
}

void for_each_root(void (*visit)(address, address)) {
  for (const piece& each : written_pieces) {
    visit(address_of(each.at), address_of(each.at) + each.size);
  }
  for (const thread_data& each : thread_datas) {
    const address begin = address_of(thread_pointers[0] + each.offset);
    visit(begin, begin + each.at_main.size());
  }
}

namespace {

std::atomic<std::byte*> made_block{nullptr};

// The thread leaves its block to a fiber, and ends without a word to the C library.
void* leave_block(void*) {
  made_block.store(current_thread_pointer());
  for (;;) ::syscall(SYS_exit, 0);
}

}  // namespace

// A thread of the C library has a block of thread_local data with all that belongs to it, at the
// end of its stack: so it begets one for each fiber.
void make_thread_blocks(unsigned count) {
  // One is made nevertheless: then the C library knows that there are threads.
  if (!program_has_thread_data) count = 2;
  if (thread_pointers.empty()) thread_pointers.push_back(current_thread_pointer());
  while (thread_pointers.size() < count) {
    const address at = blocks_begin + thread_pointers.size() * block_bytes;
    void* const stack = ::mmap(reinterpret_cast<void*>(at), block_bytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pthread_attr_t attributes;
    pthread_t made = 0;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstack(&attributes, stack, block_bytes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    made_block.store(nullptr);
    if (stack == MAP_FAILED ||
        CHECKER_NEXT(pthread_create)(&made, &attributes, leave_block, nullptr) != 0) {
      std::perror("checker: no block for a thread's data");
      std::exit(2);
    }
    while (made_block.load() == nullptr) CHECKER_NEXT(sched_yield)();
    thread_pointers.push_back(made_block.load());
    ::pthread_attr_destroy(&attributes);
  }
}

void* thread_pointer(unsigned thread) {
  return thread < thread_pointers.size() ? thread_pointers[thread] : thread_pointers[0];
}

}  // namespace checker::runtime
