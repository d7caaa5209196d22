/* SPDX-License-Identifier: MIT */
/* What a program says to the checker, without the checker. */
#include <checker/program.h>

int main(void) {
  checker_assume(0);
  checker_outcome("none");
  checker_stop_here();
  return checker_choose(3) == 0 && checker_thread_index() == 0 ? 0 : 1;
}
