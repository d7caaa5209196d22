// Compresses real files with zstd: many threads share one pool of compression contexts.
//
// A ZSTD_CCtx is what a pool is for: it costs much more to create than a small file costs to
// compress, it holds a megabyte or more, and its type is opaque. A thread borrows one for each
// file, and the pool creates about as many as are in use at the same time, not one per file.
//
// Each file is read, compressed and (with --verify) decompressed as a whole, in memory.
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <poolproof/object_pool.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

// The pools. T is incomplete here; the deleter is an empty type, so that an item is one pointer.

struct cctx_deleter {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

struct dctx_deleter {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

using cctx_pool = poolproof::object_pool<ZSTD_CCtx, cctx_deleter>;
using dctx_pool = poolproof::object_pool<ZSTD_DCtx, dctx_deleter>;

// Both creators return null where memory is short; a pool passes that on as an empty handle.
std::unique_ptr<ZSTD_CCtx, cctx_deleter> create_cctx() {
  return std::unique_ptr<ZSTD_CCtx, cctx_deleter>(ZSTD_createCCtx());
}

std::unique_ptr<ZSTD_DCtx, dctx_deleter> create_dctx() {
  return std::unique_ptr<ZSTD_DCtx, dctx_deleter>(ZSTD_createDCtx());
}

// The command line.

constexpr const char* usage =
    "usage: zstd_compress [OPTION]... FILE|DIRECTORY...\n"
    "Compress files with threads that share one pool of zstd contexts, and print what it took.\n"
    "Directories are searched recursively; symbolic links inside them are not followed.\n"
    "\n"
    "  --threads N   worker threads, 1 to 1024 (default: one per CPU)\n"
    "  --level N     compression level (default: 3)\n"
    "  --verify      decompress every output and compare it with its input\n"
    "  --output DIR  write DIR/FILE.zst and DIR/DIRECTORY/....zst (default: write nothing)\n"
    "  --force       let --output replace files that exist\n"
    "  --help        print this and exit\n"
    "\n"
    "Exit status: 0 if every file was compressed, 1 if any was skipped or failed, 2 for bad "
    "usage.\n";

struct options {
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  int level = 3;
  bool verify = false;
  bool force = false;
  bool help = false;
  std::optional<fs::path> output;
  std::vector<fs::path> inputs;
};

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int parse_number(std::string_view option, std::string_view text, int least, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most) {
    throw usage_error(std::string(option) + " wants a number from " + std::to_string(least) +
                      " to " + std::to_string(most) + ", not '" + std::string(text) + "'");
  }
  return value;
}

options parse(const std::vector<std::string_view>& arguments) {
  options result;
  bool only_inputs = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&] {
      if (++i == arguments.size()) throw usage_error(std::string(argument) + " wants a value");
      return arguments[i];
    };
    if (only_inputs || !argument.starts_with('-')) {
      result.inputs.emplace_back(argument);
    } else if (argument == "--") {
      only_inputs = true;
    } else if (argument == "--threads") {
      result.threads = static_cast<unsigned>(parse_number(argument, value(), 1, 1024));
    } else if (argument == "--level") {
      result.level = parse_number(argument, value(), ZSTD_minCLevel(), ZSTD_maxCLevel());
    } else if (argument == "--verify") {
      result.verify = true;
    } else if (argument == "--output") {
      result.output = value();
    } else if (argument == "--force") {
      result.force = true;
    } else if (argument == "--help") {
      result.help = true;
    } else {
      throw usage_error("unknown option " + std::string(argument));
    }
  }
  if (result.help) return result;
  if (result.inputs.empty()) throw usage_error("no file or directory given");
  if (result.force && !result.output) throw usage_error("--force is of use only with --output");
  return result;
}

// The files to compress.

// One file: where it is read, and its place under the output directory.
struct job {
  fs::path input;
  fs::path relative_output;
};

