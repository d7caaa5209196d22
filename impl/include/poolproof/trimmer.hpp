// SPDX-License-Identifier: MIT
// A thread that gives back what pools keep while nobody calls them.
//
//     int main() {
//       poolproof::trimmer trimmer;   // as long as it is there, idle pools are emptied
//       ...
//
// A pool's automatic cycles are done by those who call it: a pool that nobody calls keeps what it
// holds. This thread looks at the clock of every pool now and then, begins the cycle that is due,
// and does all of it. So an idle pool is empty two of its intervals and two looks later. A pool
// without automatic cycles is left alone.
//
// On Linux it also listens to the system's memory pressure: each time that threads have waited for
// memory for 150 ms of 2 s, it does one cycle of every pool, also of those without automatic ones,
// as rotate_all does. Two such times, and pools hold only what was used between them. The
// kernel must be one that keeps account of pressure and lets this process ask, as it lets any since
// Linux 6.5: see listens_to_pressure.
//
// Contract
//   - A process has one such thread, however many trimmers it has. It comes with the first of them
//     and goes with the last; it looks as often as the most demanding of them wants.
//   - It runs destructors of items, of all pools of the process, with all signals blocked. They may
//     do what they may in rotate_all, but neither make nor destroy a trimmer, nor end the program.
//   - The last trimmer's destructor waits for the destructors that the thread is just running: its
//     caller must hold no lock that they need. Nothing is destroyed by the thread after it.
//   - So a trimmer is best made in main. With static storage, it must be made after what the items'
//     destructors use, and so be destroyed before that; pools may come before or after. Where the
//     program ends by exit() and the trimmer is main's own, or is never destroyed, the thread works
//     on while statics are destroyed: no item's destructor may then use one.
//   - The thread runs the code of the library that made the first trimmer. So a shared library that
//     makes one stays loaded after dlclose: see stays_loaded.hpp.
//   - After fork() the child has no such thread. The trimmers that it has inherited do nothing, and
//     end without harm; one that it makes itself starts a thread. After daemon() likewise. A fork
//     that is under way while another thread makes the process's first trimmer is not protected:
//     such a child must not make one.
//   - It has a pipe, and a file for pressure. Who closes all files, as daemons do, does so before
//     the first trimmer is made. The thread goes on without them, deaf to pressure, but the last
//     trimmer's destructor writes a byte to, and closes, what has their numbers then.
//
// Stands on: registry, stays_loaded, sync, the standard library and POSIX.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/registry.hpp>
#include <poolproof/stays_loaded.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace poolproof {

// What a user says of a trimmer.
struct trimmer_options {
  // How often the thread looks for what is due. Positive.
  std::chrono::milliseconds look_interval = std::chrono::seconds(1);
  // Whether it also listens to memory pressure.
  bool on_pressure = true;
};

// The thread, and who wants it. There is one in a process; a test makes more. Default visibility,
// so that all shared libraries of a process share it.
//
// Who owns what
//   I1. The list of users changes under users_mutex_ and mutex_; who has one of them may read it.
//   I2. The files and thread_ belong to the holder of users_mutex_ until the thread runs, and again
//       once it has been joined; but for pressure_file_, which is mutex_'s, and which nobody but
//       the thread closes while it runs.
class [[gnu::visibility("default")]] trim_thread {
 public:
  // A trimmer, as the thread sees it. Its maker's, but for the link.
  struct user {
    trimmer_options options;
    user* next = nullptr;
  };

  // `pressure` is where the system tells of memory pressure.
  constexpr explicit trim_thread(const char* pressure = "/proc/pressure/memory") noexcept
      : pressure_path_(pressure) {}
  trim_thread(const trim_thread&) = delete;
  trim_thread& operator=(const trim_thread&) = delete;

  // That of this process.
  static trim_thread& instance() noexcept { return std_sync::process_state<trim_thread>(); }

