# Two commands: `make demo` and `make test`. Both set everything up first. Needs Python 3.11+, git and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo up test clients check lint lint-images types bench chaos mutants lock clean help

help:
	@echo "make demo   set everything up, run the main job, check every number"
	@echo "make test   set everything up, run the tests"
	@echo "make check  lint, types and tests: what CI runs"
	@echo "make up     start the whole stack and stay"
	@echo "make clients  fetch and build the recipes in Go and Java, which their tests run"
	@echo "make bench  measure every stage and the whole chain (about five minutes, on a quiet machine)"
	@echo "make chaos  faults under load for an hour or two, with a tally (FAULTS=200 MINUTES=120 SEED= DELIVERY= FOLDER=)"
	@echo "make mutants  known mistakes put into copies of the code, one by one: the tests see each (some fifteen minutes)"
	@echo "make setup  only set everything up"
	@echo "make lock   pin dependencies anew (needs uv)"

# The venv is made again whenever the pinned dependencies change.
.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Stitchline needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 setup") if sys.version_info < (3, 11) else None'
	@echo "[1/3] making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv
	@echo "[2/3] fetching and installing dependencies, pinned and hashed (some 400 MB the first time; a minute on a good line)"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes --requirement requirements.lock | sed -u -n 's/^Collecting \([^ ]*\).*/      \1/p; s/^Installing collected.*/      installing/p'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "[3/3] dependencies are in place"

# The JavaScript side: what builds the pixel, and the clients of the demo and the tests.
node_modules/.ready: package.json package-lock.json .venv/.ready
	@echo "fetching JavaScript packages, pinned and hashed (90 MB)"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch $@

# Hot modules as machine code, those whose sources have changed; without a C compiler they stay as they are.
setup: .venv/.ready node_modules/.ready
	@$(BIN)/python -m deploy.compiling
	@$(BIN)/stitchline fetch

demo: setup
	@$(BIN)/stitchline demo

up: setup
	@$(BIN)/stitchline up

# Files side by side, the longest first (tests/order.py), on engines that the workers share: half of the suite waits for
# something, so four use two cores better than three (CONTRIBUTING.md). WORKERS=0: one after the other.
# Every worker reads all test modules, and tests start hundreds of processes: without bytecode they would compile the same again each time.
# A test that starts engines takes some twenty seconds alone, and was seen to take two minutes beside much else.
WORKERS ?= 4
test: setup
	@$(BIN)/python -m deploy.embedded.kafka_classes
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --timeout 300

lint: .venv/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-images

# By the linters' own rules; what they cannot know, tests/deploy/test_images.py does.
lint-images: .venv/.ready
	@$(BIN)/hadolint deploy/Dockerfile
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	@$(BIN)/compose-lint check --quiet --strict-config --fail-on low --no-env --skip-suppressed --config deploy/compose-lint.yaml deploy/compose.yaml
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/grafana/compose.yaml
	@$(BIN)/compose-lint check --quiet --strict-config --fail-on low --no-env --skip-suppressed --config deploy/grafana/compose-lint.yaml deploy/grafana/compose.yaml

types: .venv/.ready
	@$(BIN)/mypy

check: lint types test

# The recipes of docs/clients.md in Go and Java, where those are: fetched, pinned, and built. Without it their tests are skipped.
clients: .venv/.ready
	@$(BIN)/python -m tests.clients.servers

bench: setup
	@$(BIN)/python -m tests.bench

# Run again it goes on where it stopped, with the same FOLDER.
FAULTS ?= 200
PER_FLEET ?= 20
MINUTES ?= 120
FOLDER ?= chaos-results
chaos: setup
	@$(BIN)/python -m tests.chaos --faults $(FAULTS) --per-fleet $(PER_FLEET) --minutes $(MINUTES) --folder $(FOLDER) $(if $(SEED),--seed $(SEED)) $(if $(DELIVERY),--delivery $(DELIVERY)) $(if $(ONLY),--only "$(ONLY)")

mutants: setup
	@$(BIN)/python -m tests.mutants $(if $(ONLY),--only "$(ONLY)")

# What `make setup` installs; the part of it that a server needs; what makes the wheel. All in the same versions.
LOCK := uv pip compile --universal --generate-hashes --python-version 3.11 --quiet --no-header --custom-compile-command 'make lock'

lock:
	$(LOCK) pyproject.toml --all-extras --group dev --output-file requirements.lock
	$(LOCK) pyproject.toml --constraints requirements.lock --output-file requirements.server.lock
	$(LOCK) --group build --constraints requirements.lock --output-file requirements.build.lock

clean:
	rm -rf .venv .compiled .clients node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
