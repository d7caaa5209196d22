// SPDX-License-Identifier: MIT
// What clang-tidy looks at: all public headers of the checker.
#include <checker/program.h>
#include <checker/atomic.hpp>
#include <checker/checkpoint.hpp>
#include <checker/clock.hpp>
#include <checker/contention.hpp>
#include <checker/counterexample.hpp>
#include <checker/engine.hpp>
#include <checker/graph.hpp>
#include <checker/load_buffering.hpp>
#include <checker/model.hpp>
#include <checker/outcome_set.hpp>
#include <checker/page.hpp>
#include <checker/place.hpp>
#include <checker/processes.hpp>
#include <checker/progress_line.hpp>
#include <checker/report.hpp>
#include <checker/search.hpp>
#include <checker/section.hpp>
#include <checker/verdict.hpp>
#include <checker/waiting.hpp>

// It changes the meaning of names in what is behind it.
#include <checker/prelude.hpp>
