// SPDX-License-Identifier: MIT
// How an execution graph grows and shrinks: what of its class only the search calls.
//
// Stands on: checkpoint, <checker/graph.hpp>.
#pragma once

#include <checker/graph.hpp>

#include <checker/checkpoint.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker {

inline void clock_table::store(archive& file) { file(rows_); }

inline event_id execution_graph::add(const event& added) {
  const auto id = static_cast<event_id>(events_.size());
  events_.push_back(added);
  events_.back().index = static_cast<std::uint16_t>(threads_[added.thread].size());
  threads_[added.thread].push_back(id);
  if (events_.size() > clock_rows_) reserve_clocks(events_.size());
  if (added.location != no_location) {
    accesses& here = access(added.location);
    if (added.reads()) here.reads.push_back(id);
  }
  count(id, 1);
  return id;
}

inline void execution_graph::truncate(std::size_t size) {
  while (events_.size() != size) {
    const auto id = static_cast<event_id>(events_.size() - 1);
    const event& last = events_.back();
    if (last.in_co) unplace(id);
    // Of the reads of a location the youngest is the last.
    if (last.reads()) locations_[last.location].reads.pop_back();
    threads_[last.thread].pop_back();
    count(id, -1);
    events_.pop_back();
  }
}

inline void execution_graph::set_source(event_id e, event_id w) {
  event& read = events_[e];
  read.source = w;
  if (read.update == update_kind::none) return;
  const auto [writes, value] = apply_update(read, value_read(e));
  read.failed_spuriously = false;
  read.kind = writes ? event_kind::update : event_kind::read;
  read.value = writes ? value : 0;
}

inline void execution_graph::set_clocks(event_id e) {
  const event& settled = events_[e];
  auto* const hb = happens_before_[e];
  auto* const causes = causes_[e];
  if (settled.index == 0) {
    happens_before_.clear(hb);
    causes_.clear(causes);
  } else {
    const event_id previous = threads_[settled.thread][settled.index - 1u];
    happens_before_.copy(hb, happens_before_[previous]);
    causes_.copy(causes, causes_[previous]);
  }
  hb[settled.thread] = causes[settled.thread] = static_cast<clock_table::lane>(settled.index + 1u);
  if (settled.source != initial) {
    causes_.join(causes, causes_[settled.source]);
    if (settled.kind == event_kind::choice) {
      happens_before_.join(hb, happens_before_[settled.source]);
    } else if (acquires(settled.effective_order())) {
      happens_before_.join(hb, messages_[settled.source]);
    }
  }
  if (settled.kind == event_kind::fence) acquire_by_fence(e);
  if (settled.writes()) make_message(e);
}

// The youngest fence before e in its thread whose order is wanted.
inline event_id execution_graph::last_fence_before(event_id e,
                                                   bool (*wanted)(order)) const noexcept {
  const auto& own = threads_[events_[e].thread];
  for (std::size_t i = events_[e].index; i != 0; --i) {
    const event& before = events_[own[i - 1]];
    if (before.kind == event_kind::fence && wanted(before.success)) return own[i - 1];
  }
  return initial;
}

// An acquire fence synchronises with what the earlier reads of its thread read from. A light fence
// does so only with heavy ones, and a heavy one also with light ones.
inline void execution_graph::acquire_by_fence(event_id fence) {
  const event& f = events_[fence];
  auto* const hb = happens_before_[fence];
  const auto& own = threads_[f.thread];
  for (std::size_t i = 0; i != f.index; ++i) {
    const event& before = events_[own[i]];
    if (!before.reads() || before.source == initial) continue;
    if (acquires(f.success)) happens_before_.join(hb, messages_[before.source]);
    if (!has_asymmetric_fences()) continue;
    if (f.success == order::heavy) {
      join_fence_messages(hb, before.source, [](order o) { return o == order::light; });
    } else if (f.success == order::light) {
      join_fence_messages(hb, before.source, [](order o) { return o == order::heavy; });
    }
  }
}

// The same over the release sequence of w by hand: messages_ holds what ordinary fences give.
inline void execution_graph::join_fence_messages(clock_table::lane* clock, event_id w,
                                                 bool (*from)(order)) {
  for (event_id head = w; head != initial; head = events_[head].source) {
    const event_id fence = last_fence_before(head, from);
    if (fence != initial) happens_before_.join(clock, happens_before_[fence]);
    if (events_[head].kind != event_kind::update) break;
  }
}

// What an acquire read of w synchronises with: w, or the release fence before it; and what the
// update read synchronises with, if w continues its release sequence.
inline void execution_graph::make_message(event_id w) {
  const event& write = events_[w];
  auto* const message = messages_[w];
  if (releases(write.success)) {
    messages_.copy(message, happens_before_[w]);
  } else if (const event_id fence = last_fence_before(w, releases); fence != initial) {
    messages_.copy(message, happens_before_[fence]);
  } else {
    messages_.clear(message);
  }
  if (write.kind == event_kind::update && write.source != initial) {
    messages_.join(message, messages_[write.source]);
  }
}

