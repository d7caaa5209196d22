// SPDX-License-Identifier: MIT
// Reports of failures: the text in columns, and the page. Most counterexamples are made by hand, so
// that what they show does not depend on the order of a search; three come from a search.
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <checker/model.hpp>
#include <checker/page.hpp>
#include <checker/report.hpp>

#include "../src/growing_graph.hpp"
#include "../src/source_text.hpp"
#include "../src/story.hpp"
#include "catch.hpp"

namespace {

using checker::counterexample;
using checker::event_id;
using checker::event_kind;
using checker::order;
using checker::step;

// Adds to a counterexample what its threads do.
class maker {
 public:
  explicit maker(unsigned threads) {
    made.graph.reset(threads);
    made.what = checker::fault::assertion;
    made.text = "it holds";
    made.program = "made_by_hand";
    made.replay = "0@0,1=0.0";
  }

  event_id store(unsigned thread, unsigned location, std::uint64_t value, order o) {
    checker::event e = request(event_kind::write, thread, location, o);
    e.value = value;
    const event_id id = made.graph.add(e);
    made.graph.set_clocks(id);
    made.graph.place(id, made.graph.at(location).writes.size());
    return note(id);
  }

  // Comes first in the order of the location's writes.
  event_id store_first(unsigned thread, unsigned location, std::uint64_t value, order o) {
    const event_id id = store(thread, location, value, o);
    made.graph.unplace(id);
    made.graph.place(id, 0);
    return id;
  }

  event_id load(unsigned thread, unsigned location, event_id source, order o) {
    const event_id id = made.graph.add(request(event_kind::read, thread, location, o));
    made.graph.set_source(id, source);
    made.graph.set_clocks(id);
    return note(id);
  }

  event_id fetch_add(unsigned thread, unsigned location, event_id source, order o) {
    checker::event e = request(event_kind::update, thread, location, o);
    e.update = checker::update_kind::add;
    e.operand = 1;
    const event_id id = made.graph.add(e);
    made.graph.set_source(id, source);
    made.graph.set_clocks(id);
    made.graph.place(id, made.graph.at(location).writes.size());
    return note(id);
  }

  event_id fence(unsigned thread, order o) {
    const event_id id = made.graph.add(request(event_kind::fence, thread, checker::no_location, o));
    made.graph.set_clocks(id);
    return note(id);
  }

  // A step in the life of thread `other`.
  event_id life(unsigned thread, checker::lifetime what, unsigned other) {
    checker::event e = request(event_kind::choice, thread, checker::no_location, order::relaxed);
    e.thread_life = what;
    e.operand = other;
    e.alternatives = 1;
    const event_id id = made.graph.add(e);
    made.graph.set_clocks(id);
    return note(id);
  }

  void other(step::kind what, unsigned thread, const void* object, std::uint64_t value) {
    made.steps.push_back(
        {what, thread, checker::initial, object, value, {"dir/made.cpp", "", ++line_}});
  }

  void fault(unsigned thread) { other(step::kind::fault, thread, nullptr, 0); }

  counterexample made;

 private:
  static checker::event request(event_kind kind, unsigned thread, unsigned location, order o) {
    checker::event e;
    e.kind = kind;
    e.thread = static_cast<std::uint8_t>(thread);
    e.location = location;
    e.success = e.failure = o;
    return e;
  }

  event_id note(event_id id) {
    made.steps.push_back(
        {step::kind::event, made.graph[id].thread, id, nullptr, 0, {"dir/made.cpp", "", ++line_}});
    const auto location = made.graph[id].location;
    while (location != checker::no_location && made.locations.size() <= location) {
      const auto number = static_cast<std::uint32_t>(made.locations.size());
      made.locations.push_back({0, number, {"dir/made.cpp", "", 900 + number}, nullptr});
    }
    return id;
  }

