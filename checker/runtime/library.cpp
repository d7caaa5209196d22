// SPDX-License-Identifier: MIT
// What functions of the C and C++ libraries read and write of the program's memory, and what some
// of them keep for themselves. Only what the program's own code calls is looked at.
//
// Each function is one entry: its type, its name and parameters, and what is noted before it is
// called. How far some go only a call tells. Of those that write nothing else a call in vain is
// made first; of the others what they have written is noted behind the call.
#include "runtime.hpp"

#include <algorithm>
#include <charconv>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <cwchar>
#include <string_view>
#include <type_traits>

#include <sys/socket.h>
#include <sys/types.h>

namespace checker::runtime {

namespace {

std::size_t length_of(const char* text) { return CHECKER_NEXT(strlen)(text); }
std::size_t length_of(const wchar_t* text) { return CHECKER_NEXT(wcslen)(text); }
std::size_t length_of(const char* text, std::size_t most) {
  return CHECKER_NEXT(strnlen)(text, most);
}
std::size_t length_of(const wchar_t* text, std::size_t most) {
  return CHECKER_NEXT(wcsnlen)(text, most);
}
// Of characters that are none, and of those that are some, of a set.
template <class C>
std::size_t span_of(const C* text, const C* set, bool members) {
  const std::basic_string_view<C> all(set, length_of(set));
  const C* at = text;
  while (*at != 0 && (all.find(*at) != std::basic_string_view<C>::npos) == members) ++at;
  return static_cast<std::size_t>(at - text);
}

// Notes what a function reads and writes that the program's code calls.
struct noting {
  address code;

  void reads(const void* at, std::size_t size) const {
    if (size != 0) read_range(address_of(at), size, code);
  }
  void writes(const void* at, std::size_t size) const {
    if (size != 0) write_range(address_of(at), size, code);
  }
  // Of what it was before nothing is known.
  void wrote(const void* at, std::size_t size) const {
    writes(at, size);
    something_changed();
  }

  template <class T>
  void reads_one(const T* object) const {
    if (object != nullptr) reads(object, sizeof *object);
  }
  template <class T>
  void writes_one(const T* object) const {
    if (object != nullptr) writes(object, sizeof *object);
  }

  template <class C>
  void reads_text(const C* text) const {
    // Whether the memory lives is asked before its end is looked for.
    reads(text, sizeof *text);
    reads(text, (length_of(text) + 1) * sizeof *text);
  }
  template <class C>
  void reads_text(const C* text, std::size_t most) const {
    if (most == 0) return;
    reads(text, sizeof *text);
    reads(text, std::min(length_of(text, most) + 1, most) * sizeof *text);
  }
  // As far as it is a number, and one more. Where there is none, that is not told: all of it.
  template <class C>
  void reads_number(const C* text, const C* end) const {
    if (end == text) return reads_text(text);
    reads(text, static_cast<std::size_t>(end - text + 1) * sizeof *text);
  }
  template <class C>
  void writes_text(const C* to, std::size_t length) const {
    writes(to, length * sizeof *to);
  }
  template <class C>
  void wrote_text(const C* to) const {
    if (to != nullptr) wrote(to, (length_of(to) + 1) * sizeof *to);
  }

