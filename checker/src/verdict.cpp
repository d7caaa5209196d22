// SPDX-License-Identifier: MIT
#include <checker/verdict.hpp>

#include <checker/progress_line.hpp>

#include "lines.hpp"
#include "story.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace checker {

namespace {

std::string counted(std::uint64_t count, const std::string& what) {
  return grouped(count) + " " + what + (count == 1 ? "" : "s");
}

// 3, 4 and 4
std::string listed(const std::vector<std::uint32_t>& numbers) {
  std::string all;
  for (std::size_t i = 0; i != numbers.size(); ++i) {
    all += (i == 0 ? "" : i + 1 == numbers.size() ? " and " : ", ") + std::to_string(numbers[i]);
  }
  return all;
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 12;
  std::string all;
  for (std::size_t i = 0; i != std::min(most, names.size()); ++i) {
    all += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > most ? all + " and " + std::to_string(names.size() - most) + " more" : all;
}

std::string what_was_searched(const statistics& found, const options& chosen) {
  std::string text = counted(found.longest.size(), "thread") + " with at most " +
                     listed(found.longest) + " operations, model " +
                     std::string(name_of(chosen.model));
  if (chosen.stopped_thread) {
    text += ", thread " + std::to_string(*chosen.stopped_thread) + " stopped after " +
            std::to_string(chosen.stopped_after);
  }
  text += ", " + counted(chosen.spurious_failures, "spurious failure") + " of each thread";
  if (!chosen.reuse_memory || chosen.reuses == 0) {
    text += ", freed memory is not used again";
  } else if (chosen.reuses != ~0u) {
    text += ", " + counted(chosen.reuses, "re-used block") + " of each thread";
  }
  if (chosen.alike.size() > 1 && !chosen.stopped_thread)
    text += ", threads " + listed(chosen.alike) + " taken for alike";
  if (chosen.parts > 1) {
    text += ", part " + std::to_string(chosen.part) + " of " + std::to_string(chosen.parts);
  }
  return text;
}

std::string heading(const statistics& found, const options& chosen) {
  const std::string searched = what_was_searched(found, chosen);
  if (found.errors != 0) {
    std::string text = "ERROR";
    for (const errors_of_kind& each : found.kinds) {
      text += (&each == found.kinds.data() ? ": " : "; ") + std::string(name_of(each.what)) + ": " +
              each.text;
      if (each.count > 1) text += " (" + counted(each.count, "time") + ")";
    }
    return text + ".";
  }
  if (found.hunted != 0) {
    return "NOT PROVED: " + counted(found.hunted, "execution") + " by chance found no error.";
  }
  if (found.cut != 0) {
    return "NOT FINISHED, and not proved: " + found.why_cut +
           ". So far: " + counted(found.complete, "complete execution") + "; " + searched + ".";
  }
  if (found.replayed) {
    return "NOT PROVED: only the execution of a replay string was run, and it has no error; " +
           searched + ".";
  }
  if (found.complete == 0) return "NOTHING PROVED: no execution was complete; " + searched + ".";
  return "PROVED, for this program and within its bounds: " +
         counted(found.complete, "complete execution") + "; " + searched + ".";
}

std::vector<std::string> what_was_not_looked_at(const statistics& found, const options& chosen) {
  std::vector<std::string> notes;
  if (found.excluded != 0) {
    notes.emplace_back(counted(found.excluded, "execution") +
                       " in which an assumption does not hold were left out.");
  }
  if (chosen.stopped_thread) {
    notes.emplace_back("Leaks were not looked for, nor does `after` run: a thread was stopped.");
  } else if (!chosen.find_leaks) {
    notes.emplace_back("Leaks were not looked for.");
  }
  notes.emplace_back(
      "Load buffering is not explored: that a read sees what follows from a later operation of its "
      "own thread.");
  if (!found.unmet.empty()) {
    notes.emplace_back(
        "Conflicts never reached: these operations never met a conflicting access that "
        "nothing else orders with them, so that their memory orders were not tested: " +
        listed(found.unmet) + ".");
  }
  if (found.too_long != 0) {
    notes.emplace_back("Executions of more than 256 operations were not looked at for conflicts.");
  } else if (found.met.empty() && found.unmet.empty() && found.longest.size() > 1) {
    notes.emplace_back(std::string("No two threads ever accessed the same atomic, one of them to "
                                   "write it") +
                       (found.complete > 512 ? ", in the executions that were looked at." : "."));
  }
  if (found.plain_bytes != 0) {
    notes.emplace_back("Threads change " + counted(found.plain_bytes, "byte") +
                       " of plain members: races on them are not seen (checker::var shows them).");
  }
  return notes;
}

}  // namespace

std::string verdict(const statistics& found, const options& chosen, std::size_t width) {
  std::vector<std::string> paragraphs{heading(found, chosen)};
  if (found.errors == 0) {
    for (std::string& each : what_was_not_looked_at(found, chosen)) {
      paragraphs.push_back("- " + each);
    }
  }
  std::string text;
  for (const std::string& each : paragraphs) {
    for (const std::string& line : telling::wrapped(each, width)) text += line + '\n';
  }
  return text;
}

}  // namespace checker
