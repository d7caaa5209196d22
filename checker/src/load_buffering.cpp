// SPDX-License-Identifier: MIT
#include <checker/load_buffering.hpp>

#include <algorithm>

namespace checker {

namespace {

// Whether a fence stands between two events of a thread. Any of C++'s orders reads before writes; a
// light one is for the compiler only.
bool fence_between(const execution_graph& graph, const event& first, const event& second) {
  const auto& own = graph.thread(first.thread);
  return std::any_of(own.begin() + first.index, own.begin() + second.index, [&](event_id id) {
    const event& e = graph[id];
    return e.kind == event_kind::fence && (acquires(e.success) || releases(e.success));
  });
}

bool is_ordered(const execution_graph& graph, const event& read, const event& write) {
  return acquires(read.effective_order()) || releases(write.success) ||
         fence_between(graph, read, write);
}

// Whether the thread acquires, between a read and a write, something older than the answer at the
// same location. That read would have to be another one, too: and the write is ordered behind it.
bool acquires_older(const execution_graph& graph, const event& read, const event& write,
                    const event& answer) {
  const auto& own = graph.thread(read.thread);
  return std::any_of(own.begin() + read.index + 1, own.begin() + write.index, [&](event_id id) {
    const event& e = graph[id];
    if (!e.reads() || e.location != read.location || !acquires(e.effective_order())) return false;
    return e.source == initial || graph[e.source].position < answer.position;
  });
}

bool has_failed(const event& e) noexcept {
  return e.kind == event_kind::read && e.update == update_kind::compare;
}

// Whether an event happens before an update, or before what that comes behind if it is the update
// that its source is: in the execution that is meant, it has another one.
bool happens_before_answer(const execution_graph& graph, event_id r, event_id v) {
  const event& answer = graph[v];
  if (answer.source != r) return graph.knows(graph.happens_before(v), r);
  if (answer.index == 0) return false;
  const event_id before = graph.thread(answer.thread)[answer.index - 1u];
  return graph.knows(graph.happens_before(before), r);
}

// Whether the read could have read the answer, but that this is in its future.
bool could_read(const execution_graph& graph, event_id r, event_id v) {
  const event& read = graph[r];
  const event& answer = graph[v];
  if (happens_before_answer(graph, r, v)) return false;
  if (!answer.writes()) return true;  // right behind the update r: nothing of its thread is older
  const event_id newest = read.writes() ? r : read.source;
  if (newest != initial && answer.position <= graph[newest].position) return false;
  // An update behind the read would be another one if that had read the answer.
  const auto& own = graph.thread(read.thread);
  return std::none_of(own.begin() + read.index + 1, own.end(), [&](event_id id) {
    const event& later = graph[id];
    return later.kind == event_kind::write && later.location == read.location &&
           later.position < answer.position;
  });
}

}  // namespace

void load_buffering::look_at(const execution_graph& graph) {
  ways_out_.resize(graph.thread_count());
  for (auto& each : ways_out_) each.clear();
  for (const location_id l : graph.active_locations()) {
    for (const event_id r : graph.at(l).reads) {
      const event_id w = graph[r].source;
      if (w == initial || graph[w].thread == graph[r].thread) continue;
      ways_out_[graph[w].thread].push_back({w, r});
    }
  }
  for (const location_id l : graph.active_locations()) {
    for (const event_id r : graph.at(l).reads) {
      if (acquires(graph[r].effective_order()) || ways_out_[graph[r].thread].empty()) continue;
      for (const event_id v : graph.at(l).writes) look_at(graph, r, v);
      // A swap that failed for what the update r has written would have succeeded without.
      if (!graph[r].writes()) continue;
      for (const event_id v : graph.at(l).reads) {
        if (graph[v].source == r && has_failed(graph[v])) look_at(graph, r, v);
      }
    }
  }
}

void load_buffering::look_at(const execution_graph& graph, event_id r, event_id v) {
  const event& read = graph[r];
  if (graph[v].thread == read.thread || !graph.knows(graph.causes(v), r)) return;
  if (!could_read(graph, r, v)) return;
  for (const auto& [w, reader] : ways_out_[read.thread]) {
    const event& write = graph[w];
    if (write.index <= read.index || !graph.knows(graph.causes(v), reader)) continue;
    const event& answer = graph[v];
    if (answer.writes()) {
      if (write.location == read.location && write.position < answer.position) continue;
      if (acquires_older(graph, read, write, answer)) continue;
    }
    const candidate seen{read.place, has_failed(read), write.place, answer.place};
    if (is_known(seen) || is_ordered(graph, read, write)) continue;
    found_.push_back(seen);
  }
}

bool load_buffering::is_known(const candidate& like) const noexcept {
  return std::any_of(found_.begin(), found_.end(), [&](const candidate& each) {
    return each.read == like.read && each.read_failed == like.read_failed &&
           each.write == like.write;
  });
}

}  // namespace checker
