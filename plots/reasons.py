# SPDX-License-Identifier: MIT
"""Why the subject loses, by scenario: what the report says beside a loss. docs/performance.md says more."""

from __future__ import annotations

# A test sees to it that each scenario in which another one is clearly faster has a reason.
_SHARES_NOTHING = "a vector of one thread needs no section, cannot share, and keeps what it has for ever"
_MOVES_IN_BATCHES = ("what does not fit into a CPU's magazine goes to rings, from which others can take it: the "
                     "other one keeps all in one place that nobody else reaches, or in one that all wait for")
REASONS = {
    "pool": _SHARES_NOTHING,
    "pool_borrow": f"the handle is counted, so that the pool may end first; {_SHARES_NOTHING}",
    "burst_16": _SHARES_NOTHING,
    "burst_16_borrow": f"the handles are counted, so that the pool may end first; {_SHARES_NOTHING}",
    "pool_overflow": _MOVES_IN_BATCHES,
    "pool_overflow_1000": _MOVES_IN_BATCHES,
    "pool_overflow_10000": _MOVES_IN_BATCHES,
    "after_cycle": "the cycle has moved the items to rings, from which they come back in batches; the other one has no "
                   "cycles, and gives no memory back",
    "many_pools": "a hit reads the pool, its shard and the thread's section: more lines than a vector of one thread",
    "pool_starvation": "a get that finds nothing here has looked at the other CPUs' rings; the other one fails at once",
    "producer_consumer": "each item is stolen from the other CPU's ring; the other one makes each item anew",
    "oversubscribed": "threads that change their CPU find other items; the other one shares nothing",
    "oversubscribed_in_use": "as with more threads than CPUs",
    "thread_churn": "making the threads is most of the time, and the same for all",
    "first_use": "a pool takes memory for its CPUs' parts and enters a list of all pools; the other one is a few words",
    "pool_expensive_new": "the callers do the cycles, and take the items back from rings; the other one has no cycles",
    "pool_miss": "a miss looks at every CPU that has used the pool",
    "zstd_responses": "contexts wander among threads, with colder caches; the other one has a context for each thread",
    "bounded": "an item that comes back belongs to who has waited longest, and lies idle until that thread has been "
               "woken; with the others whoever runs takes it again at once, and who waits may starve. By all that is "
               "known: no run has told the parts apart",
    "buffers": "the pool takes 4 to 5 ns for each buffer, and an allocator's cache of one thread may take less; with "
               "large ones touching the pages is nearly all, and differs from run to run",
    "zlib_responses": "contexts wander among threads, with colder caches; making one costs little more than a reset",
}
