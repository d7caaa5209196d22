// SPDX-License-Identifier: MIT
// What functions of the C library read and write of the program's memory: strings, and what some of
// them keep for themselves. Only what the program's own code calls is looked at.
#include "runtime.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace checker::runtime {

namespace {

bool is_looked_at(address code) noexcept { return active && owner_of(code) == owner::program; }

// With the zero at its end.
std::size_t size_of(const char* text) { return CHECKER_NEXT(strlen)(text) + 1; }

void read_text(const char* text, address code) {
  // Whether the memory lives is asked before its end is looked for.
  read_range(address_of(text), 1, code);
  read_range(address_of(text), size_of(text), code);
}
void read_text(const char* text, std::size_t most, address code) {
  if (most == 0) return;
  read_range(address_of(text), 1, code);
  read_range(address_of(text), std::min(CHECKER_NEXT(strnlen)(text, most) + 1, most), code);
}

// What printing into a buffer of this size writes there.
void write_printed(char* to, std::size_t size, const char* format, std::va_list values,
                   address code) {
  std::va_list again;
  va_copy(again, values);
  const int length = CHECKER_NEXT(vsnprintf)(nullptr, 0, format, again);
  va_end(again);
  if (length < 0 || size == 0) return;
  write_range(address_of(to), std::min(size, static_cast<std::size_t>(length) + 1), code);
}

int print_allocated(char** made, const char* format, std::va_list values, address code) {
  std::va_list again;
  va_copy(again, values);
  const int length = CHECKER_NEXT(vsnprintf)(nullptr, 0, format, again);
  va_end(again);
  if (length < 0) return length;
  const std::size_t size = static_cast<std::size_t>(length) + 1;
  auto* const text = static_cast<char*>(allocate_memory(size, code));
  if (text == nullptr) return -1;
  write_range(address_of(text), size, code);
  write_range(address_of(made), sizeof *made, code);
  *made = text;
  return CHECKER_NEXT(vsnprintf)(text, size, format, values);
}

// What strtok keeps between calls: one for all threads.
char* rest_of_tokens = nullptr;

}  // namespace

}  // namespace checker::runtime

using namespace checker::runtime;

#define CHECKER_LOOKED_AT is_looked_at(CHECKER_CALLER)

CHECKER_EXPORT int memcmp(const void* a, const void* b, std::size_t size) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_range(address_of(a), size, CHECKER_CALLER);
    read_range(address_of(b), size, CHECKER_CALLER);
  }
  return CHECKER_NEXT(memcmp)(a, b, size);
}
CHECKER_EXPORT int bcmp(const void* a, const void* b, std::size_t size) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_range(address_of(a), size, CHECKER_CALLER);
    read_range(address_of(b), size, CHECKER_CALLER);
  }
  return CHECKER_NEXT(memcmp)(a, b, size);
}

