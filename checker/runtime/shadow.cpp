// SPDX-License-Identifier: MIT
// The shadow of memory: for each word that threads access, who wrote it last, who has read it
// since, and whether it is atomic. A word is divided into as many cells as it is accessed in parts.
#include "runtime.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace checker::runtime {

engine::knowledge known_now;
bool known_is_current = false;
address stack_end_now = 0;
std::uint64_t operations = 0;

namespace {

constexpr std::uint32_t none = 0;
constexpr std::uint8_t nobody = 0xff;

// Where a word's first cell is, in the execution that it was made in.
struct shadow_word {
  std::uint32_t epoch;
  std::uint32_t cell;
};

struct cell {
  std::uint32_t next;     // of the same word
  std::uint32_t written;  // when, in the time of the writer: how many events it had made
  std::uint64_t readers;  // since then, by thread
  location_id location;   // of an atomic
  std::uint16_t life;     // of this memory: plain writes to what was atomic begin another
  std::uint8_t mask;      // the bytes of the word
  std::uint8_t writer;
  bool freed;
  std::uint32_t wide;     // of an atomic of more than 8 bytes, or of an odd size: how many
  std::uint32_t behind;   // of its other words: how far behind the first
  std::uint64_t initial;  // of the atomic
  std::uint64_t left;     // what memory had when it was looked at last
};

shadow_word* low_shadow = nullptr;
shadow_word* fixed_shadow = nullptr;
std::unordered_map<address, shadow_word> other_shadow;
std::vector<cell> cells;
std::vector<std::uint32_t> read_times;  // of each cell by each thread
// What wide atomics have had: in the graph stand numbers for them, which depend on the bytes alone.
std::unordered_map<std::uint64_t, std::vector<std::byte>> wide_values;
std::vector<std::pair<address, std::uint32_t>> atomics;  // that began, and their cells

// The step of a write that is to be completed, and what it wrote.
struct open_step {
  bool open = false;
  std::size_t step = 0;
  address at = 0;
  unsigned size = 0;
} open_write;

shadow_word& word_of(address at) {
  if (at - heap_begin < fixed_end - heap_begin) return fixed_shadow[(at - heap_begin) >> 3];
  if (at < low_end) return low_shadow[at >> 3];
  return other_shadow[at >> 3];
}

cell& cell_at(std::uint32_t index) noexcept { return cells[index]; }
std::uint32_t& read_time(std::uint32_t index, unsigned thread) noexcept {
  return read_times[std::size_t{index} * thread_limit + thread];
}

std::uint32_t make_cell(std::uint8_t mask) {
  const auto index = static_cast<std::uint32_t>(cells.size());
  cells.push_back({none, 0, 0, no_location, 0, mask, nobody, false, 0, 0, 0, 0});
  read_times.resize(read_times.size() + thread_limit, 0);
  return index;
}

// Part of the cell becomes a cell of its own.
std::uint32_t split(std::uint32_t index, std::uint8_t mask) {
  const std::uint32_t made = make_cell(mask);
  const std::uint32_t next = cell_at(index).next;
  cell_at(made) = cell_at(index);
  cell_at(made).mask = mask;
  cell_at(made).next = next;
  for (unsigned t = 0; t != thread_limit; ++t) read_time(made, t) = read_time(index, t);
  cell_at(index).mask = static_cast<std::uint8_t>(cell_at(index).mask & ~mask);
  cell_at(index).next = made;
  return made;
}

// Calls use(index) for the cells of these bytes of a word, which it makes as needed. `whole`: what
// is atomic is not divided.
template <class Use>
void for_cells(address word, std::uint8_t mask, address code, Use use) {
  shadow_word& first = word_of(word);
  if (first.epoch != epoch) [[unlikely]] {
    check_memory(word + static_cast<unsigned>(std::countr_zero(mask)),
                 static_cast<unsigned>(std::popcount(mask)), code);
    first = {epoch, make_cell(mask)};
    use(first.cell);
    return;
  }
  // Almost always there is one.
  if (cell_at(first.cell).mask == mask) [[likely]] {
    use(first.cell);
    return;
  }
  std::uint8_t left = mask;
  for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
    const auto common = static_cast<std::uint8_t>(cell_at(index).mask & left);
    if (common == 0) continue;
    std::uint32_t used = index;
    if (common != cell_at(index).mask && cell_at(index).location == no_location) {
      used = split(index, common);
    }
    left = static_cast<std::uint8_t>(left & ~common);
    use(used);
    index = used;
    if (left == 0) return;
  }
  check_memory(word + static_cast<unsigned>(std::countr_zero(left)), 1, code);
  const std::uint32_t made = make_cell(left);
  // Another life of the memory that the word had.
  std::uint16_t life = 0;
  for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
    life = std::max(life, cell_at(index).life);
  }
  cell_at(made).life = life;
  cell_at(made).next = word_of(word).cell;
  word_of(word).cell = made;
  use(made);
}

