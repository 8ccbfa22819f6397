# make demo    set up, then run the main job against the built-in sandbox (ARGS=--exit leaves when all is answered)
# make test    set up with the test tools and servers, then run every test (ARGS="-k mailbox" runs some, -n0 in one process)
# make torture kill a run at every system call, and let each fail; hours (ARGS=--help)
# make fuzz    let a fuzzer look for bytes that break what is promised of headers, mails and archives (ARGS=--help)
# make bench   measure it beside what people would use instead; an hour and a half (ARGS="--only folder-way" a part of it, ARGS=--list names them)
# make lint    the checks that a change must pass
# make docs    make the page of all keys anew, then the site of docs/ in build/site
# make lock    renew the locks after a change of the dependencies (ARGS=--upgrade takes the newest of everything)
# make clean   remove the environment and what tools left behind
# PYTHON=…     the interpreter to set up with, instead of the newest that is found

PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3)
RUN_EXTRAS := postgres ldap demo
INSTALL := .venv/bin/python -m pip install --disable-pip-version-check --quiet
# A worker for each core and one more, because tests of servers wait a quarter of their time, but no more than five, because
# each starts servers of its own. A file's tests stay together, and files in their order: so the short ones come last, and no
# worker is left with a long one.
WORKERS = -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses 5 --dist loadfile --no-loadscope-reorder
COMPILE = .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" --quiet $(ARGS)

# Where this is set, each start of the command compiles the whole package anew, which costs as much as all else of it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test torture fuzz bench lint docs lock clean

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

demo: .venv/.run
	.venv/bin/invoice-watcher demo $(ARGS)

test: .venv/.test
	tests/install-servers
	.venv/bin/python -m pytest $(WORKERS) $(ARGS)

torture: .venv/.test
	tests/install-servers
	.venv/bin/python -m tests.torture $(ARGS)

# The one tool that is not locked, because it has no wheel everywhere and no other target needs it.
fuzz: .venv/.test
	$(INSTALL) "atheris>=3"
	.venv/bin/python -m tests.fuzz $(ARGS)

bench: .venv/.test
	tests/install-servers rivals
	.venv/bin/python -m benchmarks $(ARGS)

lint: .venv/.test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy --strict watcher tests benchmarks docs

# Strict: a link to a page or heading that is not there is an error (but not with --quiet).
docs: .venv/.test
	.venv/bin/python -m watcher.config.reference docs/configure.md
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build
	@echo "The site is in build/site; to read it: .venv/bin/python -m http.server --directory build/site"

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find watcher tests -name __pycache__ -prune -exec rm -rf {} +

# An environment that was moved, copied or lost its interpreter does not answer with this folder, and is made anew.
ifneq ($(shell .venv/bin/python -c 'print(open(".venv/.of").read().strip())' 2>/dev/null),$(CURDIR))
.PHONY: .venv/.of
endif

.venv/.of:
	@for python in $(PYTHONS); do \
		if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			echo "Setting up .venv with $$("$$python" --version); this takes a minute, once."; \
			"$$python" -m venv --clear .venv && pwd -P > $@; exit; \
		fi; \
	done; \
	echo "None of $(PYTHONS) is Python 3.11 or later with its venv module (Debian: apt-get install python3-venv)." >&2; \
	exit 1

# The build tools come first and from a lock too, so that what has no wheel is built without fetching unlocked ones.
define install
	$(INSTALL) --require-hashes -r requirements-build.lock
	$(INSTALL) --require-hashes --use-pep517 --no-build-isolation -r $(1)
	$(INSTALL) --no-build-isolation --no-deps --editable .
endef

.venv/.run: .venv/.of requirements-build.lock requirements-run.lock pyproject.toml
	$(call install,requirements-run.lock)
	@touch $@

.venv/.test: .venv/.of requirements-build.lock requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch .venv/.run $@

lock: .venv/.of
	$(INSTALL) uv
	$(COMPILE) pyproject.toml --all-extras --group build --output-file requirements.lock
	$(COMPILE) pyproject.toml $(addprefix --extra ,$(RUN_EXTRAS)) --constraint requirements.lock --output-file requirements-run.lock
	$(COMPILE) --group build --constraint requirements.lock --output-file requirements-build.lock