  std::uint32_t line_ = 0;
};

// Location 0 is the message, 1 the flag.
counterexample broken_message(order release, order acquire) {
  maker m(2);
  m.store(0, 0, 42, order::relaxed);
  const event_id flag = m.store(0, 1, 1, release);
  m.load(1, 1, flag, acquire);
  m.load(1, 0, checker::initial, order::relaxed);
  m.fault(1);
  return m.made;
}

std::vector<std::string> lines_of(const counterexample& told, std::size_t width = 120) {
  std::ostringstream out;
  checker::print(out, told, width);
  std::vector<std::string> lines;
  std::istringstream in(out.str());
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string text_of(const counterexample& told) {
  std::string all;
  for (const std::string& line : lines_of(told, 1000)) all += line + '\n';
  return all;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

// What is wrong with the nesting of a page's elements and the quotes of their attributes; nothing.
std::string malformed(std::string_view html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    std::size_t end = at + 1;
    bool quoted = false;
    for (; end < html.size() && (quoted || html[end] != '>'); ++end) {
      if (html[end] == '"') quoted = !quoted;
      if (html[end] == '<') return "a tag in a tag: " + std::string(html.substr(at, 60));
    }
    if (end == html.size()) return "a tag has no end";
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    const std::string name(tag.substr(0, tag.find_first_of(" /", 1)));
    at = end + 1;
    if (name[0] == '/') {
      if (open.empty() || "/" + open.back() != name) return "not open: " + name;
      open.pop_back();
    } else if (tag.back() != '/' && name != "!DOCTYPE" && name != "meta" && name != "input") {
      open.push_back(name);
    }
    // Neither style nor script is markup.
    if (name == "style" || name == "script") at = html.find("</" + name + ">", at);
  }
  return open.empty() ? "" : "never closed: " + open.back();
}

struct racing {
  static constexpr unsigned threads = 2;
  checker::var<int> data{0};
  checker::atomic<bool> ready{false};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(42);
      ready.store(true, std::memory_order_relaxed);
    } else if (ready.load(std::memory_order_acquire)) {
      checker::require(data.get() == 42, "the data is there");
    }
  }
};

struct pointing {
  static constexpr unsigned threads = 1;
  struct node {
    checker::atomic<int> value{1};
  };
  checker::atomic<node*> head{nullptr};
  checker::mutex guard;
  void thread(unsigned) {
    guard.lock();
    head.store(::new (checker::allocate(sizeof(node))) node, std::memory_order_relaxed);
    guard.unlock();
  }
};

struct freeing_twice {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    void* const block = checker::allocate(1);
    checker::deallocate(block);
    checker::deallocate(block);
  }
};

TEST_CASE("threads_are_columns_and_steps_are_rows_in_order") {
  const auto lines = lines_of(broken_message(order::relaxed, order::relaxed));
  std::vector<std::string> rows;
  for (const std::string& line : lines) {
    if (line.size() > 3 && line[0] >= '1' && line[0] <= '9' && line[2] == '|') rows.push_back(line);
  }
  REQUIRE(rows.size() == 5);
  const std::size_t second = rows[0].find('|', 3);
  for (std::size_t i = 0; i != rows.size(); ++i) {
    CHECK(rows[i][0] == static_cast<char>('1' + i));
    CHECK(count(rows[i], "|") == 2);
    CHECK(rows[i].find('|', 3) == second);
    const bool first_column = rows[i].find_first_not_of(" |", 2) < second;
    CHECK(first_column == (i < 2));
  }
  CHECK(holds(rows[2], "| T1.0 made.cpp:3 load"));
}

TEST_CASE("every_line_of_a_report_fits_its_width") {
  maker m(4);
  event_id w = checker::initial;
  for (unsigned i = 0; i != 60; ++i) w = m.fetch_add(i % 4, 0, w, order::acq_rel);
  m.made.replay.clear();
  for (std::size_t width : {100u, 120u, 160u}) {
    for (const std::string& line : lines_of(m.made, width)) CHECK(line.size() <= width);
  }
}

TEST_CASE("a_read_names_its_source_and_the_fault_its_line") {
  const std::string text = text_of(broken_message(order::release, order::relaxed));
  CHECK(holds(text, "load made.cpp:901 relaxed -> 1 (from T0.1 store)"));
  CHECK(holds(text, "load made.cpp:900 relaxed -> 0 (initial value, stale)"));
  CHECK(holds(text, "store made.cpp:900 relaxed = 42"));
  CHECK(holds(text, "*** T1.1a made.cpp:5 assertion: it holds"));
  CHECK(holds(text, "replay: 0@0,1=0.0\n"));
}