const void* pointer(address at) noexcept { return reinterpret_cast<const void*>(at); }

[[gnu::noinline, noreturn]] void fail_at(fault what, const char* text, address at, address code) {
  fail(what, text, code, pointer(at));
}

[[gnu::noinline]] void race_at(const char* text, address at, address code) {
  if (destroys_exception() || is_excused(code) || is_data_of_library(at)) return;
  fail(fault::data_race, text, code, pointer(at));
}

constexpr const char* write_unordered =
    "a write of another thread is not ordered before this access";
constexpr const char* access_unordered =
    "an access of another thread is not ordered before this write";

void set_memory(address at, unsigned size, std::uint64_t value) noexcept {
  std::memcpy(reinterpret_cast<void*>(at), &value, size);
}
std::uint64_t memory_at(address at, unsigned size) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, pointer(at), size);
  return value;
}

std::uint64_t number_of(const void* bytes, std::size_t size) {
  const auto* const all = static_cast<const std::byte*>(bytes);
  std::uint64_t number = size;
  for (std::size_t i = 0; i != size; ++i) {
    number = (number ^ static_cast<std::uint64_t>(all[i])) * 0x9e3779b97f4a7c15;
    number ^= number >> 29;
  }
  wide_values.try_emplace(number, all, all + size);
  return number;
}

void set_bytes(void* to, std::uint64_t number) {
  const std::vector<std::byte>& bytes = wide_values.at(number);
  std::memcpy(to, bytes.data(), bytes.size());
}

// An atomic's memory gets a value.
void set_value(address at, const cell& c, std::uint64_t value) {
  if (c.wide != 0) {
    set_bytes(reinterpret_cast<void*>(at), value);
  } else {
    set_memory(at, static_cast<unsigned>(std::popcount(c.mask)), value);
  }
}

// What lies in an atomic's memory.
std::uint64_t value_in_memory(address at, const cell& c) {
  if (c.wide != 0) return number_of(pointer(at), c.wide);
  return memory_at(at, static_cast<unsigned>(std::popcount(c.mask)));
}
// Somebody has written there who is not seen, such as a constructor in the C++ library: then
// another object lives there now.
bool is_overwritten(address at, const cell& c) { return value_in_memory(at, c) != c.left; }

void end_life(cell& c) noexcept {
  c.location = no_location;
  ++c.life;
}

unsigned offset_of(std::uint8_t mask) noexcept {
  return static_cast<unsigned>(std::countr_zero(mask));
}

// Memory gets what the atomic has, for a plain access. Whether that is ordered with all others.
bool settle_cell(cell& c, address at, bool writes) {
  const auto [ordered, value] = engine::settled(c.location, c.initial, writes);
  if (is_overwritten(at, c)) {
    end_life(c);
    return ordered;
  }
  set_value(at, c, value);
  c.left = value;
  if (writes) end_life(c);
  return ordered;
}

