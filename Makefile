# Manyscope's commands. `make run` and `make test` are all that a fresh Debian or Ubuntu needs.
#
#   make run                    set up what is missing, then start Manyscope
#   make run ARGS="open vicsek" the same, with words of its command line
#   make test                   set up what is missing, then run every test
#   make test TESTS=tests/app   some of them

.PHONY: run test lint types bench screenshots pages clean
.DEFAULT_GOAL := run

python := .venv/bin/python
ARGS ?=
TESTS ?=
WORKERS ?= 2

# What JAX compiled stays from one run of the tests to the next, also in another clone.
cache := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(if $(HOME),$(HOME)/.cache,$(CURDIR)/.cache))
kept_compilations := JAX_COMPILATION_CACHE_DIR=$(cache)/manyscope/tests \
	JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

run:
	@.ci/setup run
	@if [ -n "$(ARGS)" ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ]; then \
		$(python) -m app $(ARGS); \
	else \
		echo "No display here: rendering the default system into manyscope-out/ instead."; \
		$(python) -m app demo --out manyscope-out; \
	fi

# A worker that dies ends the run, with the name of its test: pytest-xdist can wait for ever for one
# that took its place.
test:
	@.ci/setup test
	$(kept_compilations) $(python) -m pytest -n $(WORKERS) --dist worksteal --max-worker-restart 0 --timeout 400 --durations=25 -q $(TESTS)

lint:
	@.ci/setup test
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	.venv/bin/lint-imports

types:
	@.ci/setup test
	.venv/bin/basedpyright

# Against other programs on one core, then the live window's pace; prints ratios. Peers take part
# where they are installed. Not part of the tests.
one_core := $(if $(shell command -v taskset),taskset -c 0)
bench:
	@.ci/setup test
	$(one_core) $(python) benchmarks/kuramoto.py
	$(one_core) $(python) benchmarks/vicsek.py
	$(one_core) $(python) benchmarks/cloud_score.py
	$(python) benchmarks/startup.py
	$(python) benchmarks/live.py

# The pictures of README.md and docs/, taken from the real window on a virtual display.
screenshots:
	@.ci/setup test
	$(python) docs/make_screenshots.py

# What programs write: the gallery's pictures, and the pages of docs/ on systems and command line.
pages:
	@.ci/setup test
	$(python) docs/make_thumbnails.py
	$(python) docs/make_system_pages.py
	$(python) docs/make_command_line_page.py
	$(python) docs/make_notebook_page.py

clean:
	rm -rf .venv manyscope-out build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
