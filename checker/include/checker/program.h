// SPDX-License-Identifier: MIT
/* What a program that is compiled with check-c++ may say to the checker. Without the checker all of
   it is harmless: an assumption is not looked at, and a choice takes its first alternative. */
#ifndef CHECKER_PROGRAM_H
#define CHECKER_PROGRAM_H

/* NOLINTBEGIN(modernize-redundant-void-arg,readability-implicit-bool-conversion): it is C, too */
#ifdef __cplusplus
extern "C" {
#endif

void checker_program_assume(int holds) __attribute__((weak));
unsigned checker_program_choose(unsigned alternatives) __attribute__((weak));
void checker_program_outcome(const char* text) __attribute__((weak));
unsigned checker_program_thread_index(void) __attribute__((weak));
void checker_program_stop_here(void) __attribute__((weak));

/* Executions in which it does not hold are left out. */
static inline void checker_assume(int holds) {
  if (checker_program_assume) checker_program_assume(holds);
}

/* One of 0 .. alternatives - 1: each is explored. */
static inline unsigned checker_choose(unsigned alternatives) {
  return checker_program_choose ? checker_program_choose(alternatives) : 0;
}

/* Notes what an execution showed. The verdict lists what was noted in any. */
static inline void checker_outcome(const char* text) {
  if (checker_program_outcome) checker_program_outcome(text);
}

/* Of the calling thread: 0 is main, and then in the order in which they are started. */
static inline unsigned checker_thread_index(void) {
  return checker_program_thread_index ? checker_program_thread_index() : 0;
}

/* The calling thread stops here for ever: the others must come to their end nevertheless. */
static inline void checker_stop_here(void) {
  if (checker_program_stop_here) checker_program_stop_here();
}

#ifdef __cplusplus
}
#endif
/* NOLINTEND(modernize-redundant-void-arg,readability-implicit-bool-conversion) */

#endif
