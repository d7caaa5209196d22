// SPDX-License-Identifier: MIT
// The first process of a virtual machine that scripts/aarch64.py boots: runs each program in /tests
// and says how it ended and how often the kernel restarted sections of it meanwhile; then powers
// off.
//
// The kernel's own tracing counts the restarts, so that what is tested holds nothing for the test.
#include <dirent.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

const std::string restarts = "/sys/kernel/tracing/events/rseq/rseq_ip_fixup/";

void write_to(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::app);
  if (!(file << text << std::flush)) std::printf("init: cannot write to %s\n", path.c_str());
}

void mount_at(const char* type, const char* place) {
  ::mkdir(place, 0755);
  if (::mount(type, place, type, 0, nullptr) != 0) std::perror(place);
}

// The sum over all sections since the last call, or -1 if the kernel does not count.
long restarts_since_last_time() {
  std::ifstream histogram(restarts + "hist");
  if (!histogram) return -1;
  long count = 0;
  for (std::string line; std::getline(histogram, line);) {
    const auto found = line.find("hitcount:");
    if (found != std::string::npos && line.front() == '{') {
      count += std::atol(line.c_str() + found + sizeof "hitcount:" - 1);
    }
  }
  write_to(restarts + "trigger", "hist:keys=start_ip.hex:clear");
  return count;
}

// The status as waitpid has it.
int run(const std::string& path) {
  constexpr unsigned longest = 240;  // seconds
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(longest);
    ::execl(path.c_str(), path.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) != child) {
  }
  return status;
}

std::vector<std::string> programs_in(const char* folder) {
  std::vector<std::string> found;
  if (DIR* const open = ::opendir(folder)) {
    while (const dirent* const entry = ::readdir(open)) {
      if (entry->d_name[0] != '.') found.emplace_back(entry->d_name);
    }
    ::closedir(open);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

int main() {
  mount_at("proc", "/proc");
  mount_at("sysfs", "/sys");
  mount_at("tracefs", "/sys/kernel/tracing");
  write_to(restarts + "trigger", "hist:keys=start_ip.hex");
  for (const std::string& name : programs_in("/tests")) {
    const int status = run("/tests/" + name);
    const bool exited = WIFEXITED(status);
    std::printf("init: %s: %s %d, %ld restarts\n", name.c_str(), exited ? "exit" : "signal",
                exited ? WEXITSTATUS(status) : WTERMSIG(status), restarts_since_last_time());
    std::fflush(stdout);
  }
  std::printf("init: done\n");
  std::fflush(stdout);
  ::sync();
  ::reboot(RB_POWER_OFF);
}