  // Adds a user, and starts the thread if it is the first. Returns 0, or an error, and then nothing
  // has changed.
  [[nodiscard]] int add(user & added) noexcept {
    const lock_guard exclusive(users_mutex_);
    forget_in_children();
    const bool is_first = users_ == nullptr;
    link(added);
    if (!is_first) {
      wake();
      return 0;
    }
    const int error = start();
    if (error != 0) {
      unlink(added);
      close_files();
    }
    return error;
  }

  // Takes a user out, and ends the thread if it was the last.
  void remove(user & removed) noexcept {
    const lock_guard exclusive(users_mutex_);
    if (!unlink(removed)) return;  // a forked child's inheritance
    wake();
    if (users_ != nullptr) return;
    ::pthread_join(thread_, nullptr);
    close_files();
  }

  bool listens_to_pressure() noexcept {
    const lock_guard lock(mutex_);
    return pressure_file_ != no_file;
  }

 private:
  using lock_guard = std::lock_guard<std_sync::mutex>;

  static constexpr int no_file = -1;
  static constexpr int deaf_ms = 100;  // between two looks, if nothing can be heard

  // What the thread does next.
  struct plan {
    int look_interval;  // in milliseconds; 0: it ends
    int pressure_file;
  };

  void link(user & added) noexcept {
    const lock_guard lock(mutex_);
    added.next = users_;
    users_ = &added;
    if (added.options.on_pressure && pressure_file_ == no_file) {
      pressure_file_ = open_pressure(pressure_path_);
    }
  }

  // False if it was not in the list.
  bool unlink(const user& removed) noexcept {
    const lock_guard lock(mutex_);
    for (user** each = &users_; *each != nullptr; each = &(*each)->next) {
      if (*each != &removed) continue;
      *each = removed.next;
      return true;
    }
    return false;
  }

  plan next_plan() noexcept {
    using std::chrono::milliseconds;
    const lock_guard lock(mutex_);
    if (users_ == nullptr) return {0, no_file};
    milliseconds shortest{(std::numeric_limits<int>::max)()};
    bool on_pressure = false;
    for (const user* each = users_; each != nullptr; each = each->next) {
      shortest = (std::min)(shortest, each->options.look_interval);
      on_pressure = on_pressure || each->options.on_pressure;
    }
    return {static_cast<int>(shortest.count()), on_pressure ? pressure_file_ : no_file};
  }

  int start() noexcept {
    if (!open_wake_pipe()) return errno;
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const auto run_one = [](void* self) -> void* {
      static_cast<trim_thread*>(self)->run();
      return nullptr;
    };
    const int error = ::pthread_create(&thread_, nullptr, run_one, this);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return error;
  }

  void run() noexcept {
#if defined(__linux__)
    ::pthread_setname_np(::pthread_self(), "pool_trimmer");
#endif
    auto& pools = pool_registry<std_sync>::instance();
    plan now = next_plan();
    while (now.look_interval != 0) {
      const bool pressure = wait(now);
      // What has ended the wait may be the last user's end.
      now = next_plan();
      if (now.look_interval == 0) return;
      pressure ? pools.rotate_all() : pools.rotate_due();
    }
  }

