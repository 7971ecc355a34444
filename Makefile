# What a newcomer needs: `make demo`, `make test`, `make run`. `make help` lists everything.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install demo run test lint format bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

install: ## install everything into the project's own folder
	@$(PYTHON) -m local.install

demo: install ## play the story from events to alerts, and write out/report.html
	@$(BIN)/python -m local demo

run: install ## keep the local stack up on port 7071
	@exec $(BIN)/python -m local run --with-parent

test: install ## run the tests
	@$(BIN)/python -m pytest

lint: install ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: install ## let ruff format and sort
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install ## print the benchmarks and write out/bench.json
	@$(BIN)/python -m benchmarks

clean: ## remove everything that was installed or made
	rm -rf .venv .local out local/node_modules
