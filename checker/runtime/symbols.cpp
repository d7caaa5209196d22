// SPDX-License-Identifier: MIT
// Places in the program's code, and what stands there in its source. In a search a place is no more
// than the address of a call. When an error is told, each step has the calls that led to it, and
// the first of them that is the program's own is the line to show: addr2line knows the lines.
#include "runtime.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cxxabi.h>
#include <elf.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>
#include <unwind.h>

namespace checker::runtime {

namespace {

constexpr const char* of_code = "code";    // the line is an address
constexpr const char* of_calls = "calls";  // the line is an index of call_lists

std::vector<std::vector<address>> call_lists;

constexpr std::size_t most_calls = 64;

_Unwind_Reason_Code note_call(_Unwind_Context* context, void* list) {
  auto& calls = *static_cast<std::vector<address>*>(list);
  const auto code = static_cast<address>(_Unwind_GetIP(context));
  if (code == 0 || calls.size() == most_calls) return _URC_END_OF_STACK;
  if (owner_of(code) != owner::runtime) calls.push_back(code);
  return _URC_NO_REASON;
}

struct line {
  std::string function;
  std::string file;
  std::uint32_t number = 0;

  bool known() const { return number != 0 && file != "??"; }
  // Whether it is the program's own, or of a library that it is made of: not of the C++ library, of
  // the compiler, or of what check-c++ puts in front.
  bool own() const {
    return known() && !file.starts_with("/usr/lib") && !of_library() &&
           !file.ends_with("/checker/prelude.hpp") && !file.ends_with("/checker/program.h");
  }
  // A part of the C++ library lies in a folder of the machine, between these two.
  bool of_library() const {
    const std::string_view before = std::string_view(file).substr(0, file.find("/c++/"));
    return before.size() != file.size() &&
           (before.ends_with("/include") ||
            before.substr(0, before.rfind('/')).ends_with("/include"));
  }
};

std::string program_path() {
  char path[4096];
  const auto size = ::readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

// A name without its parameters: what a report has room for. Those of a lambda are a part of its
// name.
std::string short_name(const std::string& name) {
  int depth = 0;
  for (std::size_t i = 0; i != name.size(); ++i) {
    depth += name[i] == '{' || name[i] == '<' ? 1 : 0;
    depth -= name[i] == '}' || name[i] == '>' ? 1 : 0;
    if (name[i] != '(' || depth > 0 || i == 0) continue;
    const std::string_view before = std::string_view(name).substr(0, i);
    if (!before.ends_with("operator") && !before.ends_with("::")) return std::string(before);
    i = std::min(name.find(')', i), name.size() - 1);
  }
  return depth > 0 ? name.substr(0, name.find('(', 1)) : name;  // depth: of an operator<
}

// For each address the functions that are inlined there, the innermost first.
std::map<address, std::vector<line>> lines_of(const std::vector<address>& codes) {
  std::map<address, std::vector<line>> found;
  for (std::size_t first = 0; first < codes.size(); first += 500) {
    std::string command = "addr2line -aifC -e '" + program_path() + "'";
    const std::size_t end = std::min(codes.size(), first + 500);
    for (std::size_t i = first; i != end; ++i) {
      char text[32];
      std::snprintf(text, sizeof text, " %#zx", static_cast<std::size_t>(codes[i]));
      command += text;
    }
    command += " 2>/dev/null";
    std::FILE* const answers = ::popen(command.c_str(), "r");
    if (answers == nullptr) return found;
    char text[8192];
    std::vector<line>* now = nullptr;
    bool at_function = true;
    while (std::fgets(text, sizeof text, answers) != nullptr) {
      std::string answer(text, std::strcspn(text, "\n"));
      unsigned long long code = 0;
      if (answer.starts_with("0x") && std::sscanf(answer.c_str(), "%llx", &code) == 1) {
        now = &found[code];
        at_function = true;
      } else if (now == nullptr) {
        continue;
      } else if (at_function) {
        now->push_back({short_name(answer), {}, 0});
        at_function = false;
      } else {
        if (const std::size_t more = answer.find(" (discriminator"); more != std::string::npos) {
          answer.resize(more);
        }
        const std::size_t colon = answer.rfind(':');
        now->back().file = answer.substr(0, colon);
        if (colon != std::string::npos) {
          now->back().number =
              static_cast<std::uint32_t>(std::strtoul(answer.c_str() + colon + 1, nullptr, 10));
        }
        at_function = true;
      }
    }
    ::pclose(answers);
  }
  return found;
}

// Texts of places, which have to stay.
std::deque<std::string> texts;
const char* kept(const std::string& text) {
  texts.push_back(text);
  return texts.back().c_str();
}

struct symbol_range {
  address begin = 0, end = 0;
} waiters;

}  // namespace

place place_of(address code) {
  if (!tracing) [[likely]] {
    return {of_code, "", static_cast<std::uint32_t>(code)};
  }
  std::vector<address> calls;
  _Unwind_Backtrace(note_call, &calls);
  if (calls.empty() || std::find(calls.begin(), calls.end(), code) == calls.end()) {
    calls.insert(calls.begin(), code);
  }
  call_lists.push_back(std::move(calls));
  return {of_calls, "", static_cast<std::uint32_t>(call_lists.size() - 1)};
}

void resolve_places(counterexample& told) {
  const auto calls_of = [](const place& p) -> std::vector<address> {
    if (p.file == of_code && p.line != 0) return {p.line};
    if (p.file == of_calls) return call_lists[p.line];
    return {};
  };
  std::vector<place*> places;
  for (step& each : told.steps) places.push_back(&each.from);
  for (place& each : told.places) places.push_back(&each);
  for (named_location& each : told.locations) places.push_back(&each.made);
  for (waiting_thread& each : told.waiting) places.push_back(&each.from);
  std::vector<address> codes;
  for (const place* each : places) {
    // A return address is behind the call that it belongs to.
    for (const address code : calls_of(*each)) {
      if (code < low_end) codes.push_back(code - 1);
    }
  }
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  const auto lines = lines_of(codes);
  std::map<std::string, const char*> interned;
  const auto text = [&](const std::string& t) {
    auto& found = interned[t];
    if (found == nullptr) found = kept(t);
    return found;
  };
  for (place* each : places) {
    const line* first = nullptr;
    const line* own = nullptr;
    for (const address code : calls_of(*each)) {
      const auto found = lines.find(code - 1);
      if (found == lines.end()) continue;
      for (const line& l : found->second) {
        if (first == nullptr && l.known()) first = &l;
        if (own == nullptr && l.own()) own = &l;
      }
      if (own != nullptr) break;
    }
    if (own == nullptr) own = first;
    if (own == nullptr) {
      *each = {"", "", 0};
    } else {
      *each = {text(own->file), text(own->function), own->number};
    }
  }
}

namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string text_of(const line& each) {
  return base_name(each.file) + ":" + std::to_string(each.number);
}

}  // namespace

std::string own_line_of(address code) {
  for (const auto& [at, lines] : lines_of({code - 1})) {
    for (const line& each : lines) {
      if (each.own()) return text_of(each);
    }
  }
  return {};
}

// The calls are behind one another: code:4198400+4198720
std::string mark_of_calls(address code) {
  constexpr std::ptrdiff_t most = 8;  // a text of the engine is short
  std::vector<address> calls;
  _Unwind_Backtrace(note_call, &calls);
  // Where a signal has interrupted the code it stands before that instruction, and not behind it.
  const auto first = std::find_if(calls.begin(), calls.end(),
                                  [&](address each) { return each == code || each + 1 == code; });
  std::string made = of_code + (":" + std::to_string(code));
  for (auto each = first; each != calls.end() && each - first < most; ++each) {
    if (each != first && *each < low_end) made += "+" + std::to_string(*each);
  }
  return made;
}

// The first line that is the program's own; or else the first one; or else the function.
std::string with_line(std::string text) {
  const std::string mark = std::string(of_code) + ":";
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return text;
  const std::size_t begin = at + mark.size();
  const std::size_t end = std::min(text.find_first_not_of("0123456789+", begin), text.size());
  std::vector<address> codes;
  for (const char* next = text.c_str() + begin; next < text.c_str() + end;) {
    char* behind = nullptr;
    codes.push_back(std::strtoull(next, &behind, 10) - 1);
    next = behind + 1;
  }
  auto lines = lines_of(codes);
  std::string found;
  std::string function;
  for (const address code : codes) {
    for (const line& each : lines[code]) {
      if (each.own()) return text.replace(at, end - at, text_of(each));
      if (found.empty() && each.known()) found = text_of(each);
      if (function.empty() && each.function != "??") function = each.function;
    }
  }
  if (found.empty()) {
    char where[32];
    std::snprintf(where, sizeof where, "%#zx", static_cast<std::size_t>(codes.front()));
    found = (function.empty() ? where : function) + " in " + base_name(program_path()) +
            ", of which no line is known: -g0 or -s was given, or check-c++ has not compiled it";
  }
  return text.replace(at, end - at, found);
}

conflict_lines lines_of_conflicts(const statistics& found) {
  const auto lines = [](const std::vector<std::string>& names) {
    std::vector<address> codes;
    for (const std::string& each : names) {
      if (!each.starts_with(of_code)) continue;
      codes.push_back(std::strtoull(each.c_str() + each.find(':') + 1, nullptr, 10) - 1);
    }
    std::set<std::string> made;
    for (const auto& [code, inlined] : lines_of(codes)) {
      const auto own =
          std::find_if(inlined.begin(), inlined.end(), [](const line& each) { return each.own(); });
      if (own == inlined.end()) continue;
      made.insert(text_of(*own));
    }
    return made;
  };
  const std::set<std::string> met = lines(found.met);
  conflict_lines made{{met.begin(), met.end()}, {}};
  for (const std::string& each : lines(found.unmet)) {
    if (!met.contains(each)) made.unmet.push_back(each);
  }
  return made;
}

namespace {
std::map<address, std::vector<line>> known_lines;
unsigned excused = 0;

// The calls that the running thread is in, from the one at `code` outwards.
std::vector<address> calls_from(address code) {
  std::vector<address> calls;
  _Unwind_Backtrace(note_call, &calls);
  return {std::find(calls.begin(), calls.end(), code), calls.end()};
}

// Whether a function of this class, in this header, is what runs at an address, inlined or not: or,
// with nothing but the library's swap in between, what called it.
bool runs_in(std::string_view of_class, std::string_view header,
             const std::vector<address>& calls) {
  for (const address code : calls) {
    const auto [found, added] = known_lines.try_emplace(code);
    if (added && code < low_end) {
      auto lines = lines_of({code - 1});
      if (!lines.empty()) found->second = lines.begin()->second;
    }
    bool swap_only = !found->second.empty();
    for (const line& each : found->second) {
      if (each.file.ends_with(header) && each.function.find(of_class) != std::string::npos)
        return true;
      swap_only = swap_only && each.file.ends_with("/bits/move.h");
    }
    if (!swap_only) return false;
  }
  return false;
}
}  // namespace

// std::atomic<std::shared_ptr> of libstdc++ 12 gives its lock back with a relaxed operation, after
// it has read its pointer: by the letter, the next who writes it races with that. The functions for
// plain std::shared_ptr in the same header take a mutex, and are not excused.
bool is_excused(address code) {
  const bool found = runs_in("_Sp_atomic", "/bits/shared_ptr_atomic.h", calls_from(code));
  excused += found ? 1 : 0;
  return found;
}

unsigned excused_races() noexcept { return excused; }

namespace {
unsigned semaphores = 0;
}

// std::counting_semaphore of libstdc++ 12 looks at its count, finds that another was faster, and
// sleeps as long as the count is the one that it saw: that may be 1, after a release that has woken
// all.
bool waits_in_semaphore(address code) {
  static std::map<address, bool> known;
  const std::vector<address> calls = calls_from(code);
  constexpr std::size_t deepest = 8;  // below the semaphore's own function
  for (std::size_t i = 0; i != std::min(calls.size(), deepest); ++i) {
    const auto [found, added] = known.try_emplace(calls[i], false);
    if (added && calls[i] < low_end) {
      for (const auto& [at, lines] : lines_of({calls[i] - 1})) {
        found->second = std::any_of(lines.begin(), lines.end(), [](const line& each) {
          return each.file.ends_with("/bits/semaphore_base.h");
        });
      }
    }
    if (!found->second) continue;
    ++semaphores;
    return true;
  }
  return false;
}

unsigned semaphore_waits() noexcept { return semaphores; }

namespace {
// Calls visit(name, symbol) for each symbol of the program.
template <class Visit>
void for_each_symbol(Visit visit) {
  std::ifstream in(program_path(), std::ios::binary);
  Elf64_Ehdr header{};
  if (!in.read(reinterpret_cast<char*>(&header), sizeof header)) return;
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  in.seekg(static_cast<std::streamoff>(header.e_shoff));
  in.read(reinterpret_cast<char*>(sections.data()),
          static_cast<std::streamsize>(sections.size() * sizeof(Elf64_Shdr)));
  const auto contents = [&](const Elf64_Shdr& section) {
    std::vector<char> bytes(section.sh_size);
    in.seekg(static_cast<std::streamoff>(section.sh_offset));
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
  };
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    const std::vector<char> table = contents(section);
    const std::vector<char> names = contents(sections[section.sh_link]);
    for (std::size_t at = 0; at + sizeof(Elf64_Sym) <= table.size(); at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol{};
      std::memcpy(&symbol, table.data() + at, sizeof symbol);
      if (symbol.st_name < names.size()) visit(names.data() + symbol.st_name, symbol);
    }
  }
}

std::string demangled(const char* name) {
  if (!std::string_view(name).starts_with("_Z")) return name;  // a type's name, for what demangles
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  std::string made = status == 0 ? text.get() : name;
  constexpr std::string_view guard = "guard variable for ";
  return made.starts_with(guard) ? made.substr(guard.size()) : made;
}

}  // namespace

