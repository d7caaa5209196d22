# SPDX-License-Identifier: MIT
# The front door: each target calls a CMake preset or a script. `make help` lists them, with these
# variables:
#
#   JOBS=n              how many compilations and tests at once (default: one per CPU)
#   PYTHON=..           the interpreter of the scripts (default: Debian's, which has matplotlib)
#   PREFIX=..           where `make install` puts the headers (/usr/local); DESTDIR is honoured
#   MODEL=.. SEED=..    for `make models`: one model, or one of its failures again
#   QUICK=1             for `make bench`: a smoke test whose numbers are not kept
#   CAMPAIGN=pool       for `make bench`: one of bench/campaigns (default: all of them)
#   TIMES=200 BESIDE='stress-ng --cpu 4' ONLY=pin_test
#                       for `make test-repeat`: how often, what runs meanwhile, which programs

JOBS ?= $(shell nproc)
PYTHON ?= $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
PREFIX ?= /usr/local

SOURCES = $(shell find impl checker relacy_models engines proofs stress bench examples cmake -name '*.[ch]pp')
PYTHON_FOLDERS = bench checker examples impl packaging plots proofs relacy_models scripts
PROGRAMS = pool_scenarios pool_scenarios_elsewhere on_top_scenarios $(patsubst bench/%.cpp,%,$(wildcard bench/*_bench.cpp))
CAMPAIGNS = $(if $(CAMPAIGN),bench/campaigns/$(CAMPAIGN).toml,$(wildcard bench/campaigns/*.toml))

# needs,<commands>,<setup target>: a command that is missing is named, and what installs it.
needs = { for each in $(1); do command -v $$each >/dev/null || \
          { echo "$$each is missing: make $(2)" >&2; exit 1; }; done; }
needs_module = { $(PYTHON) -c 'import $(1)' 2>/dev/null || \
                 { echo "$(PYTHON) has no $(1): make $(2)" >&2; exit 1; }; }
needs_sanitizer = { echo 'int main() {}' | clang++ -x c++ - -fsanitize=$(1) -o /dev/null 2>/dev/null || \
                    { echo "clang++ with $(1) sanitizer is missing: make setup-all" >&2; exit 1; }; }

# build,<preset>[,<targets>]   and   test,<preset>
build = $(call needs,cmake ninja,setup) && cmake --preset $(1) && cmake --build build/$(1) --parallel $(JOBS) $(if $(2),--target $(2))
test = ctest --preset $(1) --parallel $(JOBS)

# The parts of the build dev, each with all that is in these folders.
tests = impl/tests/all examples/all
models = relacy_models/all proofs/all
checker = checker/all

# sanitized,<preset>: the stress tests print how often each race was met.
sanitized = $(call build,$(1)) && $(call test,$(1)) --label-regex unit && \
            $(call test,$(1)) --label-regex stress --verbose

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup setup-bench setup-all build test test-pins test-repeat test-checker check check-full proofs assembly ledger models models-quick \
        mutants mutants-quick stress \
        tsan asan aarch64 ports bench plots report docs lint tidy format install clean

help:  ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16
	@echo 'Times are those of two cores with nothing built before, and about right.'
	@echo 'Variables:'
	@sed -n 's/^#   \([A-Z]*=.*\)/  \1/p' $(firstword $(MAKEFILE_LIST))

setup:  ## install what check and test need, and is missing (Debian packages; 163 MB on a bare system)
	scripts/setup.sh

setup-bench:  ## the same, and what bench, plots and report need
	scripts/setup.sh bench

setup-all:  ## the same, and all else that some target or test needs (1.6 GB, of which cross compilers are 1.2)
	scripts/setup.sh all

build:  ## build the unit tests and the examples
	$(call build,dev,$(tests))

# It ends with what ran where, and what failed.
run_tests = $(PYTHON) scripts/run_tests.py --jobs $(JOBS)

test: build  ## run the unit tests and the examples, and the tests again on each pin and without what is Linux's own; 14 min
	$(call build,fallback)
	$(run_tests)

test-pins: build  ## run the unit tests on each pin that a process may find itself with
	$(run_tests) --pins

test-repeat: build  ## run each unit test TIMES times on each pin
	$(run_tests) --repeat $(or $(TIMES),10) --only "$(ONLY)" --beside "$(BESIDE)"

test-checker:  ## run the self-test of the checker: oracles, random programs, unmodified programs; 9 min
	$(call build,dev,$(checker))
	$(call test,checker)

# Its steps are targets below. The proofs first: what they find wrong, they show step by step. What
# each step has found it leaves in $(found), and what is said at the end is read from there. (Not by
# the variable MAKE: such a recipe runs under `make -n`, too.)
check:  ## prove the protocols: all executions of small clients and models, a sample of the mutants, lint; 8 min
	@$(PYTHON) scripts/check.py --found $(found) proofs assembly models-quick mutants-quick lint

# A model that takes longer is listed as unfinished, and is not proved; check-full gives it more
# time.
MODEL_SECONDS = 3
found = build/check
checked = build/dev/relacy_models/checked_models --jobs $(JOBS) --lines $(found)/proofs.lines
explored = build/dev/proofs/proofs --jobs $(JOBS)
clients = $(explored) --lines $(found)/proofs.lines
# The pool as it ships, on each pin; and all calls, and events around them, on these and on smaller
# sizes, and of put, get and rotate more than three: the cheapest first, for so long.
portable_pools = object_pool_one_cpu object_pool_two_cpus
pools = $(portable_pools) object_pool_sections_one_cpu
# The same on three CPUs, on some of which the pool is not told; and with other small sizes.
wide_pools = wide_pool_three_cpus wide_pool_beyond wide_pool_sections_beyond
narrow_pools = narrow_pool_one_cpu narrow_pool_two_cpus narrow_pool_sections_one_cpu narrow_pool_sections_two_cpus
# And the calls that few programs make, beside all others.
rare_pools = rare_pool_two_cpus rare_pool_sections_one_cpu rare_pool_sections_two_cpus
SURVEY_SECONDS = 90
survey = $(explored) --family object_pool --spurious 0 --table $(found)/survey.json
bounded = $(PYTHON) impl/tests/bounded_clients/run.py --jobs $(JOBS) \
          --library build/dev/checker/libpoolproof_check.so --work build/dev/bounded_clients
new_lines = @mkdir -p $(found) && rm -f $(found)/proofs.lines

proofs:  ## explore every execution: small clients of the headers, and the models, on the checker
	$(call build,dev,$(models))
	ctest --test-dir build/dev --output-on-failure --label-regex proofs --parallel $(JOBS)
	$(new_lines)
	$(clients) --family pool_dequeue --calls 6
	$(clients) --family pool_dequeue --calls 5 --progress
	$(clients) --family pool_dequeue_batches --calls 4
	$(clients) --family pool_dequeue_batches --calls 3 --progress
	$(foreach each,$(pools),$(clients) --family $(each) --letters pgr --calls 3 --spurious 0 &&) true
	$(clients) --family object_pool_sections_two_cpus --letters pgr --calls 3 --spurious 0 --seconds 10 --partial
	$(foreach each,$(portable_pools),$(clients) --family $(each) --letters pgr --calls 2 --progress --spurious 0 &&) true
	$(foreach each,$(wide_pools) $(narrow_pools),$(clients) --family $(each) --letters pgr --calls 2 --spurious 0 &&) true
	$(foreach each,$(rare_pools),$(clients) --family $(each) --calls 2 --spurious 0 &&) true
	$(clients) --family upkept_pool_one_cpu --calls 2 --spurious 0
	$(clients) --family upkept_pool_idle --letters pgr --calls 3 --spurious 0
	$(survey) --calls 3 --plain-calls 5 --within $(SURVEY_SECONDS) --partial
	$(checked) --skip-litmus --seconds $(MODEL_SECONDS) --partial

assembly:  ## compare the assembly of the sections, as compilers make it, with its steps in C++, step by step; 15 s
	@$(call needs_module,unicorn,setup)
	@mkdir -p $(found)
	$(PYTHON) proofs/assembly/compare.py --jobs $(JOBS) --json $(found)/assembly.json

ledger:  ## write the ledger of proofs, docs/proofs.md, anew; 15 min
	$(call build,dev,$(models))
	$(PYTHON) proofs/ledger.py

# Each limit is in seconds: of clients of all sizes up to one (--within), of all of one size
# (--total), of one (--seconds). A test adds them up, with the models, what is built and the tests
# of the checker: less than an hour on two cores.
upkept_pools = upkept_pool_two_cpus upkept_pool_sections upkept_pool_idle upkept_pool_idle_sections
merging_pools = $(portable_pools) object_pool_small upkept_pool_one_cpu upkept_pool_two_cpus upkept_pool_idle
compared = $(explored) --reads compared --spurious 0
check-full:  ## the same with larger clients and more time, and the checker's slow tests; 60 min
	$(call build,dev,$(models))
	$(new_lines)
	$(clients) --family pool_dequeue --calls 9 --total 120 --partial
	$(clients) --family pool_dequeue --calls 6 --progress --total 20 --partial
	$(clients) --family pool_dequeue_batches --calls 6 --total 30 --partial
	$(clients) --family pool_dequeue_batches --calls 4 --progress --total 20 --partial
	$(foreach each,$(portable_pools),$(clients) --family $(each) --letters pgr --calls 3 --progress --spurious 0 --total 50 --partial &&) true
	$(foreach each,$(pools) object_pool_sections_two_cpus,$(clients) --family $(each) --letters pgr --calls 5 --spurious 0 --alike once --within 90 --partial &&) true
	$(explored) --family object_pool_two_cpus --client 'p|p|g|r' --spurious 0 --seconds 40 --partial
	$(foreach each,$(wide_pools) $(narrow_pools),$(clients) --family $(each) --calls 2 --spurious 0 --total 12 --partial &&) true
	$(foreach each,$(rare_pools),$(clients) --family $(each) --calls 3 --spurious 0 --total 12 --partial &&) true
	$(clients) --family upkept_pool_one_cpu --calls 3 --spurious 0 --total 40 --partial
	$(foreach each,$(upkept_pools),$(clients) --family $(each) --calls 2 --spurious 0 --total 15 --partial &&) true
	$(survey) --calls 3 --plain-calls 5 --within 150 --partial
	$(foreach each,$(merging_pools) pool_dequeue_batches,$(compared) --family $(each) --calls 2 --total 30 &&) true
	$(foreach each,$(portable_pools),$(compared) --family $(each) --letters pgr --calls 3 --total 30 &&) true
	$(foreach each,$(portable_pools),$(compared) --family $(each) --letters pgr --calls 2 --progress --total 30 &&) true
	$(checked) --seconds 60 --partial
	$(call build,dev,$(checker))
	timeout 300 $(bounded) --at-most 1000000000
	$(call test,checker-full)

models:  ## run the models of the protocols on Relacy
	$(call build,dev,$(models))
	$(PYTHON) relacy_models/run.py $(if $(MODEL),--model $(MODEL)) $(if $(SEED),--seed $(SEED))

models-quick:  ## the same with a twentieth of the random iterations, and fewer preemptions, as part of check
	$(call build,dev,$(models))
	@mkdir -p $(found)
	$(PYTHON) relacy_models/run.py --iterations 50000 --most-preemptions 1 --json $(found)/relacy.json

mutants:  ## weaken every memory order, break every algorithm, and see a model or a test fail each time; 40 min
	$(call build,dev,$(models) unit_common)
	$(PYTHON) scripts/mutants.py --engine checker
	$(PYTHON) scripts/mutants.py --engine checker --clauses
	$(PYTHON) scripts/mutants.py
	$(call test,mutants)

mutants-quick:  ## the same for a sample, as part of check
	$(call build,dev,$(models))
	@mkdir -p $(found)
	$(PYTHON) scripts/mutants.py --engine checker --quick --json $(found)/mutants-checker.json
	$(PYTHON) scripts/mutants.py --quick --json $(found)/mutants-relacy.json

stress:  ## run the stress tests: real threads, counting how often each race was met
	$(call build,release)
	$(call test,stress)

tsan:  ## run unit and stress tests under ThreadSanitizer, with g++ and with clang++; 6 min
	@$(call needs_sanitizer,thread)
	$(call sanitized,tsan-gcc)
	$(call sanitized,tsan-clang)

asan:  ## run unit and stress tests under ASan, UBSan and LSan, with g++ and with clang++; 8 min
	@$(call needs_sanitizer,address)
	$(call sanitized,asan-gcc)
	$(call sanitized,asan-clang)

aarch64:  ## run the tests of the sections on aarch64, emulated, under a real kernel (needs cross compiler and QEMU)
	$(PYTHON) scripts/aarch64.py
	$(PYTHON) scripts/aarch64.py --broken
	$(PYTHON) scripts/hit_path.py

ports:  ## compile for six other architectures and for musl, and run a test on each, emulated; 1 min
	$(PYTHON) scripts/ports.py --jobs $(JOBS)

bench:  ## run the campaigns, and write their results with their provenance to bench/results
	@$(call needs,git,setup-bench)
	$(call build,release,$(PROGRAMS))
	$(foreach each,$(CAMPAIGNS),$(PYTHON) bench/run.py $(if $(QUICK),--quick) $(each) &&) true

# The scripts that draw are those that have a name for their figure. What one lacks keeps no other
# from drawing.
plots:  ## draw the figures from bench/results to plots/figures
	@$(call needs_module,matplotlib,setup-bench)
	@failed=; for script in $$(grep -l '^NAME = ' plots/*.py); do $(PYTHON) $$script || failed=1; done; test -z "$$failed"

report:  ## write the report of bench/results: build/report/index.html and the figures as PNG and SVG
	@$(call needs_module,matplotlib,setup-bench)
	@$(call needs_module,jinja2,setup-bench)
	$(PYTHON) plots/report.py

docs:  ## write the API reference, build/docs/html/index.html; a public name without a comment is an error
	@$(call needs,doxygen,setup-all)
	@mkdir -p build
	@echo 'docs: doxygen reads the headers and the pages, and writes build/docs/html'
	doxygen docs/Doxyfile
	@echo 'docs: build/docs/html/index.html'

lint:  ## check the order labels, the numbers in documents, the format, the licences, the commits, what clang-tidy finds, and all Python
	@$(call needs,clang-format clang-tidy,setup)
	@$(call needs_module,mypy,setup)
	@$(call needs_module,flake8,setup)
	@$(call needs_module,tomlkit,setup)
	$(PYTHON) scripts/lint_orders.py --check-markdown
	$(PYTHON) proofs/ledger.py --check
	$(PYTHON) proofs/load_buffering.py --headers
	$(PYTHON) proofs/next_sizes.py --headers
	$(PYTHON) scripts/facts.py
	@$(PYTHON) scripts/spdx.py
	@$(PYTHON) scripts/lint_commits.py
	@clang-format --dry-run -Werror $(SOURCES) && echo 'format: $(words $(SOURCES)) files'
	@mkdir -p build
	@{ $(PYTHON) -m flake8 $(PYTHON_FOLDERS) && $(PYTHON) -m mypy; } >build/python.log 2>&1 & python=$$!; failed=; \
	clang-tidy --quiet cmake/tidy.cpp -- -std=c++20 -Iimpl/include 2>build/tidy.log || { cat build/tidy.log; failed=1; }; \
	wait $$python || failed=1; cat build/python.log; test -z "$$failed"

# Clang's analyzer took most of the time: four fifths of that of execution.cpp. With a tenth of its
# steps for each function (max-nodes) it has found the same, and all files take about half as long.
tidied = $(wildcard checker/tools/*.cpp checker/src/*.cpp checker/runtime/*.cpp) checker/tidy.cpp
tidied_as = -std=c++20 -Ichecker/include -Xclang -analyzer-config -Xclang max-nodes=20000
tidy:  ## check the sources of the checker with clang-tidy; 2 min
	@$(call needs,clang-tidy,setup)
	@mkdir -p build && : >build/tidy.done
	@printf '%s\n' $(tidied) | xargs -P $(JOBS) -I FILE sh -c \
	  'found=$$(clang-tidy --quiet FILE -- $(tidied_as) 2>&1) || { echo "$$found"; false; }; status=$$?; \
	   echo FILE >>build/tidy.done; \
	   if [ -t 2 ]; then printf "\rtidy: %s of %s " $$(wc -l <build/tidy.done) $(words $(tidied)) >&2; fi; exit $$status'
	@echo 'tidy: $(words $(tidied)) files'

format:  ## format all C++ sources, and name the licence in each source
	clang-format -i $(SOURCES)
	$(PYTHON) scripts/spdx.py --fix

install:  ## install the headers, the checker's library and the CMake package into PREFIX
	$(call build,install)
	cmake --install build/install --prefix $(PREFIX)

clean:  ## remove everything that was built
	rm -rf build