  // It ends the token by a zero.
  template <class C>
  void takes_token(const C* from, const C* separators, bool skips) const {
    reads_text(separators);
    if (from == nullptr) return;
    const C* const begin = from + (skips ? span_of(from, separators, true) : 0);
    const C* const end = begin + span_of(begin, separators, false);
    reads(from, static_cast<std::size_t>(end - from + 1) * sizeof *from);
    if (*end != 0) writes_one(end);
  }
};

// What the kernel is about to write. It asks nobody about pages that are protected until they are
// written first.
void touch(void* at, std::size_t size) {
  constexpr std::size_t page = 4096;
  auto* const bytes = static_cast<volatile unsigned char*>(at);
  for (std::size_t i = 0; i < size; i += page) bytes[i] = bytes[i];
  if (size != 0) bytes[size - 1] = bytes[size - 1];
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

int print_wide(wchar_t* to, std::size_t size, const wchar_t* format, std::va_list values,
               address code) {
  const int length = CHECKER_NEXT(vswprintf)(to, size, format, values);
  const std::size_t written = length < 0 ? size : static_cast<std::size_t>(length) + 1;
  if (is_looked_at(code)) noting{code}.wrote(to, written * sizeof *to);
  return length;
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

// A copy of a text, in the program's heap.
template <class C>
C* allocate_text(const C* from, std::size_t length, address code) {
  const std::size_t size = (length + 1) * sizeof *from;
  auto* const made = static_cast<C*>(allocate_memory(size, code));
  if (made == nullptr) return nullptr;
  write_range(address_of(made), size, code);
  std::memcpy(made, from, length * sizeof *from);
  made[length] = 0;
  return made;
}

// One conversion of a format for scanning, behind its percent sign.
template <class C>
struct conversion {
  bool kept = true;
  bool allocates = false;
  std::size_t width = 0;
  int longs = 0;  // of its length: less than 0 for h and hh
  C kind = 0;     // 0: the format ends here

  explicit conversion(const C*& at) {
    for (; *at == '*' || (*at >= '0' && *at <= '9'); ++at) {
      if (*at == '*') {
        kept = false;
      } else {
        width = 10 * width + static_cast<std::size_t>(*at - '0');
      }
    }
    constexpr std::string_view lengths = "hlLqjztm";
    for (; *at != 0 && lengths.find(static_cast<char>(*at)) != std::string_view::npos; ++at) {
      if (*at == 'm') {
        allocates = true;
      } else {
        longs += *at == 'h' ? -1 : *at == 'l' ? 1 : 2;
      }
    }
    kind = *at;
    if (kind != '[') return;
    if (at[1] == '^') ++at;
    if (at[1] == ']') ++at;
    while (*++at != ']') {
      if (*at == 0) {
        --at;
        return;
      }
    }
  }

  std::size_t size_of_assigned(const void* to) const {
    const bool wide = longs > 0 || kind == 'S' || kind == 'C';
    if (allocates || kind == 'p') return sizeof(void*);
    switch (kind) {
      case 'c':
      case 'C':
        return std::max<std::size_t>(width, 1) * (wide ? sizeof(wchar_t) : 1);
      case 's':
      case 'S':
      case '[':
        return wide ? (length_of(static_cast<const wchar_t*>(to)) + 1) * sizeof(wchar_t)
                    : length_of(static_cast<const char*>(to)) + 1;
      case 'a':
      case 'A':
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return longs > 1 ? sizeof(long double) : longs == 1 ? sizeof(double) : sizeof(float);
      default:
        return longs > 0 ? sizeof(long) : sizeof(int) >> -longs;
    }
  }
};

// What scanning has assigned. A conversion %n is not counted.
template <class C>
void wrote_scanned(const noting& note, const C* format, std::va_list values, int assigned) {
  for (; *format != 0; ++format) {
    if (*format != '%') continue;
    if (*++format == '%') continue;
    const conversion<C> each(format);
    if (each.kind == 0 || each.kind == '$') return;  // a pointer that is chosen by its number
    if (!each.kept) continue;
    const void* const to = va_arg(values, void*);
    if (each.kind != 'n' && assigned-- <= 0) return;
    note.wrote(to, each.size_of_assigned(to));
  }
}
template <class C, class Function>
int scan(Function* real, const C* text, const C* format, std::va_list values, address code) {
  if (!is_looked_at(code)) return real(text, format, values);
  const noting note{code};
  note.reads_text(text);
  std::va_list again;
  va_copy(again, values);
  const int assigned = real(text, format, values);
  wrote_scanned(note, format, again, assigned);
  va_end(again);
  return assigned;
}

// What strtok keeps between calls: one for all threads.
char* rest_of_tokens = nullptr;

}  // namespace

}  // namespace checker::runtime

using namespace checker::runtime;

// NOLINTBEGIN(bugprone-macro-parentheses): arguments are types, names and statements

// A function of a library, in whose place ours is. `note` tells what it does, `real` is the
// function itself. What is noted may call it, too, and return.
#define CHECKER_LIBRARY_CALL_AS(symbol, result, name, parameters, arguments, ...) \
  CHECKER_EXPORT result checker_##name parameters asm(symbol);                    \
  CHECKER_EXPORT result checker_##name parameters {                               \
    using function = result parameters;                                           \
    static auto* const real = reinterpret_cast<function*>(next_function(symbol)); \
    const noting note{CHECKER_CALLER};                                            \
    if (is_looked_at(note.code)) {                                                \
      __VA_ARGS__;                                                                \
    }                                                                             \
    return real arguments;                                                        \
  }
#define CHECKER_LIBRARY_CALL(result, name, parameters, arguments, ...) \
  CHECKER_LIBRARY_CALL_AS(#name, result, name, parameters, arguments, __VA_ARGS__)

// Texts and memory, of each kind of character: what the names begin with, and the character.
#define CHECKER_COMPARES(name, C)                                     \
  CHECKER_LIBRARY_CALL(int, name, (const C* a, const C* b), (a, b), { \
    note.reads_text(a);                                               \
    note.reads_text(b);                                               \
  })
#define CHECKER_COMPARES_SOME(name, C)                                                        \
  CHECKER_LIBRARY_CALL(int, name, (const C* a, const C* b, std::size_t most), (a, b, most), { \
    note.reads_text(a, most);                                                                 \
    note.reads_text(b, most);                                                                 \
  })
#define CHECKER_LOOKS_FOR_ONE(name, C, type) \
  CHECKER_LIBRARY_CALL(C*, name, (const C* in, type one), (in, one), note.reads_text(in))
#define CHECKER_LOOKS_FOR(result, name, C)                                       \
  CHECKER_LIBRARY_CALL(result, name, (const C* in, const C* what), (in, what), { \
    note.reads_text(in);                                                         \
    note.reads_text(what);                                                       \
  })
#define CHECKER_COPIES(name, C)                                         \
  CHECKER_LIBRARY_CALL(C*, name, (C * to, const C* from), (to, from), { \
    note.reads_text(from);                                              \
    note.writes_text(to, length_of(from) + 1);                          \
  })
#define CHECKER_COPIES_SOME(name, C)                                                            \
  CHECKER_LIBRARY_CALL(C*, name, (C * to, const C* from, std::size_t size), (to, from, size), { \
    note.reads_text(from, size);                                                                \
    note.writes_text(to, size);                                                                 \
  })
#define CHECKER_COPIES_ALL(name, C)                                                             \
  CHECKER_LIBRARY_CALL(C*, name, (C * to, const C* from, std::size_t size), (to, from, size), { \
    note.reads(from, size * sizeof *from);                                                      \
    note.writes(to, size * sizeof *to);                                                         \
  })
#define CHECKER_NUMBER(result, name, C)                                             \
  CHECKER_LIBRARY_CALL(result, name, (const C* text, const C** end), (text, end), { \
    const C* at = text;                                                             \
    real(text, &at);                                                                \
    note.reads_number(text, at);                                                    \
    note.writes_one(end);                                                           \
  })
#define CHECKER_INTEGER(result, name, C)                                                          \
  CHECKER_LIBRARY_CALL(result, name, (const C* text, const C** end, int base), (text, end, base), \
                       {                                                                          \
                         const C* at = text;                                                      \
                         real(text, &at, base);                                                   \
                         note.reads_number(text, at);                                             \
                         note.writes_one(end);                                                    \
                       })

#define CHECKER_OF_CHARACTERS(C, one, texts, copies, memory)                                       \
  CHECKER_LIBRARY_CALL(int, memory##cmp, (const C* a, const C* b, std::size_t size), (a, b, size), \
                       {                                                                           \
                         note.reads(a, size * sizeof *a);                                          \
                         note.reads(b, size * sizeof *b);                                          \
                       })                                                                          \
  CHECKER_LIBRARY_CALL(                                                                            \
      C*, memory##chr, (const C* in, one what, std::size_t size), (in, what, size), {              \
        C* const at = real(in, what, size);                                                        \
        note.reads(in,                                                                             \
                   (at == nullptr ? size : static_cast<std::size_t>(at - in + 1)) * sizeof *in);   \
        return at;                                                                                 \
      })                                                                                           \
  CHECKER_COPIES_ALL(memory##pcpy, C)                                                              \
  CHECKER_LIBRARY_CALL(std::size_t, texts##len, (const C* text), (text), note.reads_text(text))    \
  CHECKER_LIBRARY_CALL(std::size_t, texts##nlen, (const C* text, std::size_t most), (text, most),  \
                       note.reads_text(text, most))                                                \
  CHECKER_COMPARES(texts##cmp, C)                                                                  \
  CHECKER_COMPARES(texts##casecmp, C)                                                              \
  CHECKER_COMPARES(texts##coll, C)                                                                 \
  CHECKER_COMPARES_SOME(texts##ncmp, C)                                                            \
  CHECKER_COMPARES_SOME(texts##ncasecmp, C)                                                        \
  CHECKER_LOOKS_FOR_ONE(texts##chr, C, one)                                                        \
  CHECKER_LOOKS_FOR_ONE(texts##rchr, C, one)                                                       \
  CHECKER_LOOKS_FOR_ONE(texts##chrnul, C, one)                                                     \
  CHECKER_LOOKS_FOR(C*, texts##str, C)                                                             \
  CHECKER_LOOKS_FOR(C*, texts##pbrk, C)                                                            \
  CHECKER_LOOKS_FOR(std::size_t, texts##spn, C)                                                    \
  CHECKER_LOOKS_FOR(std::size_t, texts##cspn, C)                                                   \
  CHECKER_COPIES(texts##cpy, C)                                                                    \
  CHECKER_COPIES(copies##cpy, C)                                                                   \
  CHECKER_COPIES_SOME(texts##ncpy, C)                                                              \
  CHECKER_COPIES_SOME(copies##ncpy, C)                                                             \
  CHECKER_LIBRARY_CALL(C*, texts##cat, (C * to, const C* from), (to, from), {                      \
    note.reads_text(to);                                                                           \
    note.reads_text(from);                                                                         \
    note.writes_text(to + length_of(to), length_of(from) + 1);                                     \
  })                                                                                               \
  CHECKER_LIBRARY_CALL(C*, texts##ncat, (C * to, const C* from, std::size_t most),                 \
                       (to, from, most), {                                                         \
                         note.reads_text(to);                                                      \
                         note.reads_text(from, most);                                              \
                         note.writes_text(to + length_of(to), length_of(from, most) + 1);          \
                       })                                                                          \
  CHECKER_LIBRARY_CALL(std::size_t, texts##xfrm, (C * to, const C* from, std::size_t size),        \
                       (to, from, size), {                                                         \
                         note.reads_text(from);                                                    \
                         note.writes_text(to, std::min(real(nullptr, from, 0) + 1, size));         \
                       })                                                                          \
  CHECKER_LIBRARY_CALL(C*, texts##dup, (const C* from), (from), {                                  \
    note.reads_text(from);                                                                         \
    return allocate_text(from, length_of(from), note.code);                                        \
  })                                                                                               \
  CHECKER_NUMBER(float, texts##tof, C)                                                             \
  CHECKER_NUMBER(double, texts##tod, C)                                                            \
  CHECKER_NUMBER(long double, texts##told, C)                                                      \
  CHECKER_INTEGER(long, texts##tol, C)                                                             \
  CHECKER_INTEGER(unsigned long, texts##toul, C)                                                   \
  CHECKER_INTEGER(long long, texts##toll, C)                                                       \
  CHECKER_INTEGER(unsigned long long, texts##toull, C)                                             \
  CHECKER_INTEGER(std::intmax_t, texts##toimax, C)                                                 \
  CHECKER_INTEGER(std::uintmax_t, texts##toumax, C)                                                \
  /* As programs call them that are compiled with glibc 2.38 and newer. */                         \
  CHECKER_INTEGER(long, __isoc23_##texts##tol, C)                                                  \
  CHECKER_INTEGER(unsigned long, __isoc23_##texts##toul, C)                                        \
  CHECKER_INTEGER(long long, __isoc23_##texts##toll, C)                                            \
  CHECKER_INTEGER(unsigned long long, __isoc23_##texts##toull, C)
// The program's own calls of memcpy, memmove and memset are in access.cpp.
CHECKER_OF_CHARACTERS(char, int, str, stp, mem)
CHECKER_OF_CHARACTERS(wchar_t, wchar_t, wcs, wcp, wmem)

CHECKER_LIBRARY_CALL(int, bcmp, (const void* a, const void* b, std::size_t size), (a, b, size), {
  note.reads(a, size);
  note.reads(b, size);
})
CHECKER_LIBRARY_CALL(void*, memmem,
                     (const char* in, std::size_t size, const void* what, std::size_t length),
                     (in, size, what, length), {
                       const auto* const at = static_cast<char*>(real(in, size, what, length));
                       note.reads(in,
                                  at == nullptr ? size : address_of(at + length) - address_of(in));
                       note.reads(what, length);
                     })
CHECKER_COPIES_ALL(wmemcpy, wchar_t)
CHECKER_COPIES_ALL(wmemmove, wchar_t)
CHECKER_LIBRARY_CALL(wchar_t*, wmemset, (wchar_t * to, wchar_t value, std::size_t size),
                     (to, value, size), note.writes(to, size * sizeof *to))
CHECKER_LOOKS_FOR(char*, strcasestr, char)
CHECKER_LIBRARY_CALL(double, atof, (const char* text), (text), {
  char* end = nullptr;
  CHECKER_NEXT(strtod)(text, &end);
  note.reads_number(text, static_cast<const char*>(end));
})
#define CHECKER_PLAIN_INTEGER(result, name)                        \
  CHECKER_LIBRARY_CALL(result, name, (const char* text), (text), { \
    char* end = nullptr;                                           \
    CHECKER_NEXT(strtol)(text, &end, 10);                          \
    note.reads_number(text, static_cast<const char*>(end));        \
  })
CHECKER_PLAIN_INTEGER(int, atoi)
CHECKER_PLAIN_INTEGER(long, atol)
CHECKER_PLAIN_INTEGER(long long, atoll)

// Tokens: what the rest of the text is the program keeps, but for strtok.
#define CHECKER_TOKENS(name, C)                                                                 \
  CHECKER_LIBRARY_CALL(C*, name, (C * text, const C* separators, C** rest),                     \
                       (text, separators, rest), {                                              \
                         note.takes_token<C>(text == nullptr ? *rest : text, separators, true); \
                         note.writes_one(rest);                                                 \
                       })
CHECKER_TOKENS(strtok_r, char)
CHECKER_TOKENS(__strtok_r, char)
CHECKER_TOKENS(wcstok, wchar_t)
CHECKER_LIBRARY_CALL(char*, strsep, (char** rest, const char* separators), (rest, separators), {
  note.takes_token<char>(*rest, separators, false);
  note.writes_one(rest);
})
CHECKER_LIBRARY_CALL(char*, strtok, (char* text, const char* separators), (text, separators), {
  note.writes_one(&rest_of_tokens);
  note.takes_token<char>(text == nullptr ? rest_of_tokens : text, separators, true);
  return CHECKER_NEXT(strtok_r)(text, separators, &rest_of_tokens);
})

// Between characters and wide ones.
CHECKER_LIBRARY_CALL(std::size_t, mbstowcs, (wchar_t * to, const char* from, std::size_t size),
                     (to, from, size), {
                       const std::size_t length = real(nullptr, from, 0);
                       const bool all = to == nullptr || length < size;
                       note.reads_text(from, all ? ~std::size_t{0} : size);
                       if (to != nullptr && length != ~std::size_t{0}) {
                         note.writes_text(to, std::min(length + 1, size));
                       }
                     })
CHECKER_LIBRARY_CALL(std::size_t, wcstombs, (char* to, const wchar_t* from, std::size_t size),
                     (to, from, size), {
                       const std::size_t length = real(nullptr, from, 0);
                       const bool all = to == nullptr || length < size;
                       note.reads_text(from, all ? ~std::size_t{0} : size);
                       if (to != nullptr && length != ~std::size_t{0}) {
                         note.writes(to, std::min(length + 1, size));
                       }
                     })

// Printing; what is printed from is not looked at.
CHECKER_LIBRARY_CALL(int, vsnprintf,
                     (char* to, std::size_t size, const char* format, std::va_list values),
                     (to, size, format, values), write_printed(to, size, format, values, note.code))
CHECKER_LIBRARY_CALL(int, vsprintf, (char* to, const char* format, std::va_list values),
                     (to, format, values),
                     write_printed(to, ~std::size_t{0}, format, values, note.code))
CHECKER_LIBRARY_CALL(int, vasprintf, (char** made, const char* format, std::va_list values),
                     (made, format, values),
                     return print_allocated(made, format, values, note.code))
CHECKER_LIBRARY_CALL(int, vswprintf,
                     (wchar_t * to, std::size_t size, const wchar_t* format, std::va_list values),
                     (to, size, format, values),
                     return print_wide(to, size, format, values, note.code))
// The same, and scanning, of values that are not in a list yet.
#define CHECKER_OF_VALUES(name, parameters, ...)           \
  CHECKER_EXPORT int checker_##name parameters asm(#name); \
  CHECKER_EXPORT int checker_##name parameters {           \
    const address code = CHECKER_CALLER;                   \
    std::va_list values;                                   \
    va_start(values, format);                              \
    const int done = [&] { __VA_ARGS__; }();               \
    va_end(values);                                        \
    return done;                                           \
  }
CHECKER_OF_VALUES(snprintf, (char* to, std::size_t size, const char* format, ...), {
  if (is_looked_at(code)) write_printed(to, size, format, values, code);
  return CHECKER_NEXT(vsnprintf)(to, size, format, values);
})
CHECKER_OF_VALUES(sprintf, (char* to, const char* format, ...), {
  if (is_looked_at(code)) write_printed(to, ~std::size_t{0}, format, values, code);
  return CHECKER_NEXT(vsprintf)(to, format, values);
})
CHECKER_OF_VALUES(asprintf, (char** made, const char* format, ...), {
  return is_looked_at(code) ? print_allocated(made, format, values, code)
                            : CHECKER_NEXT(vasprintf)(made, format, values);
})
CHECKER_OF_VALUES(swprintf, (wchar_t * to, std::size_t size, const wchar_t* format, ...),
                  { return print_wide(to, size, format, values, code); })
#define CHECKER_SCANS(prefix, scanf, C)                                                       \
  CHECKER_OF_VALUES(prefix##scanf, (const C* text, const C* format, ...), {                   \
    using function = int(const C*, const C*, std::va_list);                                   \
    static auto* const real = reinterpret_cast<function*>(next_function(#prefix "v" #scanf)); \
    return scan(real, text, format, values, code);                                            \
  })                                                                                          \
  CHECKER_LIBRARY_CALL(int, prefix##v##scanf,                                                 \
                       (const C* text, const C* format, std::va_list values),                 \
                       (text, format, values), return scan(real, text, format, values, note.code))
CHECKER_SCANS(, sscanf, char)
CHECKER_SCANS(, swscanf, wchar_t)
CHECKER_SCANS(__isoc99_, sscanf, char)
CHECKER_SCANS(__isoc99_, swscanf, wchar_t)
CHECKER_SCANS(__isoc23_, sscanf, char)
CHECKER_SCANS(__isoc23_, swscanf, wchar_t)

CHECKER_LIBRARY_CALL(char*, strndup, (const char* from, std::size_t most), (from, most), {
  note.reads_text(from, most);
  return allocate_text(from, length_of(from, most), note.code);
})

// It moves what it sorts without a call of the program.
using comparison = int(const void*, const void*);
CHECKER_LIBRARY_CALL(void, qsort,
                     (void* begin, std::size_t count, std::size_t size, comparison* compare),
                     (begin, count, size, compare), if (count > 1) note.writes(begin, count* size))

// Numbers that come in two parts.
#define CHECKER_PARTS(T, suffix)                                                       \
  CHECKER_LIBRARY_CALL(T, frexp##suffix, (T value, int* exponent), (value, exponent),  \
                       note.writes_one(exponent))                                      \
  CHECKER_LIBRARY_CALL(T, modf##suffix, (T value, T * whole), (value, whole),          \
                       note.writes_one(whole))                                         \
  CHECKER_LIBRARY_CALL(T, remquo##suffix, (T a, T b, int* quotient), (a, b, quotient), \
                       note.writes_one(quotient))
CHECKER_PARTS(float, f)
CHECKER_PARTS(double, )
CHECKER_PARTS(long double, l)
CHECKER_LIBRARY_CALL(int, rand_r, (unsigned* seed), (seed), note.writes_one(seed))

// Dates. Some are kept by the function, for all threads.
#define CHECKER_KEEPS(result, name, argument, noted)                      \
  CHECKER_LIBRARY_CALL(result*, name, (const argument* given), (given), { \
    note.reads_one(given);                                                \
    result* const kept = real(given);                                     \
    if (kept != nullptr) noted;                                           \
    return kept;                                                          \
  })
CHECKER_KEEPS(std::tm, localtime, std::time_t, note.wrote(kept, sizeof *kept))
CHECKER_KEEPS(std::tm, gmtime, std::time_t, note.wrote(kept, sizeof *kept))
CHECKER_KEEPS(char, ctime, std::time_t, note.wrote_text(kept))
CHECKER_KEEPS(char, asctime, std::tm, note.wrote_text(kept))
#define CHECKER_DATE(name)                                                                       \
  CHECKER_LIBRARY_CALL(std::tm*, name, (const std::time_t* time, std::tm* date), (time, date), { \
    note.reads_one(time);                                                                        \
    note.writes_one(date);                                                                       \
  })
CHECKER_DATE(localtime_r)
CHECKER_DATE(gmtime_r)
#define CHECKER_DATE_TEXT(name, T)                                             \
  CHECKER_LIBRARY_CALL(char*, name, (const T* given, char* to), (given, to), { \
    note.reads_one(given);                                                     \
    char* const made = real(given, to);                                        \
    note.wrote_text(made);                                                     \
    return made;                                                               \
  })
CHECKER_DATE_TEXT(ctime_r, std::time_t)
CHECKER_DATE_TEXT(asctime_r, std::tm)
CHECKER_LIBRARY_CALL(std::time_t, mktime, (std::tm * date), (date), note.writes_one(date))
CHECKER_LIBRARY_CALL(std::time_t, timegm, (std::tm * date), (date), note.writes_one(date))
#define CHECKER_FORMATS_DATE(name, C)                                                    \
  CHECKER_LIBRARY_CALL(std::size_t, name,                                                \
                       (C * to, std::size_t size, const C* format, const std::tm* date), \
                       (to, size, format, date), {                                       \
                         note.reads_one(date);                                           \
                         const std::size_t length = real(to, size, format, date);        \
                         note.wrote(to, (length == 0 ? size : length + 1) * sizeof *to); \
                         return length;                                                  \
                       })
CHECKER_FORMATS_DATE(strftime, char)
CHECKER_FORMATS_DATE(wcsftime, wchar_t)
CHECKER_LIBRARY_CALL(const char*, strptime, (const char* text, const char* format, std::tm* date),
                     (text, format, date), {
                       note.reads_text(text);
                       note.writes_one(date);
                     })

// Messages, names, addresses.
CHECKER_LIBRARY_CALL(char*, strerror_r, (int number, char* to, std::size_t size),
                     (number, to, size), {
                       char* const text = real(number, to, size);
                       if (text == to) note.wrote_text(to);
                       return text;
                     })
CHECKER_LIBRARY_CALL(int, __xpg_strerror_r, (int number, char* to, std::size_t size),
                     (number, to, size), {
                       const int error = real(number, to, size);
                       if (size != 0) note.wrote_text(to);
                       return error;
                     })
CHECKER_LIBRARY_CALL(int, gethostname, (char* to, std::size_t size), (to, size), {
  const int error = real(to, size);
  note.wrote(to, std::min(length_of(to, size) + 1, size));
  return error;
})
CHECKER_LIBRARY_CALL(char*, getcwd, (char* to, std::size_t size), (to, size), {
  if (to != nullptr) touch(to, size);
  char* const path = real(to, size);
  if (path == to) note.wrote_text(to);
  return path;
})
constexpr std::size_t size_of_address(int family) { return family == AF_INET ? 4 : 16; }
CHECKER_LIBRARY_CALL(const char*, inet_ntop,
                     (int family, const void* from, char* to, unsigned size),
                     (family, from, to, size), {
                       note.reads(from, size_of_address(family));
                       const char* const text = real(family, from, to, size);
                       note.wrote_text(text);
                       return text;
                     })
CHECKER_LIBRARY_CALL(int, inet_pton, (int family, const char* text, void* to), (family, text, to), {
  note.reads_text(text);
  const int done = real(family, text, to);
  if (done == 1) note.wrote(to, size_of_address(family));
  return done;
})

// Files and streams: the program's own memory.
#define CHECKER_READS_FILE(name, parameters, arguments)               \
  CHECKER_LIBRARY_CALL(ssize_t, name, parameters, arguments, {        \
    touch(to, size);                                                  \
    const ssize_t length = real arguments;                            \
    if (length > 0) note.wrote(to, static_cast<std::size_t>(length)); \
    return length;                                                    \
  })
CHECKER_READS_FILE(read, (int file, void* to, std::size_t size), (file, to, size))
CHECKER_READS_FILE(pread, (int file, void* to, std::size_t size, off_t at), (file, to, size, at))
CHECKER_READS_FILE(pread64, (int file, void* to, std::size_t size, off_t at), (file, to, size, at))
CHECKER_LIBRARY_CALL(ssize_t, write, (int file, const void* from, std::size_t size),
                     (file, from, size), note.reads(from, size))
CHECKER_LIBRARY_CALL(ssize_t, pwrite, (int file, const void* from, std::size_t size, off_t at),
                     (file, from, size, at), note.reads(from, size))
CHECKER_LIBRARY_CALL(ssize_t, pwrite64, (int file, const void* from, std::size_t size, off_t at),
                     (file, from, size, at), note.reads(from, size))
CHECKER_LIBRARY_CALL(int, puts, (const char* text), (text), note.reads_text(text))
CHECKER_LIBRARY_CALL(int, fputs, (const char* text, std::FILE* file), (text, file),
                     note.reads_text(text))
CHECKER_LIBRARY_CALL(std::size_t, fwrite,
                     (const void* from, std::size_t size, std::size_t count, std::FILE* file),
                     (from, size, count, file), note.reads(from, size* count))
CHECKER_LIBRARY_CALL(std::size_t, fread,
                     (void* to, std::size_t size, std::size_t count, std::FILE* file),
                     (to, size, count, file), {
                       touch(to, size * count);
                       const std::size_t done = real(to, size, count, file);
                       if (done != 0) note.wrote(to, done * size);
                       return done;
                     })
CHECKER_LIBRARY_CALL(char*, fgets, (char* to, int size, std::FILE* file), (to, size, file), {
  char* const text = real(to, size, file);
  note.wrote_text(text);
  return text;
})

// What the C++ library has compiled.

CHECKER_LIBRARY_CALL_AS("_ZSt11_Hash_bytesPKvmm", std::size_t, hash_bytes,
                        (const void* from, std::size_t size, std::size_t seed), (from, size, seed),
                        note.reads(from, size))
#define CHECKER_TO_CHARS(symbol, name, parameters, arguments)                                 \
  CHECKER_LIBRARY_CALL_AS("_ZSt8to_charsPcS_" symbol, std::to_chars_result, name, parameters, \
                          arguments, {                                                        \
                            const std::to_chars_result made = real arguments;                 \
                            note.wrote(to, static_cast<std::size_t>(made.ptr - to));          \
                            return made;                                                      \
                          })
#define CHECKER_CHARACTERS(T, symbol)                                                              \
  CHECKER_TO_CHARS(#symbol, to_chars_##symbol, (char* to, char* end, T value), (to, end, value))   \
  CHECKER_TO_CHARS(#symbol "St12chars_format", to_chars_format_##symbol,                           \
                   (char* to, char* end, T value, std::chars_format format),                       \
                   (to, end, value, format))                                                       \
  CHECKER_TO_CHARS(#symbol "St12chars_formati", to_chars_precision_##symbol,                       \
                   (char* to, char* end, T value, std::chars_format format, int precision),        \
                   (to, end, value, format, precision))                                            \
  CHECKER_LIBRARY_CALL_AS("_ZSt10from_charsPKcS0_R" #symbol "St12chars_format",                    \
                          std::from_chars_result, from_chars_##symbol,                             \
                          (const char* from, const char* end, T* value, std::chars_format format), \
                          (from, end, value, format), {                                            \
                            T read{};                                                              \
                            const std::from_chars_result made = real(from, end, &read, format);    \
                            const char* const last =                                               \
                                made.ptr == from || made.ptr == end ? end : made.ptr + 1;          \
                            note.reads(from, static_cast<std::size_t>(last - from));               \
                            if (made.ec == std::errc{}) note.writes_one(value);                    \
                          })
CHECKER_CHARACTERS(float, f)
CHECKER_CHARACTERS(double, d)
CHECKER_CHARACTERS(long double, e)
// NOLINTEND(bugprone-macro-parentheses)
