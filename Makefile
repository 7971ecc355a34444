# What a newcomer needs: `make demo`, `make test`, `make run`. `make help` lists everything.
PYTHON ?= python3
VENV ?= .venv
TESTS ?= tests
BIN := $(VENV)/bin

.PHONY: help install demo run test soak lint format docs bench bench-peers clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: ## install everything into the project's own folder
	@$(PYTHON) -m local.install $(VENV)

demo: install ## play the story from events to alerts, and write out/report.html
	@$(BIN)/python -m local demo

run: install ## keep the local stack up on port 7071
	@exec $(BIN)/python -m local run --with-parent

test: install .mlflow/installed ## run the tests; TESTS=tests/unit only these, PYTHON=python3.13 VENV=.venv-3.13 with another Python
	@$(BIN)/python -m pytest $(TESTS)

soak: install ## kill, crash, cut and storm real processes for forty minutes, and print the numbers
	@$(BIN)/python -m tests.soak --long

lint: install ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: install ## let ruff format and sort
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: install ## write the pages that are made of the code
	@$(BIN)/python -m audit rules --output markdown > docs/rules.md
	@$(BIN)/python -m audit.approvals.schema > docs/release.schema.json

bench: install ## print the benchmarks (10,000 and 100,000 deployments) and write out/bench.json
	@$(BIN)/python -m benchmarks

bench-peers: install .bench/installed ## the same with Cloud Custodian and DeepDiff (700 MB)
	@$(BIN)/python -m benchmarks --peers

.bench/installed: benchmarks/peers.txt
	$(PYTHON) -m venv .bench
	.bench/bin/pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	@touch $@

# Where it cannot be installed, the tests that need it are skipped, and say so.
.mlflow/installed: tests/mlflow/requirements.txt
	@echo "Installing an MLflow server into .mlflow; the first time takes half a minute."
	-@$(PYTHON) -m venv .mlflow && .mlflow/bin/pip install --quiet --disable-pip-version-check --requirement $< \
		&& touch $@

clean: ## remove everything that was installed or made
	rm -rf .venv .venv-* .bench .mlflow .local out local/node_modules
