#!/usr/bin/env bash
# Installs what building and checking poolproof takes, on Debian 12 and its relatives: only what is
# missing, without questions, and with sudo only if something is missing and we are not root. On another
# system it says what is missing, and stops.
set -euo pipefail

# clang's sanitizer runtimes bear its version in their name; Debian 12 has 14.
clang_version() {
  if command -v clang++ >/dev/null; then clang++ -dumpversion | cut -d. -f1; else echo 14; fi
}

packages=(
  g++ clang "libclang-rt-$(clang_version)-dev"      # the two compilers, and clang's sanitizers
  clang-format clang-tidy                           # make lint
  cmake ninja-build make git                        # make build
  relacy-dev catch2 libbenchmark-dev                # models, unit tests, benchmarks
  libzstd-dev zlib1g-dev                            # what examples and benchmarks compress with
  valgrind                                          # the instructions of the portable pin
  python3 python3-matplotlib parallel               # scripts, plots, a recipe for many machines
  libconcurrentqueue-dev libtbb-dev libboost-dev libatomic-queue-dev golang-go  # peers of the pool
  libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4  # allocators that make bench preloads
  python3-jinja2                                    # make report
)

# The same for a system that we do not know the package names of.
commands=(g++ clang++ clang-format clang-tidy cmake ninja make git python3)
headers=(relacy/base.hpp catch2 benchmark/benchmark.h zstd.h zlib.h)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      echo "$package"
    fi
  done
}

has_header() {
  local tried
  for tried in "$1" "$1/catch.hpp" "$1/catch_all.hpp"; do
    if echo "#include <$tried>" | g++ -std=c++20 -E -x c++ - >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

missing_by_name() {
  local name
  for name in "${commands[@]}"; do
    if ! command -v "$name" >/dev/null; then echo "command $name"; fi
  done
  for name in "${headers[@]}"; do
    if ! has_header "$name"; then echo "header $name"; fi
  done
  for name in matplotlib jinja2; do
    if ! python3 -c "import $name" 2>/dev/null; then echo "Python module $name"; fi
  done
}

install_packages() {
  local as_root=()
  if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "setup: packages are missing, and there is no sudo here. As root, run:" >&2
      echo "  apt-get update && apt-get install $*" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get -q update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install --yes --no-install-recommends "$@"
}

print_what_is_missing() {
  local missing
  mapfile -t missing < <(missing_by_name)
  if [[ ${#missing[@]} == 0 ]]; then
    echo "setup: everything is there"
    exit 0
  fi
  echo "setup: this system has no apt-get, so nothing was installed. Missing:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  print_what_is_missing
fi
mapfile -t missing < <(missing_packages)
if [[ ${#missing[@]} == 0 ]]; then
  echo "setup: all ${#packages[@]} packages are there"
else
  echo "setup: installing ${missing[*]}"
  install_packages "${missing[@]}"
fi