TEST_CASE("a_stale_read_is_explained_by_the_orders_that_are_missing") {
  const auto why = [](order release, order acquire) {
    const checker::story told = checker::tell(broken_message(release, acquire));
    REQUIRE(told.stale.size() == 1);
    CHECK(told.stale[0].step == 3);
    REQUIRE(told.stale[0].missed.size() == 1);
    CHECK(told.stale[0].missed[0].steps == std::vector<std::size_t>{0});
    return told.stale[0].missed[0].why;
  };
  const std::string releases = "T0.1 store is relaxed: it releases nothing";
  const std::string acquires = "T1.0 load is relaxed: it acquires nothing";
  const std::string both = why(order::relaxed, order::relaxed);
  CHECK(holds(both, releases));
  CHECK(holds(both, acquires));
  const std::string only_acquire = why(order::release, order::relaxed);
  CHECK_FALSE(holds(only_acquire, "releases nothing"));
  CHECK(holds(only_acquire, acquires));
  const std::string only_release = why(order::relaxed, order::acquire);
  CHECK(holds(only_release, releases));
  CHECK_FALSE(holds(only_release, "acquires nothing"));
}

TEST_CASE("a_release_fence_counts_only_behind_what_is_missed") {
  for (const bool behind : {false, true}) {
    maker m(2);
    if (!behind) m.fence(0, order::release);
    m.store(0, 0, 42, order::relaxed);
    if (behind) m.fence(0, order::release);
    const event_id flag = m.store(0, 1, 1, order::relaxed);
    m.load(1, 1, flag, order::relaxed);
    m.load(1, 0, checker::initial, order::relaxed);
    const checker::story told = checker::tell(m.made);
    REQUIRE(told.stale.size() == 1);
    CHECK(holds(told.stale[0].missed[0].why, "releases nothing") == !behind);
    CHECK(holds(told.stale[0].missed[0].why, "acquires nothing"));
  }
}

TEST_CASE("an_update_between_writer_and_reader_is_not_blamed") {
  maker m(3);
  m.store(0, 0, 42, order::relaxed);
  const event_id flag = m.store(0, 1, 1, order::release);
  const event_id update = m.fetch_add(1, 1, flag, order::relaxed);
  m.load(2, 1, update, order::relaxed);
  m.load(2, 0, checker::initial, order::relaxed);
  const checker::story told = checker::tell(m.made);
  REQUIRE(told.stale.size() == 1);
  CHECK(holds(told.stale[0].missed[0].why, "T2.0 load is relaxed: it acquires nothing"));
  CHECK_FALSE(holds(told.stale[0].missed[0].why, "T1.0"));
}

// The slot is relaxed on both sides by design: what was weakened is the read of the index.
TEST_CASE("the_link_of_which_one_side_synchronises_is_named_first") {
  for (const bool slot_first : {true, false}) {
    maker m(2);
    m.store(0, 0, 42, order::relaxed);
    const event_id slot = m.store(0, 2, 7, order::relaxed);
    const event_id index = m.store(0, 1, 1, order::release);
    if (slot_first) m.load(1, 2, slot, order::relaxed);
    m.load(1, 1, index, order::relaxed);
    if (!slot_first) m.load(1, 2, slot, order::relaxed);
    m.load(1, 0, checker::initial, order::relaxed);
    const checker::story told = checker::tell(m.made);
    REQUIRE(told.stale.size() == 1);
    const std::string& why = told.stale[0].missed[0].why;
    INFO(why);
    CHECK(holds(why, slot_first ? "T1.1 reads from T0.2" : "T1.0 reads from T0.2"));
    CHECK_FALSE(holds(why, "T0.1"));
  }
}

// Two links, of which the first on the way lacks both sides.
TEST_CASE("of_several_links_on_a_path_the_half_one_comes_first") {
  maker m(3);
  m.store(0, 0, 42, order::relaxed);
  const event_id first = m.store(0, 1, 1, order::relaxed);
  m.load(1, 1, first, order::relaxed);
  const event_id second = m.store(1, 2, 1, order::release);
  m.load(2, 2, second, order::relaxed);
  m.load(2, 0, checker::initial, order::relaxed);
  const checker::story told = checker::tell(m.made);
  REQUIRE(told.stale.size() == 1);
  const std::string& why = told.stale[0].missed[0].why;
  INFO(why);
  CHECK(why.find("T2.0 reads from T1.1") < why.find("T1.0 reads from T0.1"));
}