// One call to fputs, so that lines of different threads do not mix.
void complain(const fs::path& path, const std::string& reason) {
  std::fputs(("zstd_compress: " + path.string() + ": " + reason + "\n").c_str(), stderr);
}

// Collects the regular files that the arguments name, and counts what it cannot look at.
class job_list {
 public:
  void add_argument(const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);  // "." and "x/.." have no name of their own
    if (error) return skip(path, error.message());
    add(path, real.filename(), fs::status(path, error));
  }

  const std::vector<job>& jobs() const { return jobs_; }
  std::uint64_t skipped() const { return skipped_; }

 private:
  void add(const fs::path& path, const fs::path& name, fs::file_status status) {
    if (fs::is_directory(status)) return add_directory(path, name);
    if (!fs::is_regular_file(status)) return skip(path, "neither a file nor a directory");
    jobs_.push_back({path, name.string() + ".zst"});
  }

  void add_directory(const fs::path& directory, const fs::path& name) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator i(directory, error), end; !error && i != end; i.increment(error))
      entries.push_back(i->path());
    if (error) skip(directory, error.message());
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const fs::file_status status = fs::symlink_status(entry, error);
      if (error) {
        skip(entry, error.message());
      } else if (fs::is_directory(status) || fs::is_regular_file(status)) {
        add(entry, name / entry.filename(), status);
      }
    }
  }

  void skip(const fs::path& path, const std::string& reason) {
    complain(path, reason);
    ++skipped_;
  }

  std::vector<job> jobs_;
  std::uint64_t skipped_ = 0;
};

// Two inputs of one name would write one output; and an output must not land on an input.
void reject_clashes(const std::vector<job>& jobs, const fs::path& output) {
  std::set<fs::path> inputs;
  for (const job& each : jobs) inputs.insert(fs::weakly_canonical(each.input));
  std::set<fs::path> outputs;
  for (const job& each : jobs) {
    const fs::path target = fs::weakly_canonical(output / each.relative_output);
    if (!outputs.insert(target).second)
      throw usage_error("two inputs would both be written to " + target.string());
    if (inputs.contains(target))
      throw usage_error("the output " + target.string() + " is also an input");
  }
}

// Reading and writing.

using buffer = std::vector<char>;

struct file_closer {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

// What errno says, without strerror's shared buffer.
std::string system_reason(int number) { return std::generic_category().message(number); }

// Reads to the end of the file: its size may change meanwhile.
void read_file(const fs::path& path, buffer& contents) {
  const std::unique_ptr<std::FILE, file_closer> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw std::runtime_error(system_reason(errno));
  contents.resize(contents.capacity());
  std::size_t size = 0;
  for (;;) {
    if (size == contents.size()) contents.resize(std::max<std::size_t>(64 * 1024, 2 * size));
    const std::size_t got =
        std::fread(contents.data() + size, 1, contents.size() - size, file.get());
    if (got == 0) break;
    size += got;
  }
  if (std::ferror(file.get())) throw std::runtime_error(system_reason(errno));
  contents.resize(size);
}

// Leaves no partial file behind. "x" fails if the file exists, without a window for a race.
void write_file(const fs::path& path, const buffer& contents, bool replace) {
  fs::create_directories(path.parent_path());
  std::FILE* const file = std::fopen(path.c_str(), replace ? "wb" : "wbx");
  if (!file && errno == EEXIST)
    throw std::runtime_error(path.string() + " exists (--force replaces it)");
  if (!file) throw std::runtime_error(path.string() + ": " + system_reason(errno));
  const bool written = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size();
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  if (written && closed) return;
  const std::string reason = system_reason(written ? errno : write_error);
  std::remove(path.c_str());
  throw std::runtime_error(path.string() + ": " + reason);
}

// The work on one file, with contexts from the pools.

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result)) throw std::runtime_error(ZSTD_getErrorName(result));
  return result;
}

