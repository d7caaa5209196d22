// SPDX-License-Identifier: MIT
// Checks that need a process of their own.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace poolproof::test {

// Runs `check` in a child process; true if it returned true there, and not if it hangs. The child
// neither runs destructors nor looks for leaks.
template <class Check>
bool holds_in_child(Check check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);  // it needs some milliseconds
    ::_exit(check() ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace poolproof::test
