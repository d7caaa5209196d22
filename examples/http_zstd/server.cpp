// A small HTTP server that compresses what it answers with, and gives the memory for it back.
//
//     http_zstd --port 8080 docs &
//     curl -s -H 'Accept-Encoding: zstd' http://127.0.0.1:8080/files/design.md | zstd -d
//     curl -s http://127.0.0.1:8080/metrics
//
// Each connection has a thread, as is usual, and so there are hundreds; few of them compress at the
// same moment. A zstd context holds half a megabyte. One for each thread is what libzstd's manual
// advises: it is fast, and after a burst of connections the process keeps a context for each thread
// that has ever compressed. A pool keeps about as many as were in use at once, and gives those back
// that nobody uses. The option --contexts says which of the two this is, so that measure.py can
// compare them.
#include <httplib.h>
#include <signal.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <poolproof/prometheus.hpp>
#include <poolproof/trimmer.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace {

namespace fs = std::filesystem;

// The contexts.

// How many exist, of whichever owner.
std::atomic<std::int64_t> existing_contexts{0};

struct context_deleter {
  void operator()(ZSTD_CCtx* context) const noexcept {
    ZSTD_freeCCtx(context);
    existing_contexts.fetch_sub(1, std::memory_order_relaxed);
  }
};

using context_pool = poolproof::object_pool<ZSTD_CCtx, context_deleter>;

// Null where memory is short: then a response is not compressed.
context_pool::item make_context() {
  context_pool::item made(ZSTD_createCCtx());
  if (made != nullptr) existing_contexts.fetch_add(1, std::memory_order_relaxed);
  return made;
}

// How many the pool has destroyed, by cause.
constexpr std::array drop_names{"reset", "bound", "cycle", "memory", "end", "late_return"};
std::array<std::atomic<std::uint64_t>, drop_names.size()> drops{};

// Static, as a server's pools are: connections may still end while main does.
context_pool contexts(
    make_context,
    {.cycle_interval = std::chrono::seconds(5), .name = "zstd", .max_retained = 64, .min_idle = 2},
    {.reset =
         [](ZSTD_CCtx& used) {
           return ZSTD_isError(ZSTD_CCtx_reset(&used, ZSTD_reset_session_and_parameters)) == 0;
         },
     .size_of = [](const ZSTD_CCtx& kept) { return ZSTD_sizeof_CCtx(&kept); },
     .on_drop =
         [](ZSTD_CCtx&, poolproof::drop_cause why) {
           drops[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
         }});

// The command line.

constexpr const char* usage =
    "usage: http_zstd [OPTION]... DIRECTORY\n"
    "Serve the files of DIRECTORY on 127.0.0.1, compressed by zstd, until SIGTERM or SIGINT.\n"
    "\n"
    "  --port N          0 to 65535 (default: 0, any that is free; it is printed)\n"
    "  --threads N       connections at once, 1 to 4096 (default: 64)\n"
    "  --level N         compression level (default: 3)\n"
    "  --contexts WHICH  pool (default), or thread_local: one for each thread, until it ends\n"
    "  --help            print this and exit\n";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct options {
  int port = 0;
  int threads = 64;
  int level = 3;
  bool pooled = true;
  bool help = false;
  fs::path directory;
};

int parse_number(std::string_view option, std::string_view text, int least, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && stop == end && value >= least && value <= most) return value;
  throw usage_error(std::string(option) + " wants a number from " + std::to_string(least) + " to " +
                    std::to_string(most) + ", not '" + std::string(text) + "'");
}

options parse(const std::vector<std::string_view>& arguments) {
  options chosen;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    const auto value = [&] {
      if (++i == arguments.size()) throw usage_error(std::string(argument) + " wants a value");
      return arguments[i];
    };
    if (argument == "--port") {
      chosen.port = parse_number(argument, value(), 0, 65535);
    } else if (argument == "--threads") {
      chosen.threads = parse_number(argument, value(), 1, 4096);
    } else if (argument == "--level") {
      chosen.level = parse_number(argument, value(), ZSTD_minCLevel(), ZSTD_maxCLevel());
    } else if (argument == "--contexts") {
      const std::string_view which = value();
      if (which != "pool" && which != "thread_local")
        throw usage_error("--contexts wants pool or thread_local");
      chosen.pooled = which == "pool";
    } else if (argument == "--help") {
      chosen.help = true;
    } else if (argument.starts_with("--") || !chosen.directory.empty()) {
      throw usage_error("unknown argument " + std::string(argument));
    } else {
      chosen.directory = argument;
    }
  }
  if (!chosen.help && !fs::is_directory(chosen.directory))
    throw usage_error("no directory is given, or it is none");
  return chosen;
}

// The answers.

// The files at hand, by name. What a client asks for is looked up here, and never opened as a path.
std::map<std::string, fs::path> files_of(const fs::path& directory) {
  std::map<std::string, fs::path> found;
  for (const fs::directory_entry& each : fs::directory_iterator(directory)) {
    if (each.is_regular_file()) found.emplace(each.path().filename().string(), each.path());
  }
  return found;
}