  // Until the next look, or until something happens; true if that is memory pressure.
  bool wait(const plan& now) noexcept {
    std::array<pollfd, 2> files{{{wake_pipe_[0], POLLIN, 0}, {now.pressure_file, POLLPRI, 0}}};
    const int happened = ::poll(files.data(), files.size(), now.look_interval);
    // Where a process changes its user, the C library interrupts each thread by a signal that
    // cannot be blocked: a look that comes early does no harm.
    if (happened < 0 && errno == EINTR) return false;
    if (happened < 0 || (files[0].revents & POLLNVAL) != 0) {
      // Refused to a process that may open no files any more, or that has closed all. Then nothing
      // tells of the end: it is looked for.
      const int rest = (std::min)(now.look_interval, deaf_ms);
      std::this_thread::sleep_for(std::chrono::milliseconds(rest));
      return false;
    }
    std::array<char, 64> wakes;
    if (files[0].revents != 0) {
      while (::read(wake_pipe_[0], wakes.data(), wakes.size()) > 0) {
      }
    }
    if ((files[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
      const lock_guard lock(mutex_);
      close(pressure_file_);
      return false;
    }
    return (files[1].revents & POLLPRI) != 0;
  }

  // A pipe that is full wakes the thread, too.
  void wake() noexcept { [[maybe_unused]] const auto written = ::write(wake_pipe_[1], "", 1); }

  bool open_wake_pipe() noexcept {
#if defined(__linux__)
    return ::pipe2(wake_pipe_.data(), O_CLOEXEC | O_NONBLOCK) == 0;
#else
    if (::pipe(wake_pipe_.data()) != 0) return false;
    for (const int end : wake_pipe_) {
      ::fcntl(end, F_SETFD, FD_CLOEXEC);
      ::fcntl(end, F_SETFL, O_NONBLOCK);
    }
    return true;
#endif
  }

  // A file that can be polled for pressure, or no_file where that is refused. Linux lets everybody
  // ask whose window is a multiple of 2 s, since 6.5; before, it lets the system's administrator.
  static int open_pressure(const char* path) noexcept {
    static constexpr char trigger[] = "some 150000 2000000";  // in microseconds; ends with a zero
    int file = ::open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (file != no_file && ::write(file, trigger, sizeof trigger) != sizeof trigger) close(file);
    return file;
  }

  // Forgotten first: else a child that another thread forks in between would close what has the
  // number by then.
  static void close(int& file) noexcept {
    if (const int open = std::exchange(file, no_file); open != no_file) ::close(open);
  }

  void close_files() noexcept {
    close(wake_pipe_[0]);
    close(wake_pipe_[1]);
    close(pressure_file_);
  }

  // Makes fork() leave the child without users, thread and files, and the mutexes free, whatever
  // another thread was doing with them. Nothing is locked meanwhile, for an item's destructor may
  // fork.
  void forget_in_children() noexcept {
    if (forgets_) return;
    [[maybe_unused]] const auto forget = [] {
      trim_thread& inherited = instance();
      inherited.users_mutex_ = {};
      inherited.mutex_ = {};
      inherited.users_ = nullptr;
      inherited.close_files();
    };
    forgets_ = pthread_atfork(nullptr, nullptr, forget) == 0;
  }

  std_sync::mutex users_mutex_;
  std_sync::mutex mutex_;
  user* users_ = nullptr;
  const char* const pressure_path_;
  int pressure_file_ = no_file;
  std::array<int, 2> wake_pipe_{no_file, no_file};
  pthread_t thread_{};
  bool forgets_ = false;
};

// Keeps the process's thread at work while it lives. Made and destroyed by any thread, but not by
// an item's destructor. Throws std::invalid_argument for an interval that is not positive, and
// std::system_error if the thread is refused; without exceptions the program ends then.
class trimmer {
 public:
  // Starts the thread, if it is the process's first.
  [[nodiscard]] explicit trimmer(trimmer_options options = {}) : user_{checked(options)} {
    stays_loaded<trimmer>::because_of_me();
    if (const int error = trim_thread::instance().add(user_)) refuse(error);
  }
  ~trimmer() { trim_thread::instance().remove(user_); }

  trimmer(const trimmer&) = delete;
  trimmer& operator=(const trimmer&) = delete;

  // Whether cycles follow memory pressure, too: asked for, and not refused by the system.
  bool listens_to_pressure() const noexcept {
    return user_.options.on_pressure && trim_thread::instance().listens_to_pressure();
  }

 private:
  static trimmer_options checked(trimmer_options options) {
    if (options.look_interval.count() <= 0) {
      reject_argument("trimmer: option 'look_interval' must be positive");
    }
    return options;
  }

  [[noreturn]] static void refuse(int error) {
    static constexpr char what[] = "poolproof: trimmer: the system refuses a thread or its pipe";
#if defined(__cpp_exceptions)
    throw std::system_error(error, std::generic_category(), what);
#else
    std::fprintf(stderr, "%s: error %d\n", what, error);
    std::abort();
#endif
  }

  trim_thread::user user_;
};

}  // namespace poolproof

#endif