// A plain access of what is atomic otherwise: ordered with all that, or a race.
[[gnu::noinline]] void settle(std::uint32_t index, address word, bool writes, address code) {
  const address at = word + offset_of(cell_at(index).mask);
  if (!settle_cell(cell_at(index), at, writes)) {
    race_at(writes ? access_unordered : write_unordered, at, code);
  }
}

// The same of a word that is part of a wide atomic, and not its first.
[[gnu::noinline]] void settle_wide(std::uint32_t index, address word, bool writes, address code) {
  const address first = word - 8 * std::size_t{cell_at(index).behind};
  for (std::uint32_t i = word_of(first).cell; i != none; i = cell_at(i).next) {
    if (cell_at(i).wide != 0 && cell_at(i).location != no_location) settle(i, first, writes, code);
  }
  if (writes) cell_at(index).behind = 0;
}

void check_writer(const cell& c, address word, address code) {
  if (c.freed) [[unlikely]] {
    const bool of_thread = word - blocks_begin < early_begin - blocks_begin;
    fail_at(fault::use_after_free,
            of_thread ? "a thread_local variable is used, and its thread has ended"
                      : "the memory was freed",
            word + offset_of(c.mask), code);
  }
  if (c.writer != nobody && !knows(c.writer, c.written)) [[unlikely]] {
    race_at(write_unordered, word + offset_of(c.mask), code);
  }
}

void check_readers(std::uint32_t index, address word, address code) {
  const cell& c = cell_at(index);
  const std::uint64_t others = c.readers & ~(std::uint64_t{1} << known().thread);
  for (std::uint64_t rest = others; rest != 0; rest &= rest - 1) {
    const auto t = static_cast<unsigned>(std::countr_zero(rest));
    if (!knows(t, read_time(index, t))) {
      race_at(access_unordered, word + offset_of(c.mask), code);
    }
  }
}

void note_read(std::uint32_t index, address word, address code) {
  check_writer(cell_at(index), word, code);
  if (cell_at(index).location != no_location) settle(index, word, false, code);
  if (cell_at(index).behind != 0) [[unlikely]]
    settle_wide(index, word, false, code);
  const engine::knowledge& now = known();
  cell_at(index).readers |= std::uint64_t{1} << now.thread;
  read_time(index, now.thread) = now.position;
}

void note_write(std::uint32_t index, address word, address code) {
  check_writer(cell_at(index), word, code);
  check_readers(index, word, code);
  if (cell_at(index).location != no_location) {
    settle(index, word, true, code);
    something_changed();
  }
  if (cell_at(index).behind != 0) [[unlikely]] {
    settle_wide(index, word, true, code);
    something_changed();
  }
  cell& c = cell_at(index);
  const engine::knowledge& now = known();
  c.writer = static_cast<std::uint8_t>(now.thread);
  c.written = now.position;
  c.readers = 0;
}

// Calls use(word, mask) for the words of a range.
template <class Use>
void for_words(address from, std::size_t size, Use use) {
  const address end = from + size;
  for (address word = from & ~address{7}; word < end; word += 8) {
    const unsigned first = word < from ? static_cast<unsigned>(from - word) : 0;
    const unsigned behind = end - word < 8 ? static_cast<unsigned>(end - word) : 8;
    use(word, static_cast<std::uint8_t>((0xffu << first) & (0xffu >> (8 - behind))));
  }
}

[[gnu::cold]] void show(bool write, address at, std::size_t size, address code) {
  if (is_data_of_library(at)) return;
  // A loop that reads the same over and over is shown once.
  static address last_at = 0;
  static address last_code = 0;
  if (!write && at == last_at && code == last_code) return;
  last_at = write ? 0 : at;
  last_code = code;
  const auto shown = static_cast<unsigned>(std::min<std::size_t>(size, 8));
  const std::size_t step =
      engine::note_plain(write, pointer(at), memory_at(at, shown), place_of(code));
  if (write) open_write = {true, step, at, shown};
}

