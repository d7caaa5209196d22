#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs Debian packages, on Debian 12 and its relatives: only those that are missing, without
# questions, and with sudo only if something is missing and we are not root.
#
#   scripts/setup.sh           what `make check` and `make test` need, and nothing else
#   scripts/setup.sh bench     that, and what `make bench`, `make plots` and `make report` need
#   scripts/setup.sh all       all that any target needs
#
# A package that this system does not know stops nothing: the others are installed, and it says at
# the end what is missing and what that costs. Without apt-get it installs nothing, and says what is
# missing.
set -euo pipefail

# clang's sanitizer runtimes bear its version in their name: of the clang that is here, or that
# would be installed. Of that a new system knows only after its first update.
clang_version() {
  if command -v clang++ >/dev/null; then
    clang++ -dumpversion | cut -d. -f1
  else
    LC_ALL=C apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p'
  fi
}

# Names of a package, of which one is enough (other releases call it otherwise); how another system
# is asked for the same (a command, a header, or a Python module); and what does not work without.
basic="
  g++                                       | g++                       | all targets
  clang                                     | clang++                   | the tests with a second compiler, make tsan, make asan
  cmake                                     | cmake                     | all targets
  ninja-build                               | ninja                     | all targets
  make                                      | make                      | all targets
  python3                                   | python3                   | all targets but make build
  python3-unicorn                           | module unicorn            | make check, make assembly, a test
  relacy-dev                                | relacy/base.hpp           | make check, make models, make mutants
  libcli11-dev                              | CLI/CLI.hpp               | make check, make models, make mutants, make test-checker, make tidy
  nlohmann-json3-dev                        | nlohmann/json.hpp         | make check, make models, make mutants, make test-checker, make tidy
  catch2                                    | catch2                    | make test, make test-checker, make tsan, make asan
  systemtap-sdt-dev                         | sys/sdt.h                 | a test of make test: probes
  libzstd-dev                               | zstd.h                    | an example, and with it make test
  clang-format                              | clang-format              | make lint, and with it make check
  clang-tidy                                | clang-tidy                | make tidy, make lint, and with it make check
  mypy                                      | module mypy               | make lint, and with it make check
  flake8                                    | module flake8             | make lint, and with it make check
  python3-tomlkit                           | module tomlkit            | make lint, and with it make check
"
bench="
  git                                       | git                       | make bench, which names the commit that it measures
  libbenchmark-dev                          | benchmark/benchmark.h     | make bench, make stress
  zlib1g-dev                                | zlib.h                    | make bench
  python3-matplotlib                        | module matplotlib         | make plots, make report
  python3-jinja2                            | module jinja2             | make report
  pkgconf                                   | pkg-config                | an example: http_zstd; a test: the installed package without CMake
  libcpp-httplib-dev                        | httplib.h                 | an example: http_zstd
  wrk                                       | wrk                       | an example: http_zstd's measurement
  libpcre2-dev                              | pcre2.h                   | an example: pcre2_stacks
  libconcurrentqueue-dev                    |                           | a peer in make bench; an example in make test-checker
  libtbb-dev                                |                           | a peer in make bench
  libboost-dev                              |                           | a peer in make bench; an example in make test-checker
  libatomic-queue-dev                       |                           | a peer in make bench; an example in make test-checker
  libpoco-dev                               |                           | a peer in make bench
  golang-go                                 |                           | a peer in make bench: Go's sync.Pool
  libjemalloc2                              |                           | an allocator in make bench
  libmimalloc2.0 libmimalloc3 libmimalloc2  |                           | an allocator in make bench
  libtcmalloc-minimal4 libtcmalloc-minimal4t64 |                        | an allocator in make bench
"
rest="
  libclang-rt-VERSION-dev                   |                           | make tsan and make asan with clang++
  meson                                     | meson                     | a test: a subproject of Meson
  valgrind                                  | valgrind                  | a test: the instructions of the portable pin
  bpftrace                                  | bpftrace                  | a test: what the probes count
  doxygen                                   | doxygen                   | make docs
  libreaderwriterqueue-dev                  |                           | an example in make test-checker
  parallel                                  | parallel                  | a test: a recipe for many processors
  qemu-user                                 | qemu-aarch64              | make ports
  g++-aarch64-linux-gnu                     | aarch64-linux-gnu-g++     | make ports, make aarch64
  g++-arm-linux-gnueabihf                   | arm-linux-gnueabihf-g++   | make ports
  g++-i686-linux-gnu                        | i686-linux-gnu-g++        | make ports
  g++-powerpc64le-linux-gnu                 | powerpc64le-linux-gnu-g++ | make ports
  g++-riscv64-linux-gnu                     | riscv64-linux-gnu-g++     | make ports
  g++-s390x-linux-gnu                       | s390x-linux-gnu-g++       | make ports
  musl-dev                                  |                           | make ports
  libc++-dev                                |                           | make ports
