// SPDX-License-Identifier: MIT
// Runs a program with the system call membarrier refused:   refuse_membarrier PROGRAM ARGUMENTS...
#include "refuse_membarrier.hpp"

#include <cstdio>
#include <cstdlib>

#include <unistd.h>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s PROGRAM ARGUMENTS...\n", argv[0]);
    return EXIT_FAILURE;
  }
  if (!refuse_membarrier()) {
    std::perror("refuse_membarrier: no seccomp filter");
    return EXIT_FAILURE;
  }
  ::execvp(argv[1], argv + 1);
  std::perror(argv[1]);
  return EXIT_FAILURE;
}