bool in_own_stack(address at) noexcept {
  static_cast<void>(known());
  return at < stack_end_now && at >= stack_end_now - stack_bytes;
}

template <bool write>
inline void look_at_initialisation(address from, std::size_t size, address code) {
  if (!look_for_uninitialised) [[likely]]
    return;
  if constexpr (write) {
    note_written(from, size);
  } else {
    check_written(from, size, code);
  }
}

// Local variables. That their function returns is a write: each use by another thread must happen
// before it. A return that comes later is looked at when it comes, and one that came earlier when
// they are used.

// What other threads have used of a stack lies between these.
struct lent_memory {
  address begin = ~address{0};
  address end = 0;
};
lent_memory lent[most_threads + 1];

// What lies below `begin` was of functions that have returned by then.
struct function_return {
  address begin;
  std::uint32_t position;  // in the time of the thread
  unsigned thread;
};
// Of each stack those that are the last for some address: the later, the lower.
std::vector<function_return> returns[most_threads + 1];

[[gnu::noinline, noreturn]] void fail_returned(const char* text, std::size_t stack, address at,
                                               address code) {
  fail(fault::use_after_return, error_text(text, static_cast<unsigned>(stack)), code, pointer(at));
}
// In which the address that a function returns to is looked for.
constexpr std::size_t longest_frame = 4096;
constexpr const char* has_returned =
    "a local variable of T%u is used, and its function has returned";

[[gnu::noinline]] void lend(std::size_t stack, address at, std::size_t size, address code) {
  const auto& all = returns[stack];
  const auto last = std::find_if(all.rbegin(), all.rend(),
                                 [&](const function_return& each) { return at < each.begin; });
  // Who does not know of that return knows of nothing that has begun there since.
  if (last != all.rend() && !knows(last->thread, last->position)) {
    fail_returned(has_returned, stack, at, code);
  }
  lent[stack].begin = std::min(lent[stack].begin, at);
  lent[stack].end = std::max(lent[stack].end, at + size);
}

inline void look_at_frame(address at, std::size_t size, address code) {
  if (at - stacks_begin >= stacks_end - stacks_begin) return;
  const std::size_t stack = (at - stacks_begin) / stack_distance;
  if (at < live_frames[stack]) [[unlikely]]
    fail_returned(has_returned, stack, at, code);
  if (concurrent && known().thread != stack) lend(stack, at, size, code);
}

// Whether all uses of a cell happen before what the running thread does next.
bool is_ordered(std::uint32_t index) {
  const cell& c = cell_at(index);
  if (c.writer != nobody && !knows(c.writer, c.written)) return false;
  for (std::uint64_t rest = c.readers; rest != 0; rest &= rest - 1) {
    const auto t = static_cast<unsigned>(std::countr_zero(rest));
    if (!knows(t, read_time(index, t))) return false;
  }
  return c.location == no_location || engine::settled(c.location, c.initial, true).ordered;
}

// Of these bytes of a word, the first that a thread has used without an order before what the
// running one does next, or 0.
address unordered_use(address word, std::uint8_t mask) {
  const shadow_word& first = word_of(word);
  if (first.epoch != epoch) return 0;
  for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
    const cell& c = cell_at(index);
    if ((c.mask & mask) == 0) continue;
    if (!is_ordered(index)) return word + offset_of(c.mask);
  }
  return 0;
}

template <bool write>
inline void access(address from, std::size_t size, address code) {
  if (!active || is_exchanged(from)) return;
  look_at_frame(from, size, code);
  if (is_stuck) [[unlikely]]
    give_up_stuck(code);
  if (open_write.open) [[unlikely]]
    complete_step();
  if (!concurrent) {
    if (from - heap_begin < heap_end - heap_begin) check_memory(from, size, code);
    if (tracing) [[unlikely]]
      show(write, from, size, code);
    look_at_initialisation<write>(from, size, code);
    return;
  }
  if (tracing) [[unlikely]]
    show(write, from, size, code);
  for_words(from, size, [&](address word, std::uint8_t mask) {
    for_cells(word, mask, code, [&](std::uint32_t index) {
      if constexpr (write) {
        note_write(index, word, code);
      } else {
        note_read(index, word, code);
      }
    });
  });
  look_at_initialisation<write>(from, size, code);
  if (write && !in_own_stack(from)) note_change(from, size);
}

