# What people and CI call: every target is a short list of commands that a person can run too.
# Needs git, make and a Python 3 with venv; the set-up finds or fetches the rest into the checkout.

# pyenv's python3 refuses to start in a folder that asks for a version which pyenv has not.
PYTHON := $(shell python3 -c "" 2>/dev/null && echo python3 || echo env PYENV_VERSION=system python3)
TOOLCHAIN = $(PYTHON) infrastructure/toolchain.py
TERRAFORM = .venv/bin/python infrastructure/toolchain.py run terraform
FOR = up
PART =
CHECKS = .ship/venvs/checks/bin
LOCK = $(TOOLCHAIN) run uv pip compile --quiet --universal --generate-hashes \
	--python-version 3.13 --custom-compile-command "make lock" $(UPGRADE)

.PHONY: help setup up down web test coverage check fmt lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## Find or fetch all that `make up` needs; FOR=release: no more than a rollback on AWS
	@$(TOOLCHAIN) setup --for $(FOR)

up: setup ## Bring dev, staging and production to life on this machine
	@.venv/bin/ship up

down: ## Stop the emulator; what it holds stays
	@test ! -x .venv/bin/ship || .venv/bin/ship down

web: ## Serve the page with the local API, and reload it on change; STATUS=FILE: with that status
	@$(TOOLCHAIN) setup --for web
	@.venv/bin/python -m ship.cli.web $(if $(STATUS),--status "$(STATUS)")

# Tests that share an emulator stay on one worker, in their order: tests/conftest.py says which.
# They mostly wait for processes of their own, so four workers pay on two cores too.
test: ## Run every test, from units to journeys; PART=units|journeys|faults|workflows|previews: a part
	@$(TOOLCHAIN) setup --for test
	@$(if $(PART),COVERAGE_FILE="$(CURDIR)/test-results/coverage-$(PART)") .venv/bin/python -m pytest \
		--numprocesses 4 --dist loadscope --no-loadscope-reorder --cov \
		$(if $(PART),--part=$(PART) --cov-report= --cov-fail-under=0) $(ARGS)

coverage: ## Join what the parts of the tests covered, and refuse too little
	@$(TOOLCHAIN) setup --for coverage
	@.venv/bin/coverage combine --quiet test-results/coverage-*
	@.venv/bin/coverage json --quiet -o test-results/coverage.json
	@.venv/bin/coverage report

check: ## Lint, type-check and scan everything; all checks run, then one verdict
	@$(TOOLCHAIN) setup --for check
	@$(MAKE) --no-print-directory --keep-going ruff format mypy zizmor checkov \
		terraform-format terraform-bootstrap terraform-stack \
		&& echo "check: all passed" || { echo "check: failed, see the Error lines above"; exit 1; }

fmt: ## Rewrite Python and Terraform files into their one format
	@$(TOOLCHAIN) setup --for check
	@$(CHECKS)/ruff check --quiet --select I --fix .
	@$(CHECKS)/ruff format .
	@$(TERRAFORM) fmt -recursive infrastructure

lock: ## Lock the packages of pyproject.toml anew, with hashes; UPGRADE=--upgrade takes newer ones
	@$(TOOLCHAIN) setup --for lock
	@$(LOCK) --group uv --output-file requirements-uv.txt
	@$(LOCK) --group node --output-file requirements-node.txt
	@$(LOCK) --group backend --output-file backend/requirements.txt
	@$(LOCK) --group emulator --output-file requirements-emulator.txt
	@$(LOCK) --group checks --output-file requirements-checks.txt
	@$(LOCK) --group ship --constraints backend/requirements.txt \
		--output-file requirements-ship.txt
	@$(LOCK) --group test --constraints backend/requirements.txt \
		--constraints requirements-ship.txt --output-file requirements-test.txt

clean: ## Stop the emulator, then remove all that set-up, builds and tests made
	@test ! -x .venv/bin/ship || .venv/bin/ship down
	@rm -rf .venv .ship dist test-results .coverage .coverage.* coverage.xml
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find backend infrastructure tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the checks, one by one ---

.PHONY: ruff format mypy zizmor checkov terraform-format terraform-bootstrap terraform-stack

ruff:
	@echo "== ruff check"
	@$(CHECKS)/ruff check --quiet .

format:
	@echo "== ruff format"
	@$(CHECKS)/ruff format --quiet --check --diff .

mypy:
	@echo "== mypy"
	@$(CHECKS)/mypy --python-executable .venv/bin/python --no-error-summary

zizmor:
	@echo "== zizmor"
	@$(CHECKS)/zizmor --quiet --offline --pedantic .github

checkov:
	@echo "== checkov"
	@$(CHECKS)/checkov --directory infrastructure --framework terraform --quiet --compact \
		--skip-download

# What checkov finds, for GitHub's Security page; `checkov` above is the one that refuses.
.PHONY: sarif
sarif:
	@$(CHECKS)/checkov --directory infrastructure --framework terraform --quiet --skip-download \
		--soft-fail --output sarif --output-file-path test-results >/dev/null

terraform-format:
	@echo "== terraform fmt"
	@$(TERRAFORM) fmt -check -diff -recursive infrastructure

# Not in infrastructure/*/.terraform: that is where a person's own `terraform init` keeps its things.
IN = TF_DATA_DIR="$(CURDIR)/.ship/checks/$@" $(TERRAFORM) -chdir=infrastructure/$*

terraform-bootstrap terraform-stack: terraform-%:
	@echo "== terraform validate and test: $*"
	@$(IN) init -backend=false -input=false -lockfile=readonly >/dev/null
	@$(IN) validate -no-color
	@$(IN) test -no-color
