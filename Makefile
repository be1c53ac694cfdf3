# What people and CI call: every target is a short list of commands that a person can run too.
# Needs git, make and a Python 3 with venv; the set-up finds or fetches the rest into the checkout.

# pyenv's python3 refuses to start in a folder that asks for a version which pyenv has not.
PYTHON := $(shell python3 -c "" 2>/dev/null && echo python3 || echo env PYENV_VERSION=system python3)
TOOLCHAIN = $(PYTHON) "$(CURDIR)/infrastructure/toolchain.py"
TERRAFORM = $(TOOLCHAIN) run terraform
FOR = up
PART =
CHECKS = .ship/venvs/checks/bin
APP = .ship/venvs/app/bin
# The owner's tests run in the application's environment, the platform's in the release tool's.
OWNERS_TESTS = $(wildcard tests/backend tests/web tests/contract)
# Each folder has a requirements.in, and beside it the requirements.txt that uv compiles from it.
# A folder comes after those that its requirements.in names.
LOCKED = infrastructure/tools/uv infrastructure/tools/node infrastructure/tools/checks \
	infrastructure/tools/audit \
	infrastructure/emulator infrastructure/ship tests tests/contract tests/fixtures/applications \
	tests/e2e/applications backend \
	$(patsubst %/,%,$(dir $(wildcard tests/backend/requirements.in)))
COMPILE = $(TOOLCHAIN) run uv pip compile --quiet --universal --generate-hashes \
	--python-version 3.13 requirements.in
# Without its bytecode every `ship` takes half a second longer to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup up down web test test-app test-all coverage check fmt lock mutants sbom audit clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## Find or fetch all that `make up` needs; FOR=aws: what a deploy on AWS needs; FOR=release: a rollback
	@$(TOOLCHAIN) setup --for $(FOR)

up: setup ## Create dev, staging and production on this machine, and release to them
	@.venv/bin/ship up

down: ## Stop the emulator; what it holds stays
	@test ! -x .venv/bin/ship || .venv/bin/ship down

web: ## Serve the application and the site, and reload them on change
	@$(TOOLCHAIN) setup --for release
	@.venv/bin/ship serve $(ARGS)

# The application's tests come first: they are quick, and a failure there does not stop the others.
test: ## Run what a merge needs; PART=units|release|faults|workflows|previews|applications: one part of it
	@$(MAKE) --no-print-directory --keep-going $(if $(PART),,owners-tests) platforms-tests

test-app: EXTRA = $(ARGS)
test-app: owners-tests ## Run the application's tests, in less than a minute

test-all: ## Run every test, also those that run nightly
	@$(MAKE) --no-print-directory --keep-going owners-tests platforms-tests MARKED=

# Join what the parts of the tests covered, and refuse too little.
coverage:
	@$(TOOLCHAIN) setup --for test
	@.venv/bin/coverage combine --quiet test-results/coverage-*
	@.venv/bin/coverage json --quiet -o test-results/coverage.json
	@.venv/bin/coverage report

check: ## Lint, type-check and scan everything; all checks run, then one verdict
	@$(TOOLCHAIN) setup --for check
	@$(MAKE) --no-print-directory --keep-going locks ruff format mypy zizmor workflows checkov \
		terraform-format terraform-bootstrap terraform-stack \
		&& echo "check: all passed" || { echo "check: failed, see the Error lines above"; exit 1; }

fmt: ## Rewrite Python and Terraform files into their one format
	@$(TOOLCHAIN) setup --for check
	@$(CHECKS)/ruff check --quiet --select I --fix .
	@$(CHECKS)/ruff format .
	@$(TERRAFORM) fmt -recursive infrastructure

# A week old: a version that is found to be malicious is gone by then.
lock: export UV_EXCLUDE_NEWER = $(if $(UPGRADE),7,0) days
lock: ## Write every requirements.txt from its requirements.in; UPGRADE=1 takes newer versions
	@$(TOOLCHAIN) setup --for lock
	@for folder in $(LOCKED); do \
		(cd $$folder && $(COMPILE) $(if $(UPGRADE),--upgrade) -o requirements.txt) || exit 1; \
	done

AUDIT = .ship/venvs/audit/bin