// Atomics that are others than that of these bytes end there, if all accesses of them come before:
// what was a local variable is another by now. Whether there is none left.
bool end_others(address word, std::uint8_t mask, std::uint32_t wide) {
  const shadow_word& first = word_of(word);
  if (first.epoch != epoch) return true;
  bool ended = true;
  const auto end = [&](std::uint32_t index, address at_word) {
    cell& c = cell_at(index);
    if (c.location == no_location) return;
    ended = ended && settle_cell(c, at_word + offset_of(c.mask), true);
  };
  for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
    const cell& c = cell_at(index);
    if ((c.mask & mask) == 0) continue;
    if (c.behind != 0) {
      const address head = word - 8 * std::size_t{c.behind};
      for (std::uint32_t i = word_of(head).cell; i != none; i = cell_at(i).next) {
        if (cell_at(i).wide != 0) end(i, head);
      }
      cell_at(index).behind = 0;
    }
    if (c.mask != mask || c.wide != wide) end(index, word);
  }
  return ended;
}

// The atomic at an address: begins with what lies there.
std::uint32_t atomic_cell(address at, unsigned size, bool reads, bool writes, address code) {
  if (at % size != 0) {
    fail(fault::misuse, "an atomic object that is not aligned", code, pointer(at));
  }
  const address word = at & ~address{7};
  const auto mask = static_cast<std::uint8_t>((0xffu >> (8 - size)) << (at - word));
  std::uint32_t found = none;
  unsigned count = 0;
  const bool other_size = !end_others(word, mask, 0);
  for_cells(word, mask, code, [&](std::uint32_t index) {
    check_writer(cell_at(index), word, code);
    if (writes) check_readers(index, word, code);
    found = index;
    ++count;
  });
  if (other_size) {
    fail(fault::misuse, "memory is accessed atomically with two sizes", code, pointer(at));
  }
  if (count > 1) {
    // It was written in parts: from now on it is one.
    std::uint32_t kept = none;
    std::uint32_t* link = &word_of(word).cell;
    while (*link != none) {
      cell& c = cell_at(*link);
      if ((c.mask & mask) == 0) {
        link = &c.next;
      } else if (kept == none) {
        kept = *link;
        link = &c.next;
      } else {
        cell& into = cell_at(kept);
        if (into.writer == nobody || (into.writer == c.writer && into.written < c.written)) {
          into.writer = c.writer;
          into.written = c.written;
        }
        into.readers |= c.readers;
        for (unsigned t = 0; t != thread_limit; ++t) {
          read_time(kept, t) = std::max(read_time(kept, t), read_time(*link, t));
        }
        into.life = std::max(into.life, c.life);
        *link = c.next;
      }
    }
    cell_at(kept).mask = mask;
    found = kept;
  }
  cell& c = cell_at(found);
  if (c.location != no_location && is_overwritten(at, c) &&
      engine::settled(c.location, c.initial, true).ordered) {
    end_life(c);
  }
  if (c.location == no_location) {
    c.wide = 0;
    c.left = c.initial = memory_at(at, size);
    if (reads && c.writer == nobody && is_fresh_memory(at, size)) {
      fail(fault::uninitialised_read, "the atomic object has no value yet", code, pointer(at));
    }
    const std::uint64_t key = at | std::uint64_t{c.life} << 48;
    c.location = engine::find_location(key, c.initial, pointer(at), place_of(code));
    atomics.emplace_back(at, found);
  }
  return found;
}

