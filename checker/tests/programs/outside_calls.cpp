// SPDX-License-Identifier: MIT
// What works outside of the program is not seen, and the verdict says so; a fork is refused.
// Mended: proved
// Told as it is: Not seen: sigaction (outside_calls.cpp:@sigaction), socket
// Told as it is: socket (outside_calls.cpp:@socket), pipe
// Broken: data race
// Told: Not seen: sigaction (outside_calls.cpp:@sigaction), socket
// Verdict with -DSIGNAL: proved
// Told with -DSIGNAL: Not seen: signal (outside_calls.cpp:@signal).
// Verdict with -DOWN_SIGNAL: crash
// Told with -DOWN_SIGNAL: SIGSEGV at the null pointer
// Verdict with -DDLOPEN: proved
// Told with -DDLOPEN: Not seen: dlopen (outside_calls.cpp:@dlopen).
// Verdict with -DBY_NUMBER: proved
// Told with -DBY_NUMBER: Not seen: syscall (outside_calls.cpp:@number).
// Verdict with -DFORK: refused
// Told with -DFORK: the program calls fork, which is not supported
// Verdict with -DEXEC: refused
// Told with -DEXEC: the program calls execl, which is not supported
// Options: --check-jobs 2
#include <dlfcn.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <thread>

int plain = 0;
int written = 0;
std::atomic<bool> ready{false};

void outside() {
#if defined SIGNAL
  signal(SIGUSR1, SIG_IGN);  // @signal
#elif defined OWN_SIGNAL
  struct sigaction action {};
  action.sa_handler = [](int) { _exit(0); };
  assert(sigaction(SIGSEGV, &action, nullptr) == 0);
  written = 1;  // the first write of its page is a SIGSEGV, of which the checker knows
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
#elif defined DLOPEN
  void* const library = dlopen("libm.so.6", RTLD_NOW);  // @dlopen
  assert(library != nullptr);
  dlclose(library);
#elif defined BY_NUMBER
  assert(syscall(SYS_getppid) != 0);  // @number
#elif defined FORK
  if (fork() == 0) _exit(0);
#elif defined EXEC
  execl("/bin/true", "true", nullptr);
#else
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGUSR1, &action, nullptr);              // @sigaction
  const int talk = socket(AF_UNIX, SOCK_STREAM, 0);  // @socket
  int ends[2] = {};
  assert(pipe(ends) == 0);
  close(talk);
  close(ends[0]);
  close(ends[1]);
#endif
}

int main() {
  std::thread other([] {
    plain = 1;
#ifdef BROKEN
    ready.store(true, std::memory_order_relaxed);
#else
    ready.store(true, std::memory_order_release);
#endif
  });
  outside();
  if (ready.load(std::memory_order_acquire)) assert(plain == 1);
  other.join();
}