// The headers of C++ have two of each of these, by whether what is searched is constant.
using search_memory = void* (*)(const void*, int, std::size_t);
using search_text = char* (*)(const char*, int);
using search_word = char* (*)(const char*, const char*);
#define CHECKER_SEARCH(name, type)                                          \
  (*[] {                                                                    \
    static const auto found = reinterpret_cast<type>(next_function(#name)); \
    return found;                                                           \
  }())

CHECKER_EXPORT void* checker_memchr(const void* in, int byte, std::size_t size) asm("memchr");
CHECKER_EXPORT void* checker_memchr(const void* in, int byte, std::size_t size) {
  void* const at = CHECKER_SEARCH(memchr, search_memory)(in, byte, size);
  if (CHECKER_LOOKED_AT) {
    const std::size_t read = at == nullptr ? size : address_of(at) - address_of(in) + 1;
    read_range(address_of(in), read, CHECKER_CALLER);
  }
  return at;
}
CHECKER_EXPORT char* checker_strchr(const char* in, int character) asm("strchr");
CHECKER_EXPORT char* checker_strchr(const char* in, int character) {
  if (CHECKER_LOOKED_AT) read_text(in, CHECKER_CALLER);
  return CHECKER_SEARCH(strchr, search_text)(in, character);
}
CHECKER_EXPORT char* checker_strrchr(const char* in, int character) asm("strrchr");
CHECKER_EXPORT char* checker_strrchr(const char* in, int character) {
  if (CHECKER_LOOKED_AT) read_text(in, CHECKER_CALLER);
  return CHECKER_SEARCH(strrchr, search_text)(in, character);
}
CHECKER_EXPORT char* checker_strstr(const char* in, const char* word) asm("strstr");
CHECKER_EXPORT char* checker_strstr(const char* in, const char* word) {
  if (CHECKER_LOOKED_AT) {
    read_text(in, CHECKER_CALLER);
    read_text(word, CHECKER_CALLER);
  }
  return CHECKER_SEARCH(strstr, search_word)(in, word);
}

CHECKER_EXPORT std::size_t strlen(const char* text) noexcept {
  if (CHECKER_LOOKED_AT) read_text(text, CHECKER_CALLER);
  return CHECKER_NEXT(strlen)(text);
}
CHECKER_EXPORT std::size_t strnlen(const char* text, std::size_t most) noexcept {
  if (CHECKER_LOOKED_AT) read_text(text, most, CHECKER_CALLER);
  return CHECKER_NEXT(strnlen)(text, most);
}
CHECKER_EXPORT int strcmp(const char* a, const char* b) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(a, CHECKER_CALLER);
    read_text(b, CHECKER_CALLER);
  }
  return CHECKER_NEXT(strcmp)(a, b);
}
CHECKER_EXPORT int strncmp(const char* a, const char* b, std::size_t most) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(a, most, CHECKER_CALLER);
    read_text(b, most, CHECKER_CALLER);
  }
  return CHECKER_NEXT(strncmp)(a, b, most);
}

CHECKER_EXPORT char* strcpy(char* to, const char* from) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(from, CHECKER_CALLER);
    write_range(address_of(to), size_of(from), CHECKER_CALLER);
  }
  return CHECKER_NEXT(strcpy)(to, from);
}
CHECKER_EXPORT char* stpcpy(char* to, const char* from) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(from, CHECKER_CALLER);
    write_range(address_of(to), size_of(from), CHECKER_CALLER);
  }
  return CHECKER_NEXT(stpcpy)(to, from);
}
CHECKER_EXPORT char* strncpy(char* to, const char* from, std::size_t size) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(from, size, CHECKER_CALLER);
    write_range(address_of(to), size, CHECKER_CALLER);
  }
  return CHECKER_NEXT(strncpy)(to, from, size);
}
CHECKER_EXPORT char* strcat(char* to, const char* from) noexcept {
  if (CHECKER_LOOKED_AT) {
    read_text(to, CHECKER_CALLER);
    read_text(from, CHECKER_CALLER);
    write_range(address_of(to) + size_of(to) - 1, size_of(from), CHECKER_CALLER);
  }
  return CHECKER_NEXT(strcat)(to, from);
}

// Of what is printed into a buffer; what is printed from is not looked at.
CHECKER_EXPORT int vsnprintf(char* to, std::size_t size, const char* format,
                             std::va_list values) noexcept {
  if (CHECKER_LOOKED_AT) write_printed(to, size, format, values, CHECKER_CALLER);
  return CHECKER_NEXT(vsnprintf)(to, size, format, values);
}
CHECKER_EXPORT int snprintf(char* to, std::size_t size, const char* format, ...) noexcept {
  std::va_list values;
  va_start(values, format);
  if (CHECKER_LOOKED_AT) write_printed(to, size, format, values, CHECKER_CALLER);
  const int length = CHECKER_NEXT(vsnprintf)(to, size, format, values);
  va_end(values);
  return length;
}
CHECKER_EXPORT int sprintf(char* to, const char* format, ...) noexcept {
  std::va_list values;
  va_start(values, format);
  if (CHECKER_LOOKED_AT) write_printed(to, ~std::size_t{0}, format, values, CHECKER_CALLER);
  const int length = CHECKER_NEXT(vsprintf)(to, format, values);
  va_end(values);
  return length;
}