// The same of an atomic of any other size. Its first word stands for it; of the others it is enough
// that accesses of them are seen.
std::uint32_t wide_cell(address at, std::size_t size, address code) {
  std::uint32_t found = none;
  address first = 0;
  bool other_size = false;
  for_words(at, size, [&](address word, std::uint8_t mask) {
    if (found == none) {
      first = word;
      other_size = !end_others(word, mask, static_cast<std::uint32_t>(size));
    }
    for_cells(word, mask, code, [&](std::uint32_t index) {
      check_writer(cell_at(index), word, code);
      if (found == none) {
        found = index;
        return;
      }
      cell& c = cell_at(index);
      const auto behind = static_cast<std::uint32_t>((word - first) / 8);
      if (c.location != no_location || (c.behind != 0 && c.behind != behind)) {
        other_size = other_size || !end_others(word, mask, 0);
      }
      cell_at(index).behind = behind;
      const engine::knowledge& now = known();
      cell_at(index).readers |= std::uint64_t{1} << now.thread;
      read_time(index, now.thread) = now.position;
    });
  });
  if (other_size) {
    fail(fault::misuse, "memory is accessed atomically with two sizes", code, pointer(at));
  }
  cell& c = cell_at(found);
  if (c.location != no_location && is_overwritten(at, c) &&
      engine::settled(c.location, c.initial, true).ordered) {
    end_life(c);
  }
  if (c.location == no_location) {
    c.wide = static_cast<std::uint32_t>(size);
    c.left = c.initial = number_of(pointer(at), size);
    const std::uint64_t key = at | std::uint64_t{c.life} << 48;
    c.location = engine::find_location(key, c.initial, pointer(at), place_of(code));
    atomics.emplace_back(at, found);
  }
  return found;
}

engine::handle handle_of(std::uint32_t index) noexcept {
  return {cell_at(index).location, engine::unwatched};
}

// Alone, an operation acts on memory.
std::uint64_t update_memory(address at, unsigned size, update_kind kind, std::uint64_t operand) {
  event asked;
  asked.update = kind;
  asked.operand = operand;
  asked.mask = ~std::uint64_t{0} >> (64 - 8 * size);
  const std::uint64_t old = memory_at(at, size);
  set_memory(at, size, apply_update(asked, old).value);
  return old;
}

// Whether the thread is alone: then the memory is looked at.
bool alone(address at, unsigned size, bool reads, address code) {
  if (active) look_at_frame(at, size, code);
  if (active && is_stuck) [[unlikely]]
    give_up_stuck(code);
  if (active && open_write.open) [[unlikely]]
    complete_step();
  if (concurrent && active) return false;
  if (active && at - heap_begin < heap_end - heap_begin) {
    check_memory(at, size, code);
    if (reads && is_fresh_memory(at, size)) {
      fail(fault::uninitialised_read, "the atomic object has no value yet", code, pointer(at));
    }
  }
  return true;
}

}  // namespace

// A function lies below the word with the address that it returns to, and all of that had been
// given back when it was called, however much of it its frame takes.
address frame_end(address at, address live, const void* returns_to) noexcept {
  const auto words_at = [](address a) { return reinterpret_cast<const void* const*>(a); };
  if (!concurrent) return at;
  // Almost always it was called from where its caller has called the runtime last.
  if (at < live && words_at(live)[-1] == returns_to) return live;
  if (!in_own_stack(at)) return at;
  // Of several such words the lowest: what an older frame has left there lies below the true one.
  const address end = std::min(stack_end_now, at + longest_frame);
  const auto* const found = std::find(words_at(at), words_at(end), returns_to);
  return found == words_at(end) ? at : address_of(found + 1);
}