std::size_t size_of(object_kind is) noexcept {
  switch (is) {
    case object_kind::mutex:
      return sizeof(pthread_mutex_t);
    case object_kind::rwlock:
      return sizeof(pthread_rwlock_t);
    case object_kind::condition:
      return sizeof(pthread_cond_t);
    case object_kind::semaphore:
    case object_kind::barrier:
      return sizeof(sem_t);
    default:
      return 2 * sizeof(std::uint64_t);
  }
}

void find_symbols() {
  for_each_symbol([](const char* name, const Elf64_Sym& symbol) {
    constexpr const char* wanted = "_ZZNSt8__detail18__waiter_pool_base6_S_forEPKvE3__w";
    if (std::strcmp(name, wanted) == 0) {
      waiters = {symbol.st_value, symbol.st_value + symbol.st_size};
    }
  });
}

// Of each file the local symbols follow its name, and what the compiler instruments has a function
// of a name that it chooses, which is called before main.
std::vector<std::string> files_without_instrumentation() {
  std::vector<std::string> found;
  for_each_symbol([&](std::string_view name, const Elf64_Sym& symbol) {
    if (ELF64_ST_TYPE(symbol.st_info) == STT_FILE) {
      found.emplace_back(name);
    } else if (name.starts_with("_sub_I_00099_") || name == "tsan.module_ctor") {
      if (!found.empty()) found.back().clear();
    }
  });
  // What the C library and the compiler add has no name, or that of an object file.
  std::erase_if(found, [](const std::string& each) {
    return each.empty() || each.ends_with(".o") || each.ends_with(".oS") || each == "crtstuff.c";
  });
  return found;
}

