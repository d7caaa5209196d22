# The front door: each target calls a CMake preset or a script. `make help` lists them.
#
#   JOBS=n      how many compilations and tests at once (default: one per CPU)
#   PYTHON=..   the interpreter of the scripts (default: Debian's, which has matplotlib)
#   PREFIX=..   where `make install` puts the headers; DESTDIR is honoured
#   MODEL=.. SEED=..    for `make models`: one model, or one of its failures again
#   QUICK=1             for `make bench`: a smoke test whose numbers are not kept
#   CAMPAIGN=pool       for `make bench`: one of bench/campaigns (default: all of them)

JOBS ?= $(shell nproc)
PYTHON ?= $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
PREFIX ?= /usr/local

SOURCES = $(shell find impl checker relacy_models proofs stress bench examples cmake -name '*.[ch]pp')
PROGRAMS = pool_scenarios $(patsubst bench/%.cpp,%,$(wildcard bench/*_bench.cpp))
CAMPAIGNS = $(if $(CAMPAIGN),bench/campaigns/$(CAMPAIGN).toml,$(wildcard bench/campaigns/*.toml))

# build,<preset>[,<target>]   and   test,<preset>
build = cmake --preset $(1) && cmake --build build/$(1) --parallel $(JOBS) $(if $(2),--target $(2))
test = ctest --preset $(1) --parallel $(JOBS)

# sanitized,<preset>: the stress tests print how often each race was met.
sanitized = $(call build,$(1)) && $(call test,$(1)) --label-regex unit && \
            $(call test,$(1)) --label-regex stress --verbose

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build test test-pins test-checker check check-full proofs ledger models models-quick mutants mutants-quick stress \
        tsan asan aarch64 bench plots report lint format install clean

help:  ## print this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

setup:  ## install what is missing to build and check poolproof (Debian packages)
	scripts/setup.sh

build:  ## build the unit tests and the examples
	$(call build,dev)

test: build  ## run the unit tests and the examples, and the tests again without what is Linux's own
	$(call build,fallback)
	$(call test,fallback)
	$(call test,dev)
	$(MAKE) test-pins

# Without the C library's registration, with membarrier refused, and as a user may force it.
unit = $(call test,dev) --quiet --label-regex unit
test-pins:  ## run the unit tests on each pin that a process may find itself with
	$(call build,dev)
	GLIBC_TUNABLES=glibc.pthread.rseq=0 $(unit)
	build/dev/impl/tests/refuse_membarrier $(unit)
	POOLPROOF_PIN=portable $(unit)

test-checker:  ## run the self-test of the checker: oracles, random programs, laws
	$(call build,checker)
	$(call test,checker)

# The proofs first: what they find wrong, they show step by step.
check: proofs models-quick mutants-quick lint  ## prove the protocols: lint, all executions of small clients and models, a sample of the mutants

# A model that takes longer is listed as unfinished, and is not proved; check-full gives it more time.
MODEL_SECONDS = 3
checked = build/models/relacy_models/checked_models --jobs $(JOBS)
clients = build/models/proofs/proofs --jobs $(JOBS)

proofs:  ## explore every execution: small clients of the headers, and the models, on the checker
	$(call build,models)
	$(clients) --family pool_dequeue --calls 6
	$(clients) --family pool_dequeue --calls 5 --progress
	$(clients) --family pool_dequeue_batches --calls 4
	$(clients) --family pool_dequeue_batches --calls 3 --progress
	$(clients) --family object_pool_one_cpu --calls 3 --spurious 0
	$(clients) --family object_pool_two_cpus --calls 3 --spurious 0
	$(clients) --family object_pool_one_cpu --calls 2 --progress --spurious 0
	$(clients) --family object_pool_two_cpus --calls 2 --progress --spurious 0
	$(checked) --skip-litmus --seconds $(MODEL_SECONDS) --partial

ledger:  ## write the ledger of proofs, docs/proofs.md, anew
	$(call build,models)
	$(PYTHON) proofs/ledger.py

check-full:  ## the same with larger clients and more time, and the checker's slow tests
	$(call build,models)
	$(clients) --family pool_dequeue --calls 9
	$(clients) --family pool_dequeue --calls 6 --progress
	$(clients) --family pool_dequeue_batches --calls 6
	$(clients) --family pool_dequeue_batches --calls 4 --progress
	$(clients) --family object_pool_one_cpu --calls 3 --progress --spurious 0
	$(clients) --family object_pool_one_cpu --calls 4 --spurious 0 --seconds 30 --partial
	$(clients) --family object_pool_two_cpus --calls 4 --spurious 0 --seconds 15 --partial
	$(clients) --family object_pool_four_threads --client 'p|p|g|r' --spurious 0
	$(clients) --family object_pool_four_threads --calls 4 --spurious 0 --seconds 15 --partial
	$(checked) --seconds 900
	$(call build,checker)
	$(call test,checker-full)

models:  ## run the models of the protocols on Relacy
	$(call build,models)
	$(PYTHON) relacy_models/run.py $(if $(MODEL),--model $(MODEL)) $(if $(SEED),--seed $(SEED))

models-quick:  ## the same with a twentieth of the random iterations, as part of check
	$(call build,models)
	$(PYTHON) relacy_models/run.py --iterations 50000

mutants:  ## weaken every memory order, break every algorithm, and see a model fail each time
	$(call build,models)
	$(PYTHON) scripts/mutants.py --engine checker
	$(PYTHON) scripts/mutants.py

mutants-quick:  ## the same for a sample, as part of check
	$(call build,models)
	$(PYTHON) scripts/mutants.py --engine checker --quick
	$(PYTHON) scripts/mutants.py --quick

stress:  ## run the stress tests: real threads, counting how often each race was met
	$(call build,release)
	$(call test,stress)

tsan:  ## run unit and stress tests under ThreadSanitizer, with g++ and with clang++
	$(call sanitized,tsan-gcc)
	$(call sanitized,tsan-clang)

asan:  ## run unit and stress tests under ASan, UBSan and LSan, with g++ and with clang++
	$(call sanitized,asan-gcc)
	$(call sanitized,asan-clang)

aarch64:  ## run the tests of the sections on aarch64, emulated, under a real kernel (needs cross compiler and QEMU)
	$(PYTHON) scripts/aarch64.py
	$(PYTHON) scripts/aarch64.py --broken
	$(PYTHON) scripts/hit_path.py

bench:  ## run the campaigns, and write their results with their provenance to bench/results
	$(call build,release,$(PROGRAMS))
	$(foreach each,$(CAMPAIGNS),$(PYTHON) bench/run.py $(if $(QUICK),--quick) $(each) &&) true

# The scripts that draw are those that have a name for their figure. What one lacks keeps no other from drawing.
plots:  ## draw the figures from bench/results to plots/figures
	@failed=; for script in $$(grep -l '^NAME = ' plots/*.py); do $(PYTHON) $$script || failed=1; done; test -z "$$failed"

report:  ## write the report of bench/results: build/report/index.html and the figures as PNG and SVG
	$(PYTHON) plots/report.py

lint:  ## check the order labels, the format, and what clang-tidy finds
	$(PYTHON) scripts/lint_orders.py --check-markdown
	$(PYTHON) proofs/ledger.py --check
	clang-format --dry-run -Werror $(SOURCES)
	clang-tidy --quiet cmake/tidy.cpp -- -std=c++20 -Iimpl/include

format:  ## format all C++ sources
	clang-format -i $(SOURCES)

install:  ## install the headers, the checker's library and the CMake package into PREFIX
	$(call build,install)
	cmake --install build/install --prefix $(PREFIX)

clean:  ## remove everything that was built
	rm -rf build
