// SPDX-License-Identifier: MIT
// Plugins that have sections are unloaded while their threads go on: a thread that had announced a
// section of a plugin, and still had it announced when the plugin is gone, would be killed by the
// kernel at its next signal or preemption.
//
//     unload_stress PLUGIN [--seed N] [--seconds S]
#include "stress.hpp"

#include <dlfcn.h>
#include <pthread.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "unloading/plugin.hpp"

namespace {

using stress::choices;

constexpr std::uint32_t workers = 4;

constinit std::atomic<std::uint64_t> signals{0};
constinit std::atomic<std::uint64_t> unloaded{0};

void note_signal(int) { signals.fetch_add(1, std::memory_order_relaxed); }

// A plugin of the calling thread's own: a copy, for the linker loads a file once.
class plugin {
 public:
  explicit plugin(const std::string& original)
      : path_(std::filesystem::temp_directory_path() /
              ("poolproof_plugin_" + std::to_string(::getpid()) + "_" +
               std::to_string(stress::thread_number()) + ".so")) {
    std::filesystem::copy_file(original, path_, std::filesystem::copy_options::overwrite_existing);
  }
  ~plugin() { std::filesystem::remove(path_); }
  plugin(const plugin&) = delete;
  plugin& operator=(const plugin&) = delete;

  // Loads it, uses its pool and unloads it.
  void use_once(int count) {
    void* const loaded = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
    stress::require(loaded != nullptr, "the plugin was not loaded");
    const auto use = reinterpret_cast<decltype(&use_pool)>(::dlsym(loaded, "use_pool"));
    stress::require(use != nullptr, "the plugin has no use_pool");
    use(count);
    stress::require(::dlclose(loaded) == 0, "the plugin was not closed");
    if (::dlopen(path_.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr) {
      unloaded.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  const std::filesystem::path path_;
};

void work(const std::string& original, const std::atomic<bool>& over) {
  plugin mine(original);
  while (!over.load(std::memory_order_relaxed)) {
    mine.use_once(static_cast<int>(1 + choices.below(20)));
    // To be preempted or signalled, with nothing of the plugin left.
    for (std::uint32_t i = choices.below(200); i != 0; --i) std::this_thread::yield();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s PLUGIN [--seed N] [--seconds S]\n", argv[0]);
    return EXIT_FAILURE;
  }
  const std::string original = argv[1];
  const stress::options asked =
      stress::parse(argc - 1, argv + 1,
                    {.program = "unload_stress",
                     .purpose = "Plugins with pools are unloaded under threads that used them.",
                     .seconds = 2});
  stress::report report;
  stress::watchdog watchdog("the test began");
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  stress::require(::sigaction(SIGUSR1, &action, nullptr) == 0, "no signal handler");

  std::atomic<bool> over{false};
  stress::crew threads(choices.next());
  threads.add(workers, [&](std::uint32_t) { work(original, over); });
  threads.start();
  const auto paths = [] {
    return stress::paths{{"plugins unloaded", unloaded}, {"signals", signals}};
  };
  for (const stress::time_box box(*asked.seconds); !box.over(paths());) {
    static_cast<void>(::pthread_kill(threads.handle(choices.below(workers)), SIGUSR1));
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  over.store(true, std::memory_order_relaxed);
  threads.join();

  report.took(paths());
  return report.finish();
}