bool uses_poolproof() {
  bool found = false;
  for_each_symbol([&](const char* name, const Elf64_Sym&) {
    found = found || std::strstr(name, "9poolproof") != nullptr;
  });
  return found;
}

// A variable by its symbol, and a part of one by how far it is behind its begin: unlike the symbol,
// the source line that uses it may say how that part is called. In each thread's stack there are
// many, of which nothing is known.
void name_objects(counterexample& told) {
  std::map<const void*, std::size_t> sizes;
  for (const step& each : told.steps) {
    if (each.object != nullptr) sizes[each.object] = size_of(object_kind::word);
  }
  for (const named_location& each : told.locations) sizes[each.object] = size_of(each.is);
  std::map<address, std::pair<address, std::string>> variables;  // by their begin: end, and name
  for_each_symbol([&](const char* name, const Elf64_Sym& symbol) {
    if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_size == 0) return;
    variables[symbol.st_value] = {symbol.st_value + symbol.st_size, name};
  });
  for (const auto& [object, size] : sizes) {
    const address at = address_of(object);
    std::string name;
    bool exact = false;
    if (const auto next = variables.upper_bound(at); next != variables.begin()) {
      const auto& [begin, variable] = *std::prev(next);
      const bool guard = variable.second.starts_with("_ZGV");
      if (at < variable.first) {
        name = demangled(variable.second.c_str());
        exact = guard || (at == begin && variable.first - begin <= size);
        if (!exact) name += "+" + std::to_string(at - begin);
      }
    }
    if (at - waiters.begin < waiters.end - waiters.begin) {
      told.names.push_back({object, "a count of the C++ library", false, true});
      continue;
    }
    if (name.empty() && at - stacks_begin < stacks_end - stacks_begin) {
      name = "a local variable of T" + std::to_string((at - stacks_begin) / stack_distance);
    }
    if (!name.empty()) told.names.push_back({object, name, exact, false});
  }
}

// The pool is an array of pairs, each on a line of the cache: a count, and a version.
bool is_waiter_count(address at) noexcept {
  constexpr std::size_t pair_bytes = 128;
  return at - waiters.begin < waiters.end - waiters.begin && (at - waiters.begin) % pair_bytes == 0;
}

const char* error_text(const char* format, ...) {
  static char text[512];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

void fail(fault what, std::string_view text, address code, const void* object) {
  if (tracing) complete_step();
  engine::fail(what, text, place_of(code), object);
}

}  // namespace checker::runtime