// A context comes back as its last user left it, hence the reset.
void compress(cctx_pool& contexts, int level, const buffer& input, buffer& output) {
  const auto context = contexts.borrow();
  if (!context) throw std::runtime_error("no memory for a compression context");
  checked(ZSTD_CCtx_reset(context.get(), ZSTD_reset_session_and_parameters));
  checked(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level));
  output.resize(ZSTD_compressBound(input.size()));
  output.resize(checked(
      ZSTD_compress2(context.get(), output.data(), output.size(), input.data(), input.size())));
}

void verify(dctx_pool& contexts, const buffer& compressed, const buffer& input, buffer& scratch) {
  const auto context = contexts.borrow();
  if (!context) throw std::runtime_error("no memory for a decompression context");
  scratch.resize(input.size());
  const std::size_t size = checked(ZSTD_decompressDCtx(
      context.get(), scratch.data(), scratch.size(), compressed.data(), compressed.size()));
  if (size != input.size() || scratch != input)
    throw std::runtime_error("the output does not decompress to the input");
}

struct totals {
  std::atomic<std::uint64_t> files{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
};

class compressor {
 public:
  compressor(const options& chosen, const std::vector<job>& jobs) : options_(chosen), jobs_(jobs) {}

  // Returns when every job is done.
  void run() {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < options_.threads; ++i) threads.emplace_back([this] { work(); });
  }

  const totals& sums() const { return sums_; }
  std::uint64_t compression_contexts() const { return cctxs_.stats().constructions; }
  std::uint64_t decompression_contexts() const { return dctxs_.stats().constructions; }

 private:
  struct buffers {
    buffer input, output, scratch;
  };

  void work() {
    buffers mine;
    for (std::size_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < jobs_.size();) {
      try {
        process(jobs_[i], mine);
      } catch (const std::exception& error) {
        complain(jobs_[i].input, error.what());
        ++sums_.failed;
      }
    }
  }

  void process(const job& current, buffers& mine) {
    read_file(current.input, mine.input);
    compress(cctxs_, options_.level, mine.input, mine.output);
    if (options_.verify) verify(dctxs_, mine.output, mine.input, mine.scratch);
    if (options_.output)
      write_file(*options_.output / current.relative_output, mine.output, options_.force);
    ++sums_.files;
    sums_.bytes_in += mine.input.size();
    sums_.bytes_out += mine.output.size();
  }

  const options& options_;
  const std::vector<job>& jobs_;
  cctx_pool cctxs_{create_cctx};
  dctx_pool dctxs_{create_dctx};
  std::atomic<std::size_t> next_{0};
  totals sums_;
};

void report(const options& chosen, const compressor& done, std::uint64_t skipped) {
  const totals& sums = done.sums();
  const auto line = [](const char* what, std::uint64_t value) {
    std::printf("%-26s %12llu\n", what, static_cast<unsigned long long>(value));
  };
  std::printf("%-26s %12u\n", "threads", chosen.threads);
  line("files compressed", sums.files);
  line("contexts created", done.compression_contexts());
  line("bytes in", sums.bytes_in);
  line("bytes out", sums.bytes_out);
  if (chosen.verify) {
    line("files verified", sums.files);
    line("verifying contexts created", done.decompression_contexts());
  }
  line("skipped or failed", sums.failed + skipped);
}

int run(const options& chosen) {
  job_list list;
  for (const fs::path& input : chosen.inputs) list.add_argument(input);
  if (chosen.output) reject_clashes(list.jobs(), *chosen.output);
  compressor all(chosen, list.jobs());
  all.run();
  report(chosen, all, list.skipped());
  return all.sums().failed + list.skipped() == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options chosen = parse({argv + 1, argv + argc});
    if (!chosen.help) return run(chosen);
    std::fputs(usage, stdout);
    return 0;
  } catch (const usage_error& error) {
    std::cerr << "zstd_compress: " << error.what() << "\nTry 'zstd_compress --help'.\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "zstd_compress: " << error.what() << '\n';
    return 1;
  }
}
