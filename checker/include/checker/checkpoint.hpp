// SPDX-License-Identifier: MIT
// Writing a search to a file, and reading it back.
//
// The format is this program's own memory, in order: it is read by the program that wrote it, on a
// machine of the same kind, and by no other. What is read is checked as it comes; a file that ends
// early or does not fit throws.
//
// Stands on: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <ostream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace checker {

// One class for both ways, so that they cannot differ: `archive(x)` writes x, or reads it.
class archive {
 public:
  explicit archive(std::ostream& out) : out_(&out) {}
  explicit archive(std::istream& in) : in_(&in) {}

  bool reading() const noexcept { return in_ != nullptr; }

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void operator()(T& value) { bytes(&value, sizeof value); }

  template <class T>
  void operator()(std::vector<T>& values) {
    std::uint64_t count = values.size();
    (*this)(count);
    if (count > max_count) damaged();
    values.resize(count);
    if constexpr (std::is_trivially_copyable_v<T>) {
      bytes(values.data(), count * sizeof(T));
    } else {
      for (T& each : values) (*this)(each);
    }
  }

  void operator()(std::string& text) {
    std::vector<char> characters(text.begin(), text.end());
    (*this)(characters);
    text.assign(characters.begin(), characters.end());
  }

  // What must be the same when it is read as it was when it was written.
  template <class T>
  void same(const T& value, const char* what) {
    T other = value;
    (*this)(other);
    if (!(other == value)) throw std::runtime_error(std::string("checkpoint of another ") + what);
  }

 private:
  static constexpr std::uint64_t max_count = std::uint64_t{1} << 32;

  void bytes(void* data, std::size_t size) {
    const auto count = static_cast<std::streamsize>(size);
    if (out_ != nullptr) {
      out_->write(static_cast<const char*>(data), count);
      if (!*out_) throw std::runtime_error("checkpoint: cannot write");
    } else if (!in_->read(static_cast<char*>(data), count)) {
      damaged();
    }
  }

  [[noreturn]] static void damaged() { throw std::runtime_error("checkpoint: damaged file"); }

  std::ostream* out_ = nullptr;
  std::istream* in_ = nullptr;
};

}  // namespace checker