void end_frames(std::size_t stack, address begin, address code) {
  if (!active || !concurrent) return;
  lent_memory& used = lent[stack];
  if (used.begin < begin) {
    const address end = std::min(begin, used.end);
    for_words(used.begin, end - used.begin, [&](address word, std::uint8_t mask) {
      const address at = unordered_use(word, mask);
      if (at == 0) return;
      fail_returned(
          "another thread uses a local variable of T%u, and nothing orders that before "
          "the return of its function",
          stack, at, code);
    });
    used = end == used.end ? lent_memory{} : lent_memory{begin, used.end};
  }
  auto& all = returns[stack];
  while (!all.empty() && all.back().begin <= begin) all.pop_back();
  all.push_back({begin, known().position, known().thread});
}

void make_shadow() {
  const auto map = [](std::size_t bytes) {
    void* const got = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) {
      std::perror("checker: no room for the shadow of memory");
      std::exit(2);
    }
    return static_cast<shadow_word*>(got);
  };
  low_shadow = map(low_end);
  fixed_shadow = map(fixed_end - heap_begin);
  reset_shadow();
}

void reset_shadow() {
  ++epoch;
  cells.clear();
  atomics.clear();
  read_times.clear();
  make_cell(0);  // none
  std::fill(std::begin(lent), std::end(lent), lent_memory{});
  for (auto& each : returns) each.clear();
  open_write.open = false;
  known_is_current = false;
}

void complete_step() {
  if (!open_write.open) return;
  open_write.open = false;
  engine::correct_plain(open_write.step, memory_at(open_write.at, open_write.size));
}

void read_range(address from, std::size_t size, address code) { access<false>(from, size, code); }
void write_range(address from, std::size_t size, address code) { access<true>(from, size, code); }

void free_range(address from, std::size_t size, bool checked, address code) {
  if (!concurrent) return;
  for_words(from, size, [&](address word, std::uint8_t mask) {
    shadow_word& first = word_of(word);
    if (first.epoch != epoch) {
      first = {epoch, make_cell(mask)};
      cell_at(first.cell).freed = true;
      return;
    }
    for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
      if ((cell_at(index).mask & mask) == 0) continue;
      if (checked) {
        check_writer(cell_at(index), word, code);
        check_readers(index, word, code);
        if (cell_at(index).location != no_location) settle(index, word, true, code);
      }
      cell& c = cell_at(index);
      if (c.location != no_location) end_life(c);
      c.behind = 0;
      c.freed = true;
    }
  });
  something_changed();
}

void end_range(address from, std::size_t size) {
  for_words(from, size, [&](address word, std::uint8_t mask) {
    const shadow_word& first = word_of(word);
    if (first.epoch != epoch) return;
    for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
      if ((cell_at(index).mask & mask) == 0) continue;
      if (!is_ordered(index)) {
        fail_at(fault::use_after_free,
                "a thread_local variable is used by a thread that its own may end before",
                word + offset_of(cell_at(index).mask), 0);
      }
      cell& c = cell_at(index);
      if (c.location != no_location) end_life(c);
      c.freed = true;
    }
  });
}

void renew_range(address from, std::size_t size) {
  for_words(from, size, [&](address word, std::uint8_t mask) {
    const shadow_word& first = word_of(word);
    if (first.epoch != epoch) return;
    for (std::uint32_t index = first.cell; index != none; index = cell_at(index).next) {
      cell& c = cell_at(index);
      if ((c.mask & mask) == 0) continue;
      c.freed = false;
      c.writer = nobody;
      c.readers = 0;
      ++c.life;
    }
  });
}

void settle_all() {
  for (const auto& [at, index] : atomics) {
    const cell& c = cell_at(index);
    if (c.location == no_location || c.freed) continue;
    if (!is_overwritten(at, c)) set_value(at, c, engine::last_value(c.location, c.initial));
  }
}

std::uint64_t atomic_load(address at, unsigned size, order o, address code) {
  if (alone(at, size, true, code)) return memory_at(at, size);
  const std::uint32_t index = atomic_cell(at, size, true, false, code);
  const std::uint64_t value = engine::load(pointer(at), size, handle_of(index), o, place_of(code));
  operation_done();
  return value;
}