// False if the file is gone.
bool read_file(const fs::path& path, std::string& contents) {
  std::ifstream file(path, std::ios::binary);
  contents.assign(std::istreambuf_iterator<char>(file), {});
  return file.is_open() && !file.bad();
}

// False if zstd refuses: it says so for want of memory.
bool compress(ZSTD_CCtx& context, int level, const std::string& plain, std::string& compressed) {
  if (ZSTD_isError(ZSTD_CCtx_setParameter(&context, ZSTD_c_compressionLevel, level)) != 0)
    return false;
  compressed.resize(ZSTD_compressBound(plain.size()));
  const std::size_t size =
      ZSTD_compress2(&context, compressed.data(), compressed.size(), plain.data(), plain.size());
  if (ZSTD_isError(size) != 0) return false;
  compressed.resize(size);
  return true;
}

// The example: the whole difference between the two.
bool compress(const options& chosen, const std::string& plain, std::string& compressed) {
  if (chosen.pooled) {
    const auto context = contexts.borrow();
    return context && compress(*context, chosen.level, plain, compressed);
  }
  thread_local const context_pool::item own = make_context();
  return own != nullptr && compress(*own, chosen.level, plain, compressed);
}

bool takes_zstd(const httplib::Request& request) {
  return request.get_header_value("Accept-Encoding").find("zstd") != std::string::npos;
}

void answer_file(const options& chosen, const fs::path& path, const httplib::Request& request,
                 httplib::Response& response) {
  std::string plain;
  if (!read_file(path, plain)) {
    response.status = 404;
    return;
  }
  // Of a type that cpp-httplib does not compress once more by itself.
  response.set_header("Content-Type", "application/octet-stream");
  response.set_header("Vary", "Accept-Encoding");
  if (takes_zstd(request) && compress(chosen, plain, response.body)) {
    response.set_header("Content-Encoding", "zstd");
  } else {
    response.body = std::move(plain);
  }
}

void answer_metrics(httplib::Response& response) {
  std::ostringstream text;
  poolproof::write_prometheus(text);
  text << "# HELP http_zstd_contexts Compression contexts that exist.\n"
          "# TYPE http_zstd_contexts gauge\nhttp_zstd_contexts "
       << existing_contexts.load(std::memory_order_relaxed)
       << "\n# HELP http_zstd_contexts_dropped_total Contexts that the pool has destroyed.\n"
          "# TYPE http_zstd_contexts_dropped_total counter\n";
  for (std::size_t i = 0; i < drops.size(); ++i) {
    text << "http_zstd_contexts_dropped_total{cause=\"" << drop_names[i] << "\"} "
         << drops[i].load(std::memory_order_relaxed) << '\n';
  }
  response.set_content(text.str(), "text/plain; version=0.0.4");
}

// The server.

int run(const options& chosen) {
#if defined(__GLIBC__)
  // glibc learns from the first large block that is freed, and keeps the next ones for itself: what
  // the pool destroys would stay in the process. With a threshold that is set it learns nothing.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
#endif
  // All threads inherit this: the signals are for the one below.
  sigset_t ending;
  ::sigemptyset(&ending);
  ::sigaddset(&ending, SIGINT);
  ::sigaddset(&ending, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ending, nullptr);

  const poolproof::trimmer trimmer;  // does the cycles while no request comes
  const std::map<std::string, fs::path> files = files_of(chosen.directory);

  httplib::Server server;
  server.new_task_queue = [&chosen] {
    return new httplib::ThreadPool(static_cast<std::size_t>(chosen.threads));
  };
  server.set_keep_alive_max_count(1'000'000);
  server.set_tcp_nodelay(true);
  server.Get("/metrics", [](const httplib::Request&, httplib::Response& response) {
    answer_metrics(response);
  });
  server.Get("/files/(.+)", [&](const httplib::Request& request, httplib::Response& response) {
    const auto found = files.find(request.matches[1]);
    if (found == files.end()) {
      response.status = 404;
    } else {
      answer_file(chosen, found->second, request, response);
    }
  });

  const int port = chosen.port == 0 ? server.bind_to_any_port("127.0.0.1")
                   : server.bind_to_port("127.0.0.1", chosen.port) ? chosen.port
                                                                   : -1;
  if (port < 0) throw std::runtime_error("the port cannot be had");
  std::cout << "http://127.0.0.1:" << port << '\n' << std::flush;  // it listens already

  std::atomic<bool> over{false};
  const std::jthread stopper([&] {
    int signal = 0;
    ::sigwait(&ending, &signal);
    // What stops a server that has not begun is lost.
    while (!server.is_running() && !over) std::this_thread::yield();
    server.stop();
  });
  const bool served = server.listen_after_bind();
  over = true;
  ::kill(::getpid(), SIGTERM);  // if that is not what has ended it
  if (!served) throw std::runtime_error("the server has failed");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const options chosen = parse({argv + 1, argv + argc});
    if (!chosen.help) return run(chosen);
    std::cout << usage;
    return 0;
  } catch (const usage_error& error) {
    std::cerr << "http_zstd: " << error.what() << "\nTry 'http_zstd --help'.\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "http_zstd: " << error.what() << '\n';
    return 1;
  }
}