# What the zip holds besides the application itself, from the lock; the same lock is the same list.
sbom: ## List the packages of the zip in sbom/sbom.json, as CycloneDX
	@$(TOOLCHAIN) setup --for audit
	@mkdir -p sbom
	@$(AUDIT)/cyclonedx-py requirements --output-reproducible --of JSON -o sbom/sbom.json \
		backend/requirements.txt

# It asks PyPI. All are looked at, then there is one verdict.
audit: ## Look for known vulnerabilities in every locked package
	@$(TOOLCHAIN) setup --for audit
	@failed=; for folder in $(LOCKED); do \
		echo "== $$folder"; \
		$(AUDIT)/pip-audit --progress-spinner off --require-hashes --disable-pip \
			--requirement $$folder/requirements.txt || failed=1; \
	done; test -z "$$failed"

# In a copy, because mutmut finds sources in a folder `src` only.
mutants: ## Change the sources in small ways, and list the changes that no test notices
	@$(TOOLCHAIN) setup --for test
	@mkdir -p .ship/mutants/src
	@cp -R infrastructure/*.py infrastructure/emulator infrastructure/lambda_adapter \
		infrastructure/ship .ship/mutants/src
	@cp -R pyproject.toml tests .ship/mutants
	@cd .ship/mutants && ../../.venv/bin/mutmut run $(ARGS) && ../../.venv/bin/mutmut results

clean: ## Stop the emulator, then remove all that set-up, builds and tests made
	@test ! -x .venv/bin/ship || .venv/bin/ship down
	@rm -rf .venv .ship dist sbom test-results .coverage .coverage.* coverage.xml
	@rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find backend infrastructure tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the tests ---

MARKED = -m "not nightly"

.PHONY: owners-tests platforms-tests

owners-tests:
	@$(TOOLCHAIN) setup --for app
	@$(APP)/python -m pytest --confcutdir tests/contract $(MARKED) $(OWNERS_TESTS) $(EXTRA)

# They mostly wait for other processes, so four workers pay on two cores too. Tests that share an
# emulator stay on one worker, in their order: tests/conftest.py says which.
platforms-tests:
	@$(TOOLCHAIN) setup --for test
	@$(if $(PART),COVERAGE_FILE="$(CURDIR)/test-results/coverage-$(PART)") .venv/bin/python -m pytest \
		--numprocesses 4 --dist loadscope --no-loadscope-reorder --cov \
		$(OWNERS_TESTS:%=--ignore=%) $(MARKED) \
		$(if $(PART),--part=$(PART) --cov-report= --cov-fail-under=0) $(ARGS)

# --- the checks, one by one ---

.PHONY: locks ruff format mypy zizmor workflows checkov terraform-format terraform-bootstrap \
	terraform-stack

# Each lock is what uv compiles from its requirements.in today without upgrading, and each environment
# is consistent. Comments may differ.
locks: COPY = $(CURDIR)/.ship/requirements.txt
locks:
	@echo "== locks"
	@for folder in $(LOCKED); do \
		cp $$folder/requirements.txt "$(COPY)" && (cd $$folder && $(COMPILE) -o "$(COPY)") \
			&& diff -u -I "^ *#" $$folder/requirements.txt "$(COPY)" \
			|| { echo "Error: $$folder/requirements.txt is out of date: run make lock"; exit 1; } \
	done
	@for folder in .venv $(wildcard .ship/venvs/*); do \
		$(TOOLCHAIN) run uv pip check --quiet --python $$folder || exit 1; \
	done

ruff:
	@echo "== ruff check"
	@$(CHECKS)/ruff check --quiet .

format:
	@echo "== ruff format"
	@$(CHECKS)/ruff format --quiet --check --diff .

# The application is checked in its own environment, where its packages are.
mypy:
	@echo "== mypy"
	@$(CHECKS)/mypy --python-executable .venv/bin/python --no-error-summary \
		--exclude "^tests/(backend|web|contract)/" infrastructure tests
	@$(CHECKS)/mypy --python-executable $(APP)/python --no-error-summary backend $(OWNERS_TESTS)

zizmor:
	@echo "== zizmor"
	@.venv/bin/zizmor --quiet --offline --pedantic .github

workflows:
	@echo "== ship ci workflows"
	@.venv/bin/ship ci workflows --check

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