TEST_CASE("a_write_that_comes_later_in_mo_than_one_executed_after_it_is_told") {
  maker m(3);
  const event_id last = m.store(0, 0, 7, order::relaxed);
  m.store_first(1, 0, 8, order::relaxed);
  m.load(2, 0, last, order::acquire);
  m.fault(2);
  const checker::story told = checker::tell(m.made);
  CHECK(told.stale.empty());
  REQUIRE(told.overtaken.size() == 1);
  const std::string& text = told.overtaken[0];
  INFO(text);
  CHECK(holds(text,
              "T0.0 store made.cpp:900 relaxed = 7 (made.cpp:1) comes later in mo than "
              "T1.0 store made.cpp:900 relaxed = 8 (made.cpp:2)"));
  CHECK(holds(text, "nothing orders the two"));
  CHECK(holds(text, "T2.0 load made.cpp:900 acquire -> 7"));
  CHECK(holds(text_of(m.made), text));
  CHECK(holds(checker::page(m.made), "comes later in mo than"));
  // Nobody has read it behind the other: nothing to tell.
  maker quiet(2);
  quiet.store(0, 0, 7, order::relaxed);
  quiet.store_first(1, 0, 8, order::relaxed);
  quiet.fault(1);
  CHECK(checker::tell(quiet.made).overtaken.empty());
}

TEST_CASE("a_write_that_nothing_tells_of_may_come_later") {
  maker m(2);
  m.store(0, 0, 1, order::seq_cst);
  m.load(1, 0, checker::initial, order::seq_cst);
  const checker::story told = checker::tell(m.made);
  REQUIRE(told.stale.size() == 1);
  CHECK(holds(told.stale[0].missed[0].why, "may just as well come later"));
  CHECK(holds(told.stale[0].missed[0].why, "Both are seq_cst"));
}

TEST_CASE("a_read_of_the_newest_value_is_not_stale") {
  maker m(2);
  const event_id w = m.store(0, 0, 1, order::release);
  m.load(1, 0, w, order::acquire);
  m.store(0, 0, 2, order::release);
  CHECK(checker::tell(m.made).stale.empty());
}

TEST_CASE("arrows_are_reads_from_coherence_and_synchronisation") {
  maker m(2);
  const event_id first = m.store(0, 0, 1, order::relaxed);
  const event_id second = m.store(0, 0, 2, order::release);
  m.load(1, 0, second, order::acquire);
  m.load(1, 0, second, order::acquire);
  REQUIRE(first == 0);
  std::vector<std::string> arrows;
  for (const checker::arrow& a : checker::tell(m.made).arrows) {
    arrows.push_back(std::to_string(static_cast<int>(a.what)) + ":" + std::to_string(a.from) +
                     std::to_string(a.to));
  }
  // The second read learns nothing that the first one did not tell.
  CHECK(arrows == std::vector<std::string>{"0:12", "2:12", "0:13", "1:01"});
}

TEST_CASE("the_two_accesses_of_a_race_are_marked_and_explained") {
  const checker::statistics seen = checker::verify<racing>();
  REQUIRE(seen.first);
  REQUIRE(seen.first->what == checker::fault::data_race);
  const checker::story told = checker::tell(*seen.first);
  std::string involved;
  std::string culprit;
  for (const checker::told_step& each : told.steps) {
    if (each.involved) involved += each.label + " " + each.what;
    if (each.culprit) culprit += each.label;
  }
  CHECK(involved == "T0.a write data = 42");
  CHECK(culprit == "T1.0a");
  CHECK(holds(told.race, "T0.0 store is relaxed: it releases nothing"));
  CHECK_FALSE(holds(told.race, "acquires nothing"));
  CHECK(holds(text_of(*seen.first), "load ready acquire -> 1 (from T0.0 store)"));
}

TEST_CASE("a_pointer_is_shown_as_the_block_that_it_points_to") {
  const checker::statistics seen = checker::verify<pointing>();
  REQUIRE(seen.first);
  REQUIRE(seen.first->what == checker::fault::memory_leak);
  const std::string text = text_of(*seen.first);
  CHECK(holds(text, "store head relaxed = block 2"));
  CHECK(holds(text, "<- never freed"));
  CHECK(holds(text, "lock guard (nobody locked it before)"));
  CHECK(holds(text, "unlock guard (from T0.0 lock)"));
}