void atomic_store(address at, unsigned size, std::uint64_t value, order o, address code) {
  if (alone(at, size, false, code)) return set_memory(at, size, value);
  const std::uint32_t index = atomic_cell(at, size, false, true, code);
  engine::store(pointer(at), size, handle_of(index), value, o, place_of(code));
  operation_done();
}

std::uint64_t atomic_update(address at, unsigned size, update_kind kind, std::uint64_t operand,
                            order o, address code) {
  if (alone(at, size, true, code)) return update_memory(at, size, kind, operand);
  const std::uint32_t index = atomic_cell(at, size, true, true, code);
  const std::uint64_t old =
      engine::update(pointer(at), size, handle_of(index), kind, operand, o, place_of(code));
  operation_done();
  return old;
}

bool atomic_compare(address at, unsigned size, std::uint64_t& expected, std::uint64_t desired,
                    engine::compare_orders orders, address code) {
  if (alone(at, size, true, code)) {
    const std::uint64_t old = memory_at(at, size);
    if (old != expected) {
      expected = old;
      return false;
    }
    set_memory(at, size, desired);
    return true;
  }
  const std::uint32_t index = atomic_cell(at, size, true, false, code);
  const bool done = engine::compare_exchange(pointer(at), size, handle_of(index), expected, desired,
                                             orders, place_of(code));
  operation_done();
  if (done) check_readers(index, at & ~address{7}, code);
  return done;
}

void wide_load(address at, std::size_t size, void* into, order o, address code) {
  if (alone(at, 1, false, code)) {
    std::memcpy(into, pointer(at), size);
    return;
  }
  const std::uint32_t index = wide_cell(at, size, code);
  const std::uint64_t value = engine::load(pointer(at), 8, handle_of(index), o, place_of(code));
  operation_done();
  set_bytes(into, value);
}

void wide_store(address at, std::size_t size, const void* from, order o, address code) {
  if (alone(at, 1, false, code)) {
    std::memcpy(reinterpret_cast<void*>(at), from, size);
    return;
  }
  const std::uint32_t index = wide_cell(at, size, code);
  engine::store(pointer(at), 8, handle_of(index), number_of(from, size), o, place_of(code));
  operation_done();
}

void wide_exchange(address at, std::size_t size, const void* from, void* into, order o,
                   address code) {
  if (alone(at, 1, false, code)) {
    const std::uint64_t old = number_of(pointer(at), size);
    std::memcpy(reinterpret_cast<void*>(at), from, size);
    set_bytes(into, old);
    return;
  }
  const std::uint32_t index = wide_cell(at, size, code);
  const std::uint64_t desired = number_of(from, size);
  const std::uint64_t old = engine::update(pointer(at), 8, handle_of(index), update_kind::exchange,
                                           desired, o, place_of(code));
  operation_done();
  set_bytes(into, old);
}

bool wide_compare(address at, std::size_t size, void* expected, const void* desired,
                  engine::compare_orders orders, address code, bool in_memory) {
  if (in_memory) read_range(address_of(expected), size, code);
  if (alone(at, 1, false, code)) {
    if (std::memcmp(pointer(at), expected, size) == 0) {
      std::memcpy(reinterpret_cast<void*>(at), desired, size);
      return true;
    }
    if (in_memory) write_range(address_of(expected), size, code);
    std::memcpy(expected, pointer(at), size);
    return false;
  }
  const std::uint32_t index = wide_cell(at, size, code);
  std::uint64_t old = number_of(expected, size);
  const std::uint64_t wanted = number_of(desired, size);
  const bool done = engine::compare_exchange(pointer(at), 8, handle_of(index), old, wanted, orders,
                                             place_of(code));
  operation_done();
  if (done) return true;
  if (in_memory) write_range(address_of(expected), size, code);
  set_bytes(expected, old);
  return false;
}

void atomic_fence(order o, address code) {
  if (!active || !concurrent) return;
  engine::fence(o, place_of(code));
  operation_done();
}

}  // namespace checker::runtime
