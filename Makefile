# What a newcomer needs: `make demo`, `make test`, `make run`. `make help` lists everything.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo run test soak lint format bench bench-peers clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: ## install everything into the project's own folder
	@$(PYTHON) -m local.install

demo: install ## play the story from events to alerts, and write out/report.html
	@$(BIN)/python -m local demo

run: install ## keep the local stack up on port 7071
	@exec $(BIN)/python -m local run --with-parent

test: install ## run the tests
	@$(BIN)/python -m pytest

soak: install ## kill, crash, cut and storm real processes for half an hour, and print the numbers
	@$(BIN)/python -m tests.soak --long

lint: install ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: install ## let ruff format and sort
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install ## print the benchmarks and write out/bench.json
	@$(BIN)/python -m benchmarks

bench-peers: install .bench/installed ## the same with Cloud Custodian and DeepDiff (700 MB)
	@$(BIN)/python -m benchmarks --peers

.bench/installed: benchmarks/peers.txt
	$(PYTHON) -m venv .bench
	.bench/bin/pip install --quiet --disable-pip-version-check --requirement benchmarks/peers.txt
	@touch $@

clean: ## remove everything that was installed or made
	rm -rf .venv .bench .local out local/node_modules