TEST_CASE("the_first_of_two_frees_is_marked") {
  const checker::statistics seen = checker::verify<freeing_twice>();
  REQUIRE(seen.first);
  REQUIRE(seen.first->what == checker::fault::double_free);
  std::vector<std::string> steps;
  for (const checker::told_step& each : checker::tell(*seen.first).steps) {
    steps.push_back(each.label + " " + each.what + (each.involved ? " (involved)" : ""));
  }
  REQUIRE(steps.size() == 6);
  CHECK(steps[1] == "T0.a allocate block 2, 1 byte");
  CHECK(steps[2] == "T0.b free block 2 (involved)");
  CHECK(steps[3] == "T0.0 from here on, the memory can be used again");
  CHECK(steps[4] == "T0.0a free block 2");
  CHECK(holds(steps[5], "double free"));
}

TEST_CASE("locations_of_one_name_are_numbered") {
  maker m(1);
  m.store(0, 0, 1, order::relaxed);
  m.store(0, 1, 1, order::relaxed);
  m.made.locations[1] = m.made.locations[0];
  const std::string text = text_of(m.made);
  CHECK(holds(text, "store made.cpp:900#1 relaxed"));
  CHECK(holds(text, "store made.cpp:900#2 relaxed"));
}

TEST_CASE("the_object_of_a_call_is_read_from_its_line") {
  const auto object = [](std::string_view line) {
    return checker::object_of_call(line, {"load", "store"});
  };
  CHECK(object("if (ready.load(acquire)) {") == "ready");
  CHECK(object("return pool->slots_[(i + 1) & mask].load(o);") == "slots_");
  CHECK(object("ring.word(i)->store(0);") == "word");
  CHECK(object("a.load() + b.load();").empty());
  CHECK(object("reload(x);").empty());
  CHECK(object("load(x);").empty());
  CHECK(object(").load(").empty());
}

TEST_CASE("a_page_is_well_formed_and_needs_nothing_else") {
  for (const order o : {order::relaxed, order::release}) {
    const std::string html = checker::page(broken_message(o, order::relaxed));
    CHECK(malformed(html) == "");
    CHECK(count(html, "class=\"event") == 5);
    CHECK(count(html, "<g class=\"rf") == 1);
    CHECK(count(html, "stale: why?") == 1);
    CHECK_FALSE(holds(html, "http"));
    CHECK_FALSE(holds(html, " src="));
  }
}

TEST_CASE("what_a_program_says_is_escaped") {
  counterexample told = broken_message(order::relaxed, order::relaxed);
  told.text = "<script>alert('1 & \"2\"')</script>\n\x1b[31m";
  told.program = "<b>";
  told.replay = "<i>";
  const std::string html = checker::page(told);
  CHECK(malformed(html) == "");
  CHECK_FALSE(holds(html, "<script>alert"));
  CHECK_FALSE(holds(html, "in <b>"));
  CHECK_FALSE(holds(html, "<i>"));
  CHECK(holds(html, "&lt;script&gt;alert(&#39;1 &amp; &quot;2&quot;&#39;)&lt;/script&gt;"));
  CHECK_FALSE(holds(text_of(told), "\x1b"));
  CHECK(lines_of(told, 1000).size() == 15);
}

TEST_CASE("a_long_execution_of_many_threads_is_drawn_whole") {
  maker m(6);
  event_id w = checker::initial;
  for (unsigned i = 0; i != 240; ++i) w = m.fetch_add(i % 6, 0, w, order::acq_rel);
  const std::string html = checker::page(m.made);
  CHECK(malformed(html) == "");
  CHECK(count(html, "class=\"event") == 240);
  // Who reads synchronises, and mo is the order of the steps.
  CHECK(count(html, "<g class=\"hb rf") == 239);
  CHECK(count(html, "<g class=\"mo") == 0);
}

// The widest that a page says to be: of its diagram.
int width_of(const std::string& html) {
  const std::size_t at = html.find("class=\"diagram\" style=\"width:");
  REQUIRE(at != std::string::npos);
  return std::stoi(html.substr(html.find("width:", at) + 6));
}

