// SPDX-License-Identifier: MIT
// A file for the checkpoint of a test's search.
#pragma once

#include <filesystem>
#include <string>

#include <unistd.h>

// A name in the folder for temporary files, removed with the test.
class checkpoint_file {
 public:
  checkpoint_file()
      : name_(std::filesystem::temp_directory_path() /
              ("checker-" + std::to_string(::getpid()) + ".checkpoint")) {}
  checkpoint_file(const checkpoint_file&) = delete;
  checkpoint_file& operator=(const checkpoint_file&) = delete;
  ~checkpoint_file() {
    std::filesystem::remove(name_);
    std::filesystem::remove(name_.string() + ".new");
  }

  std::string name() const { return name_.string(); }
  bool exists() const { return std::filesystem::exists(name_); }

 private:
  std::filesystem::path name_;
};
