// SPDX-License-Identifier: MIT
// What the checker cannot see, and notices: calls of what works outside of the program, and objects
// that were not instrumented. The verdict names them.
#include "runtime.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace checker::runtime {

namespace {

// A function that the program has called, and where it did so first.
struct noticed_call {
  std::atomic<const char*> name;
  std::atomic<address> code;
};
constexpr std::size_t most_calls = 64;
struct notes {
  noticed_call calls[most_calls];
  std::atomic<bool> asked_for_cpu;
};

// One for all processes of a search: any of them may come to the call, and one tells. Null until it
// is known whose calls are the program's.
notes* noted = nullptr;

std::vector<std::string> objects;  // and source files
std::vector<std::string> instrumented{"/proc/self/exe"};

// Whether an object has been given to the runtime's functions by its compiler: it asks the loader
// for one of them.
bool is_instrumented(const dl_phdr_info* object) {
  const ElfW(Sym)* symbols = nullptr;
  const char* names = nullptr;
  address tables[2] = {};
  std::size_t sizes[2] = {};
  const auto at = [&](address value) {
    return value < object->dlpi_addr ? object->dlpi_addr + value : value;
  };
  for (unsigned i = 0; i != object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_DYNAMIC) continue;
    for (const auto* each = reinterpret_cast<const ElfW(Dyn)*>(object->dlpi_addr + part.p_vaddr);
         each->d_tag != DT_NULL; ++each) {
      const address value = each->d_un.d_ptr;
      if (each->d_tag == DT_SYMTAB) symbols = reinterpret_cast<const ElfW(Sym)*>(at(value));
      if (each->d_tag == DT_STRTAB) names = reinterpret_cast<const char*>(at(value));
      if (each->d_tag == DT_JMPREL) tables[0] = at(value);
      if (each->d_tag == DT_PLTRELSZ) sizes[0] = each->d_un.d_val;
      if (each->d_tag == DT_RELA) tables[1] = at(value);
      if (each->d_tag == DT_RELASZ) sizes[1] = each->d_un.d_val;
    }
  }
  if (symbols == nullptr || names == nullptr) return false;
  for (std::size_t t = 0; t != 2; ++t) {
    const auto* const begin = reinterpret_cast<const ElfW(Rela)*>(tables[t]);
    const std::size_t count = begin == nullptr ? 0 : sizes[t] / sizeof(ElfW(Rela));
    const bool found = std::any_of(begin, begin + count, [&](const ElfW(Rela) & each) {
      const char* const name = names + symbols[ELF64_R_SYM(each.r_info)].st_name;
      return std::string_view(name).starts_with("__tsan_");
    });
    if (found) return true;
  }
  return false;
}

int look_at_object(dl_phdr_info* object, std::size_t, void*) {
  const std::string_view path = object->dlpi_name;
  // Of the program itself, which has no path, the files are known.
  if (path.empty() || !is_of_program(object)) return 0;
  if (is_instrumented(object)) {
    instrumented.emplace_back(path);
  } else {
    objects.emplace_back(path.substr(path.rfind('/') + 1));
  }
  return 0;
}

bool is_called_by_program(address code) noexcept {
  return owner_of(code) == owner::program || from_program(code);
}

}  // namespace

void notice_call(const char* name, address code) noexcept {
  if (noted == nullptr || !is_called_by_program(code)) return;
  for (noticed_call& each : noted->calls) {
    const char* there = nullptr;
    if (each.name.compare_exchange_strong(there, name)) each.code = code;
    if (there == nullptr || there == name) return;
  }
}

void begin_to_notice() noexcept {
  void* const memory =
      ::mmap(nullptr, sizeof(notes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) noted = static_cast<notes*>(memory);
}

void note_cpu_question() noexcept {
  if (noted != nullptr) noted->asked_for_cpu = true;
}
bool was_asked_for_cpu() noexcept { return noted != nullptr && noted->asked_for_cpu; }

void look_at_objects() {
  objects = files_without_instrumentation();
  ::dl_iterate_phdr(look_at_object, nullptr);
}

const std::vector<std::string>& files_of_program() { return instrumented; }

std::vector<std::string> what_was_not_seen() {
  std::vector<std::string> found;
  for (std::size_t i = 0; noted != nullptr && i != most_calls; ++i) {
    const char* const name = noted->calls[i].name;
    if (name == nullptr) break;
    const std::string line = own_line_of(noted->calls[i].code);
    // What the C++ library calls for the program has no line.
    found.push_back(name + (line.empty() ? "" : " (" + line + ")"));
  }
  constexpr std::size_t most = 12;  // as a C++ library that is linked statically has many
  for (std::size_t i = 0; i != std::min(most, objects.size()); ++i) {
    found.push_back(objects[i] + " (not instrumented)");
  }
  if (objects.size() > most) found.push_back(std::to_string(objects.size() - most) + " more");
  return found;
}

}  // namespace checker::runtime