TEST_CASE("four_threads_with_170_steps_fit_into_1400_pixels") {
  maker m(4);
  std::vector<event_id> last(3, checker::initial);
  for (unsigned i = 0; i != 170; ++i) {
    event_id& w = last[i % 3];
    w = m.fetch_add(i % 4, i % 3, w, i % 5 == 0 ? order::acq_rel : order::relaxed);
  }
  m.fault(2);
  const std::string html = checker::page(m.made);
  CHECK(malformed(html) == "");
  CHECK(width_of(html) <= 1362);  // and the page's edges
  CHECK(count(html, "quiet") > 100);
}

TEST_CASE("set_up_plain_reads_and_the_end_are_folded") {
  maker m(2);
  int object = 0;
  for (unsigned i = 0; i != 5; ++i) m.other(step::kind::allocate, 2, &object, 8);
  m.store(0, 0, 1, order::relaxed);
  for (unsigned i = 0; i != 4; ++i) m.other(step::kind::plain_read, 0, &object, i);
  m.other(step::kind::plain_write, 0, &object, 7);
  m.other(step::kind::free, 2, &object, 8);
  m.other(step::kind::free, 2, &object, 8);
  const std::string html = checker::page(m.made);
  CHECK(malformed(html) == "");
  CHECK(count(html, "<details class=\"event folded\" name=\"folded\"") == 3);
  CHECK(holds(html, "before the threads: 5 steps</summary>"));
  CHECK(holds(html, "T0.0a: 4 plain reads</summary>"));
  CHECK(holds(html, "after the threads: 2 steps</summary>"));
  CHECK(count(html, "class=\"event\"") == 2);  // the store, and the plain write
}

TEST_CASE("what_main_does_alone_is_folded_unless_it_is_to_blame") {
  maker m(2);
  int object = 0;
  int freed = 0;
  m.other(step::kind::allocate, 0, &object, 4);
  m.other(step::kind::plain_write, 0, &object, 1);
  m.other(step::kind::allocate, 0, &freed, 4);
  m.life(0, checker::lifetime::starts, 1);
  m.other(step::kind::plain_write, 0, &object, 2);
  m.life(1, checker::lifetime::begins, 1);
  m.other(step::kind::plain_write, 1, &object, 3);
  m.other(step::kind::free, 1, &freed, 4);
  m.life(1, checker::lifetime::ends, 1);
  m.life(0, checker::lifetime::joins, 1);
  m.other(step::kind::plain_write, 0, &object, 4);
  m.made.what = checker::fault::memory_leak;
  const std::string html = checker::page(m.made);
  CHECK(malformed(html) == "");
  CHECK(holds(html, "never freed"));
  CHECK(holds(html, "T0.b: 2 steps</summary>"));
  CHECK(holds(html, "<div>write block 1+0 = 2</div>"));
  CHECK(holds(html, "<div>write block 1+0 = 3</div>"));
  CHECK(holds(html, "T1.0b: free block 2</summary>"));
  CHECK(holds(html, "T0.1a: write block 1+0 = 4</summary>"));
}

TEST_CASE("no_arrow_is_drawn_within_a_thread") {
  maker m(2);
  const event_id w = m.store(0, 0, 1, order::relaxed);
  m.load(0, 0, w, order::relaxed);
  m.load(1, 0, w, order::relaxed);
  CHECK(count(checker::page(m.made), "<g class=\"rf") == 1);
}

TEST_CASE("a_page_says_first_where_the_other_side_of_an_error_is") {
  const checker::statistics seen = checker::verify<racing>();
  REQUIRE(seen.first);
  const std::string html = checker::page(*seen.first);
  CHECK(html.find("<code>write data = 42</code>") < html.find("What each thread did"));
}

TEST_CASE("a_page_says_first_why") {
  const std::string html = checker::page(broken_message(order::relaxed, order::relaxed));
  CHECK(html.find("releases nothing") < html.find("What each thread did"));
}

TEST_CASE("steps_that_a_page_speaks_of_are_links") {
  const checker::statistics seen = checker::verify<racing>();
  REQUIRE(seen.first);
  const std::string html = checker::page(*seen.first);
  CHECK(holds(html, "<p>Neither of <a href=\"#s"));
  CHECK(holds(html, "\">T0.0</a> store is relaxed: it releases nothing"));
  CHECK_FALSE(holds(html, "href=\"#s0\""));
}

}  // namespace
