# `make demo` shows the product, `make test` proves it. `make help` lists the rest.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
NEED_MB := 400

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | column -t -s @

setup: .venv/run-ready ## make the environment in .venv, and nothing else

demo: setup ## serve the dashboard on the embedded sandbox (PORT=8000)
	@DEBUG=1 exec $(BIN)/python manage.py demo --port $(or $(PORT),8000)

test: .venv/test-ready ## everything that must pass: lint, types, tests, browser (ARGS="tests/pages/test_mail.py": these only)
	@$(BIN)/python tests/run.py $(ARGS)

bench: .venv/test-ready ## print what a page costs, as ratios of peers measured in the same run
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.sandbox

lint: .venv/test-ready ## only lint and types
	@$(BIN)/python tests/run.py lint

texts: .venv/test-ready ## collect the texts people read into locale/ and compile them
	@$(BIN)/python -m tests.texts

ledger: .venv/test-ready ## write docs/operations.md
	@$(BIN)/python -m tests.ledger

lock: ## pin requirements*.in, with hashes (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url requirements-uv.in -o requirements-uv.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url requirements.in -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url -c requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## remove the environment and the demo's data
	rm -rf .venv var

# uv installs in seconds where pip needs half a minute; where uv has no wheel, pip does the same work.
.venv/uv-ready: requirements-uv.txt
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not on this machine."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$($(PYTHON) -V 2>&1). Try: make $(or $(MAKECMDGOALS),setup) PYTHON=python3.11"; exit 1; }
	@free=$$(df -Pm . | awk 'NR==2 {print $$4}'); [ "$$free" -ge $(NEED_MB) ] || { echo "Not enough disk: the environment needs $(NEED_MB) MB, $$free MB are free here."; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "The venv module failed. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-uv.txt || echo "uv has no wheel here; using pip, which takes longer."
	@touch $@

.venv/run-ready: requirements.txt .venv/uv-ready
	@if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r $<; \
	 else $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $<; fi
	@touch $@

.venv/test-ready: requirements-dev.txt .venv/uv-ready
	@if [ -x $(BIN)/uv ]; then $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r $<; \
	 else $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r $<; fi
	@touch $@ .venv/run-ready

.PHONY: help setup demo test bench lint texts ledger lock clean
