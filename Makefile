# One job per target; CI runs the same ones. `make` alone lists them.

PYTHON ?= python3
VENV = .venv
ifeq ($(OS),Windows_NT)
  SCRIPTS = Scripts
  EXE = .exe
else
  SCRIPTS = bin
endif
BIN = $(VENV)/$(SCRIPTS)
# Nothing here needs pip to be newest, nor its notices.
PIP = $(BIN)/python -m pip --disable-pip-version-check
# Packages are kept here by their hashes, so that the next clean clone needs no network.
WHEELS = $${XDG_CACHE_HOME:-$$HOME/.cache}/kiro-gateway/wheels
# Install a lock file: from what is kept, else from what is fetched to be kept, else as it goes.
define install_locked
pip() { $(1) -m pip --disable-pip-version-check "$$@" --quiet --require-hashes -r $(2); }; \
pip install --no-index --find-links "$(WHEELS)" 2>/dev/null || { \
	pip download --dest "$(WHEELS)" && pip install --no-index --find-links "$(WHEELS)"; \
} || pip install
endef
CLIENTS = tests/clients
UI = ui
PAGES = gateway/web/static
NPM_CI = npm ci --prefer-offline --no-audit --no-fund --loglevel=error

.PHONY: help install fix check test ui demo run bench recordings lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1|/' | \
		awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

install: $(VENV)/installed ## make .venv with everything in it, the command included

$(VENV)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "$(PYTHON) is not there. Install Python 3.11 or newer, or say: make PYTHON=/path/to/python" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed. Say: make PYTHON=python3.11" >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/dependencies: $(VENV)/python requirements/dev.txt
	@echo "Installing the locked dependencies into $(VENV)"
	@$(call install_locked,$(BIN)/python,requirements/dev.txt)
	@touch $@

$(VENV)/installed: $(VENV)/dependencies pyproject.toml
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

fix: install ## format, and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@! test -d $(UI)/node_modules || npm --prefix $(UI) run --silent format

