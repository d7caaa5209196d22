// SPDX-License-Identifier: MIT
// A plugin makes the process's first use of a pool, and is unloaded. What it has registered with
// fork() goes with it: the program's own pools must have registered theirs. Else a child that is
// forked while a thread is in the registry would wait for that thread, which it does not have.
#include <poolproof/object_pool.hpp>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

void require(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (holds) return;
  std::fflush(stdout);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

int main() {
  void* const plugin = ::dlopen(POOLPROOF_TEST_PLUGIN, RTLD_NOW | RTLD_GLOBAL);
  require(plugin != nullptr, "it is loaded");
  void* const use_pool = ::dlsym(plugin, "use_pool");
  require(use_pool != nullptr, "it has a function");
  reinterpret_cast<void (*)()>(use_pool)();
  ::dlclose(plugin);
  require(::dlopen(POOLPROOF_TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD) == nullptr, "it is unloaded");

  poolproof::object_pool<int> own;
  static_cast<void>(own.borrow());
  std::atomic<bool> ended{false};
  std::thread rotating([&] {
    while (!ended) poolproof::rotate_all();
  });
  // Of four such forks one would hang.
  int hung = 0;
  for (int forks = 0; forks != 100 && hung == 0; ++forks) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(60);
      poolproof::rotate_all();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    hung += WIFSIGNALED(status) ? 1 : 0;
  }
  ended = true;
  rotating.join();
  require(hung == 0, "no child waits in the registry");
}