inline void execution_graph::find_reusable(event_id before, std::uint64_t shape,
                                           std::vector<event_id>& found) const {
  found.clear();
  if (before == initial) return;
  const auto* const prefix = causes_[before];
  const auto reused = [&](event_id block) {
    for (event_id e = 0; e != events_.size(); ++e) {
      if (events_[e].allocates && events_[e].source == block && knows(prefix, e)) return true;
    }
    return false;
  };
  for (unsigned maker = 0; maker != threads_.size(); ++maker) {
    for (std::size_t i = 0; i != prefix[maker]; ++i) {
      const event_id e = threads_[maker][i];
      if (events_[e].frees && events_[e].expected == shape && !reused(e)) found.push_back(e);
    }
  }
}

inline bool execution_graph::choose(event_id e, std::uint64_t alternative) {
  event& chosen = events_[e];
  chosen.value = alternative;
  if (chosen.alternatives > 1) chosen.source = initial;
  if (chosen.allocates && alternative != 0) {
    const event_id before =
        chosen.index == 0 ? initial : threads_[chosen.thread][chosen.index - 1u];
    find_reusable(before, chosen.expected, reusable_);
    chosen.source = reusable_[alternative - 1];
    for (event_id other = 0; other != events_.size(); ++other) {
      if (other != e && events_[other].allocates && events_[other].source == chosen.source) {
        return false;
      }
    }
  }
  set_clocks(e);
  return true;
}

inline void execution_graph::place(event_id w, std::size_t position) {
  auto& co = access(events_[w].location).writes;
  co.insert(co.begin() + static_cast<std::ptrdiff_t>(position), w);
  events_[w].in_co = true;
  renumber(co, position);
}

inline void execution_graph::unplace(event_id w) {
  auto& co = locations_[events_[w].location].writes;
  const std::size_t position = events_[w].position;
  co.erase(co.begin() + static_cast<std::ptrdiff_t>(position));
  events_[w].in_co = false;
  renumber(co, position);
}

// The oldest events keep their names, so they are copied all at once, but for their places in co.
inline void execution_graph::copy_oldest(const execution_graph& whole, std::size_t count_kept) {
  const auto last = whole.events_.begin() + static_cast<std::ptrdiff_t>(count_kept);
  events_.assign(whole.events_.begin(), last);
  for (std::size_t t = 0; t != threads_.size(); ++t) {
    const auto& own = whole.threads_[t];
    threads_[t].assign(own.begin(), std::lower_bound(own.begin(), own.end(), count_kept));
  }
  // Most programs have nothing that is counted.
  const bool counted = (whole.seq_cst_events_ | whole.asymmetric_fences_) != 0 || whole.has_frees();
  reserve_clocks(count_kept);
  happens_before_.copy_rows(whole.happens_before_, count_kept);
  causes_.copy_rows(whole.causes_, count_kept);
  messages_.copy_rows(whole.messages_, count_kept);
  for (event_id e = 0; e != count_kept; ++e) {
    event& copy = events_[e];
    copy.in_co = false;
    if (copy.source != initial) copy.source = renamed_[copy.source];
    if (copy.location != no_location) {
      accesses& here = access(copy.location);
      if (copy.reads()) here.reads.push_back(e);
    }
    if (counted) count(e, 1);
  }
}

inline execution_graph::revisit execution_graph::restrict_to(const execution_graph& whole,
                                                             event_id r, event_id w) {
  reset(whole.thread_count());
  renamed_.assign(whole.size(), initial);
  const auto* const prefix = whole.causes(w);
  event_id kept = 0;
  for (event_id e = 0; e != whole.size(); ++e) {
    if (e <= r || whole.knows(prefix, e)) renamed_[e] = kept++;
  }
  events_.reserve(whole.events_.capacity());
  copy_oldest(whole, r + std::size_t{1});
  for (event_id e = r + 1u; e != whole.size(); ++e) {
    if (renamed_[e] == initial) continue;
    const event_id id = add(whole[e]);
    event& copy = events_[id];
    copy.in_co = false;
    if (copy.source != initial) copy.source = renamed_[copy.source];
    happens_before_.copy(happens_before_[id], whole.happens_before_[e]);
    causes_.copy(causes_[id], whole.causes_[e]);
    messages_.copy(messages_[id], whole.messages_[e]);
  }
  for (location_id l : whole.active_) {
    for (event_id e : whole.locations_[l].writes) {
      if (renamed_[e] == initial || e == r) continue;
      auto& co = access(l).writes;
      events_[renamed_[e]].position = static_cast<std::uint16_t>(co.size());
      events_[renamed_[e]].in_co = true;
      co.push_back(renamed_[e]);
    }
  }
  const revisit names{renamed_[r], renamed_[w]};
  set_source(names.read, names.write);
  set_clocks(names.read);
  return names;
}

inline void execution_graph::store(archive& file) {
  file.same(threads_.size(), "program: it has another number of threads");
  file(events_);
  file(threads_);
  happens_before_.store(file);
  causes_.store(file);
  messages_.store(file);
  clock_rows_ = 0;
  file(seq_cst_events_);
  file(asymmetric_fences_);
  file(frees_);
  std::vector<location_id> active = active_;
  file(active);
  for (location_id l : active) {
    accesses& here = access(l);
    file(here.writes);
    file(here.reads);
  }
}

}  // namespace checker