"

is_installed() { [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }
is_known() { apt-get -qq --simulate --no-install-recommends install "$1" >/dev/null 2>&1; }

# Sets REPLY to a line of the table with clang's version in it. clang is started for those lines
# alone that have one: for each it would take most of the time.
with_version() {
  REPLY=$1
  if [[ $1 == *VERSION* ]]; then REPLY=${1/VERSION/$(clang_version)}; fi
}

# The lines of the table whose package is not there.
missing_lines() {
  local names rest name
  while IFS='|' read -r names rest; do
    if [[ -z ${names// /} ]]; then continue; fi
    with_version "$names"
    for name in $REPLY; do
      if is_installed "$name"; then continue 2; fi
    done
    echo "$names|$rest"
  done
}

# The first of the names that this system knows; nothing if it knows none.
known_name() {
  local name
  for name in "$@"; do
    if is_known "$name"; then echo "$name" && return; fi
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

install_missing() {
  local missing names name how cost
  local found=() lost=()
  mapfile -t missing < <(missing_lines <<<"$1")
  if [[ ${#missing[@]} == 0 ]]; then
    echo "setup: everything is there"
    return
  fi
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    echo "setup: packages are missing, and there is no sudo here. As root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends $(for each in "${missing[@]}"; do with_version "$each"; read -r name _ <<<"$REPLY"; printf '%s ' "$name"; done)" >&2
    exit 1
  fi
  as_root apt-get -q update
  for each in "${missing[@]}"; do
    with_version "$each"
    IFS='|' read -r names how cost <<<"$REPLY"
    # shellcheck disable=SC2086  # a list of names
    name=$(known_name $names)
    if [[ -n $name ]]; then found+=("$name"); else lost+=("${names%% |*} (missing:$cost)"); fi
  done
  if [[ ${#found[@]} != 0 ]]; then
    echo "setup: installing ${found[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install --yes --no-install-recommends "${found[@]}"
  fi
  if [[ ${#lost[@]} != 0 ]]; then
    echo "setup: this system does not know these packages; without them the rest works:" >&2
    printf '%s\n' "${lost[@]}" | tr -s ' ' | sed 's/^ */  /' >&2
  fi
}

# Of the package that has it, this alone: the package is a server, which would be started, and which
# wants 220 MB of JavaScript.
install_promtool() {
  if command -v promtool >/dev/null; then return; fi
  local place
  place=$(mktemp -d)
  if (cd "$place" && apt-get -q download prometheus && dpkg-deb --extract prometheus_*.deb .) >/dev/null 2>&1 &&
    as_root install -D "$place/usr/bin/promtool" /usr/local/bin/promtool; then
    echo "setup: installed promtool, of the package prometheus, to /usr/local/bin"
  else
    echo "setup: there is no promtool here; tests of the metrics then go by their grammar alone" >&2
  fi
  rm -r "$place"
}

has_header() {
  local tried
  for tried in "$1" "$1/catch.hpp" "$1/catch_all.hpp"; do
    if echo "#include <$tried>" | g++ -std=c++20 -E -x c++ - >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

# Of a system without apt-get.
print_what_is_missing() {
  local names how cost kind name
  local missing=()
  while IFS='|' read -r names how cost; do
    read -r kind name <<<"$how" || true
    case $kind in
      '') continue ;;
      module) python3 -c "import $name" 2>/dev/null || missing+=("Python module $name:$cost") ;;
      *.h | *.hpp | catch2) has_header "$kind" || missing+=("header $kind:$cost") ;;
      *) command -v "$kind" >/dev/null || missing+=("command $kind:$cost") ;;
    esac
  done <<<"$1"
  if [[ ${#missing[@]} == 0 ]]; then
    echo "setup: everything is there"
    exit 0
  fi
  echo "setup: this system has no apt-get, so nothing was installed. Missing, and for what:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
}

case ${1:-} in
  '') wanted=$basic ;;
  bench) wanted=$basic$bench ;;
  all) wanted=$basic$bench$rest ;;
  -h | --help)
    sed -n '3,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "setup: '$1' is not bench or all (--help says what they are)" >&2
    exit 2
    ;;
esac
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  print_what_is_missing "$wanted"
fi
install_missing "$wanted"
if [[ ${1:-} == all ]]; then install_promtool; fi