check: install check-ui ## format, lint and types, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/kiro-gateway config check --config config.example.yaml
	@if test -x $(BIN)/shellcheck$(EXE); then $(BIN)/shellcheck scripts/*.sh .ci/run; \
		else echo "shellcheck is not to be had for this machine: the installer is not checked"; fi

test: install clients test-ui ui-if-possible ## run every test
	$(BIN)/pytest

# The admin pages. Without Node the gateway runs without them, and says so at /ui; CI has it.
NODE = command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'
NO_NODE = echo "Node.js 20 or newer is not there: $(1)" >&2; test -z "$$CI"

ui: install ## build the admin pages into the package
	@$(NODE) || { echo "Install Node.js 20 or newer, which the admin pages are built with." >&2; exit 1; }
	@$(MAKE) -s $(PAGES)/index.html

.PHONY: ui-if-possible check-ui test-ui
ui-if-possible: install
	@if $(NODE); then $(MAKE) -s $(PAGES)/index.html; \
	else $(call NO_NODE,the gateway runs without its admin pages); fi

check-ui: install
	@if $(NODE); then $(MAKE) -s $(UI)/node_modules/.installed $(UI)/src/api/schema.d.ts && \
		cd $(UI) && npm run --silent lint && npm run --silent types; \
	else $(call NO_NODE,the admin pages are not checked); fi

test-ui: install
	@if $(NODE); then $(MAKE) -s $(UI)/node_modules/.installed && \
		cd $(UI) && npm test --silent; \
	else $(call NO_NODE,the logic of the admin pages is not tested); fi

$(UI)/node_modules/.installed: $(UI)/package-lock.json
	@echo "Installing what the admin pages are built with"
	@cd $(UI) && $(NPM_CI)
	@touch $@

# Printed each time, and made anew only when it says something else: types come from it.
.PHONY: openapi
openapi:
	@mkdir -p $(UI)/.cache
	@$(BIN)/python -m gateway.web.openapi > $(UI)/.cache/openapi.new
	@cmp -s $(UI)/.cache/openapi.new $(UI)/.cache/openapi.json || \
		cp $(UI)/.cache/openapi.new $(UI)/.cache/openapi.json

$(UI)/.cache/openapi.json: openapi ;

$(UI)/src/api/schema.d.ts: $(UI)/.cache/openapi.json $(UI)/node_modules/.installed
	@cd $(UI) && npm run --silent schema >/dev/null

$(PAGES)/index.html: $(UI)/node_modules/.installed $(UI)/src/api/schema.d.ts \
		$(UI)/index.html $(UI)/vite.config.ts $(wildcard $(UI)/scripts/*) \
		$(shell find $(UI)/src -type f -not -name '*.test.ts' -not -name schema.d.ts)
	@echo "Building the admin pages"
	@cd $(UI) && npm run --silent types && npm run --silent build
	@touch $@

# The clients that the tests drive come from npm; without Node their tests skip, saying so.
.PHONY: clients
clients:
	@if ! test -f $(CLIENTS)/package-lock.json; then :; \
	elif ! command -v npm >/dev/null; then \
		echo "npm is not there: tests that run real clients will be skipped"; \
	elif ! test $(CLIENTS)/node_modules/.installed -nt $(CLIENTS)/package-lock.json; then \
		(cd $(CLIENTS) && $(NPM_CI)) && \
			touch $(CLIENTS)/node_modules/.installed || \
			echo "npm could not install the clients: their tests will be skipped"; \
	fi

demo: install ui-if-possible ## the gateway against a simulated Kiro service; Ctrl-C ends it
	@exec $(BIN)/kiro-gateway demo $(ARGS)

run: install ui-if-possible ## the gateway against the real service
	@exec $(BIN)/kiro-gateway serve $(ARGS)

bench: install ## measure, and print each figure beside its budget
	$(BIN)/python -m tests.bench $(ARGS)
	$(BIN)/python -m tests.bench.request_log

recordings: install ## make the recorded replies anew; read the diff before keeping it
	$(BIN)/python scripts/make_recordings.py

# --- what is released; docs/building.md

BINARY_VENV = .venv-binary
BINARY = dist/kiro-gateway$(EXE)
BINARY_PYTHON = $(BINARY_VENV)/$(SCRIPTS)/python
RELEASE = dist/release
SOURCE_DATE = $(shell git log -1 --format=%ct 2>/dev/null || echo 1700000000)
# Where the admin pages are built already, as in the release workflow: make PAGES_FIRST= binary
PAGES_FIRST ?= ui

# Only what ends up in the binary, so that nothing else can.
$(BINARY_VENV)/installed: requirements/binary.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not there. Say: make PYTHON=…" >&2; exit 1; }
	$(PYTHON) -m venv $(BINARY_VENV)
	@echo "Installing what goes into the binary into $(BINARY_VENV)"
	@$(call install_locked,$(BINARY_PYTHON),requirements/binary.txt)
	@touch $@

.PHONY: binary selftest binary-test binary-bench archive sbom wheel wheel-test sums release-notes release-key

# The same seed for each run: the order in sets is written into modules.
binary: $(PAGES_FIRST) $(BINARY_VENV)/installed ## build dist/kiro-gateway, the one file that people download
	PYTHONHASHSEED=1 SOURCE_DATE_EPOCH=$(SOURCE_DATE) $(BINARY_PYTHON) -m PyInstaller --noconfirm --clean --log-level WARN \
		--distpath dist --workpath dist/work kiro-gateway.spec
	@$(BINARY_PYTHON) -m build.contents $(BINARY) > dist/contents.txt
	@$(BINARY_PYTHON) -m build.size $(BINARY)
	@if test "$$(uname -s)" = Linux; then \
		$(BINARY_PYTHON) -m build.glibc_floor $(BINARY) $(if $(GLIBC),--at-most $(GLIBC)); fi

selftest: ## start the built binary and use it as people would
	$(PYTHON) build/selftest.py $(BINARY)

binary-test: install ## what can happen to the built binary: signals, full disks, odd consoles
	KIRO_GATEWAY_BINARY=$(BINARY) $(BIN)/pytest tests/binary $(ARGS)

binary-bench: ## how fast the built binary starts, beside its budget
	$(PYTHON) -m tests.bench.start_up $(BINARY)

archive: ## pack the built binary as it is downloaded
	$(PYTHON) -m build.archive $(BINARY) --into $(RELEASE)

sbom: install ## list what the product is made of, as CycloneDX
	$(BIN)/python -m build.sbom $(BINARY_VENV) --binary-contents dist/contents.txt \
		--into $(RELEASE)

wheel: install $(PAGES_FIRST) ## build the wheel and the source distribution
	$(BIN)/hatchling build --directory $(RELEASE)

wheel-test: ## install that wheel as people would, and use it
	rm -rf dist/wheel-venv && $(PYTHON) -m venv dist/wheel-venv
	@$(call install_locked,dist/wheel-venv/$(SCRIPTS)/python,requirements/runtime.txt)
	dist/wheel-venv/$(SCRIPTS)/python -m pip --disable-pip-version-check install --quiet $(RELEASE)/*.whl
	dist/wheel-venv/$(SCRIPTS)/python -m pip check
	$(PYTHON) build/selftest.py dist/wheel-venv/$(SCRIPTS)/kiro-gateway$(EXE)

release-notes: install ## what the changelog says of this version: make release-notes TAG=v1.2.3
	@mkdir -p dist
	$(BIN)/python -m build.release_notes $(TAG) > dist/notes.md

sums: install ## write and sign the checksums of dist/release
	$(BIN)/python -m build.checksums $(RELEASE) $(ARGS)

release-key: install ## make the keys that sign and check releases: make release-key FILE=private.pem
	$(BIN)/python -m build.release_key $(FILE) $(ARGS)

LOCK = $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-annotate --no-header --quiet

lock: install ## renew the locked dependencies
	$(LOCK) --upgrade -o requirements/runtime.txt
	$(LOCK) --upgrade --extra dev -o requirements/dev.txt
	$(LOCK) --upgrade --extra binary --extra packed -o requirements/binary.txt

clean: ## remove what the other targets made
	rm -rf $(VENV) $(BINARY_VENV) $(CLIENTS)/node_modules $(UI)/node_modules \
		$(UI)/.cache $(UI)/src/api/schema.d.ts $(PAGES) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find gateway tests -name __pycache__ -type d -prune -exec rm -rf {} +