// Those that allocate what they return.
CHECKER_EXPORT char* strndup(const char* from, std::size_t most) noexcept {
  if (!CHECKER_LOOKED_AT) return CHECKER_NEXT(strndup)(from, most);
  read_text(from, most, CHECKER_CALLER);
  const std::size_t length = CHECKER_NEXT(strnlen)(from, most);
  auto* const made = static_cast<char*>(allocate_memory(length + 1, CHECKER_CALLER));
  if (made == nullptr) return nullptr;
  write_range(address_of(made), length + 1, CHECKER_CALLER);
  std::memcpy(made, from, length);
  made[length] = 0;
  return made;
}
CHECKER_EXPORT char* strdup(const char* from) noexcept {
  if (!CHECKER_LOOKED_AT) return CHECKER_NEXT(strdup)(from);
  read_text(from, CHECKER_CALLER);
  auto* const made = static_cast<char*>(allocate_memory(size_of(from), CHECKER_CALLER));
  if (made == nullptr) return nullptr;
  write_range(address_of(made), size_of(from), CHECKER_CALLER);
  return CHECKER_NEXT(strcpy)(made, from);
}
CHECKER_EXPORT int vasprintf(char** made, const char* format, std::va_list values) noexcept {
  if (!CHECKER_LOOKED_AT) return CHECKER_NEXT(vasprintf)(made, format, values);
  return print_allocated(made, format, values, CHECKER_CALLER);
}
CHECKER_EXPORT int asprintf(char** made, const char* format, ...) noexcept {
  std::va_list values;
  va_start(values, format);
  const int length = CHECKER_LOOKED_AT ? print_allocated(made, format, values, CHECKER_CALLER)
                                       : CHECKER_NEXT(vasprintf)(made, format, values);
  va_end(values);
  return length;
}

// It moves what it sorts without a call of the program.
using comparison = int(const void*, const void*);
CHECKER_EXPORT void qsort(void* begin, std::size_t count, std::size_t size, comparison* compare) {
  if (CHECKER_LOOKED_AT && count > 1) write_range(address_of(begin), count * size, CHECKER_CALLER);
  CHECKER_NEXT(qsort)(begin, count, size, compare);
}

// Functions that keep something of their own, which all threads share.

CHECKER_EXPORT char* strtok(char* text, const char* separators) noexcept {
  if (!CHECKER_LOOKED_AT) return CHECKER_NEXT(strtok)(text, separators);
  write_range(address_of(&rest_of_tokens), sizeof rest_of_tokens, CHECKER_CALLER);
  char* const from = text == nullptr ? rest_of_tokens : text;
  if (from != nullptr) {
    read_text(from, CHECKER_CALLER);
    write_range(address_of(from), size_of(from), CHECKER_CALLER);
  }
  return ::strtok_r(text, separators, &rest_of_tokens);
}
#define CHECKER_KEEPS(result, name, argument, size)        \
  CHECKER_EXPORT result name(argument given) noexcept {    \
    result const kept = CHECKER_NEXT(name)(given);         \
    if (CHECKER_LOOKED_AT && kept != nullptr) {            \
      write_range(address_of(kept), size, CHECKER_CALLER); \
    }                                                      \
    return kept;                                           \
  }
CHECKER_KEEPS(std::tm*, localtime, const std::time_t*, sizeof *kept)
CHECKER_KEEPS(std::tm*, gmtime, const std::time_t*, sizeof *kept)
CHECKER_KEEPS(char*, ctime, const std::time_t*, size_of(kept))
CHECKER_KEEPS(char*, asctime, const std::tm*, size_of(kept))