using namespace checker::runtime;

// What follows a call of one of these is not seen, or not put back. Each is noticed, and goes on to
// the function of the C library, whatever its arguments are: none of them is a number with a point.
extern "C" [[gnu::visibility("hidden"), gnu::used]] void* checker_notice(const char* name,
                                                                         void** function,
                                                                         address code) noexcept {
  notice_call(name, code);
  if (*function == nullptr) *function = next_function(name);
  return *function;
}
#define CHECKER_NOTICED(name)                   \
  asm(".pushsection .text\n"                    \
      ".globl " #name                           \
      "\n"                                      \
      ".type " #name ", @function\n" #name      \
      ":\n"                                     \
      "pushq %rdi\n"                            \
      "pushq %rsi\n"                            \
      "pushq %rdx\n"                            \
      "pushq %rcx\n"                            \
      "pushq %r8\n"                             \
      "pushq %r9\n"                             \
      "pushq %rax\n"                            \
      "leaq checker_name_" #name                \
      "(%rip), %rdi\n"                          \
      "leaq checker_next_" #name                \
      "(%rip), %rsi\n"                          \
      "movq 56(%rsp), %rdx\n"                   \
      "call checker_notice\n"                   \
      "movq %rax, %r11\n"                       \
      "popq %rax\n"                             \
      "popq %r9\n"                              \
      "popq %r8\n"                              \
      "popq %rcx\n"                             \
      "popq %rdx\n"                             \
      "popq %rsi\n"                             \
      "popq %rdi\n"                             \
      "jmp *%r11\n"                             \
      ".size " #name ", . - " #name             \
      "\n"                                      \
      ".popsection\n"                           \
      ".pushsection .rodata\n"                  \
      "checker_name_" #name ": .asciz \"" #name \
      "\"\n"                                    \
      ".popsection\n"                           \
      ".local checker_next_" #name              \
      "\n"                                      \
      ".comm checker_next_" #name ", 8, 8\n")

CHECKER_NOTICED(dlopen);
CHECKER_NOTICED(socket);
CHECKER_NOTICED(socketpair);
CHECKER_NOTICED(pipe);
CHECKER_NOTICED(pipe2);
CHECKER_NOTICED(eventfd);
CHECKER_NOTICED(open);
CHECKER_NOTICED(open64);
CHECKER_NOTICED(fopen);
CHECKER_NOTICED(fopen64);
CHECKER_NOTICED(mmap);
CHECKER_NOTICED(mmap64);
CHECKER_NOTICED(shm_open);
CHECKER_NOTICED(system);
CHECKER_NOTICED(popen);
CHECKER_NOTICED(posix_spawn);
CHECKER_NOTICED(posix_spawnp);

// Handlers of signals are called when the kernel pleases, and stay from one execution to the next.
// Of those signals by which the runtime itself works the program gets no handler.

CHECKER_EXPORT int sigaction(int number, const struct sigaction* wanted,
                             struct sigaction* old) noexcept {
  const address code = CHECKER_CALLER;
  notice_call("sigaction", code);
  if (!is_called_by_program(code) || !is_own_signal(number)) {
    return CHECKER_NEXT(sigaction)(number, wanted, old);
  }
  if (old != nullptr) *old = {};
  return 0;
}
CHECKER_EXPORT sighandler_t signal(int number, sighandler_t handler) noexcept {
  const address code = CHECKER_CALLER;
  notice_call("signal", code);
  if (is_called_by_program(code) && is_own_signal(number)) return SIG_DFL;
  return CHECKER_NEXT(signal)(number, handler);
}

// The child of a fork would go on with the search, as a second one; and what another program does
// after exec would be taken for the verdict.
CHECKER_EXPORT pid_t fork() noexcept {
  if (is_called_by_program(CHECKER_CALLER)) {
    refuse_program("the program calls fork, which is not supported");
  }
  return CHECKER_NEXT(fork)();
}
CHECKER_REFUSED(vfork)
CHECKER_REFUSED(execl)
CHECKER_REFUSED(execle)
CHECKER_REFUSED(execlp)
CHECKER_REFUSED(execv)
CHECKER_REFUSED(execve)
CHECKER_REFUSED(execvp)
CHECKER_REFUSED(execvpe)
CHECKER_REFUSED(fexecve)
