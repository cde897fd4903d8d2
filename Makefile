# Commands of the project. Each works in a clean clone, and creates the environment if it is missing.
PYTHON ?= python3
VENV := .venv
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
BIN := $(VENV)/bin
# Folder with the records of runs: that of the command line, in the warehouse. An object store cannot hold it.
WAREHOUSE := $(abspath $(or $(if $(findstring ://,$(OPENGENOME_WAREHOUSE)),,$(OPENGENOME_WAREHOUSE)),data))
export DAGSTER_HOME ?= $(WAREHOUSE)/.dagster

.PHONY: install run ui pictures test mutants test-fast test-cluster test-containers lint format lock licences sbom audit docs bench soak clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required, found " + sys.version.split()[0] + ". Set another one with PYTHON=…")'
	@echo "Installing the packages into $(VENV), which takes some minutes."
	$(PYTHON) -m venv $(VENV)
	@# pip takes minutes to verify all hashes, uv seconds. The version of uv is locked too.
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@# Saves 4 s at every start of Spark.
	@echo "Archiving Spark's classes, which takes about 15 s."
	$(BIN)/python -m opengenome_assets.spark.class_archive
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: opengenome_assets/running/dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp $< $@

# make run counts the demo. For other data: make run INPUT=path DATASET=name
run: install $(DAGSTER_HOME)/dagster.yaml
	$(BIN)/opengenome analyze codon $(if $(INPUT),--input $(INPUT)) $(if $(DATASET),--dataset $(DATASET)) \
	  $(if $(INPUT)$(DATASET)$(OPENGENOME_INPUT)$(OPENGENOME_DATASET),,--dataset demo)

# Dagster's UI at http://127.0.0.1:3000. It also shows the runs of the command line.
ui: install $(DAGSTER_HOME)/dagster.yaml
	OPENGENOME_DATASET=$(or $(DATASET),$(OPENGENOME_DATASET),demo) OPENGENOME_INPUT=$(or $(INPUT),$(OPENGENOME_INPUT)) \
	$(BIN)/dg dev -h 127.0.0.1 -p $(or $(PORT),3000) -w workspace.yaml

# Screenshots for the README: chromium clicks through a backfill of the demo in Dagster's UI.
pictures: install
	$(BIN)/python -m opengenome_assets_tests.browser.pictures

# Write compiled modules even if the environment forbids it. Otherwise each process that a test starts would compile the
# whole project again.
test test-fast: export PYTHONDONTWRITEBYTECODE :=

# The tests often wait for servers. Two test files in parallel take two thirds of the time.
test: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

# Tests that need neither Java nor a server.
test-fast: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m "not spark and not service" $(ARGS)

# Tests on a local Spark standalone cluster, which `make test` also runs.
test-cluster: install
	$(BIN)/pytest -m cluster $(ARGS)

# Tests of docker-compose.yml with a Docker engine, including failures. Skipped without an engine.
test-containers: install
	$(BIN)/pytest --log-cli-level=INFO opengenome_assets_tests/deployment/test_containers.py $(ARGS)

# Changes the code in small ways, one at a time, and runs the fast tests that reach each change. Takes some hours; not in
# CI. A later run goes on where this one was stopped.
# One module: make mutants ARGS="opengenome_assets.checks.*"
mutants: install
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture
	$(BIN)/codespell

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Writes the lock files from the version ranges in pyproject.toml.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra dev --extra deployment pyproject.toml -o requirements.lock
	@# Packages of the image: the same versions, without those that only developers need.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra deployment --extra s3 --constraint requirements.lock pyproject.toml -o deployment/requirements.lock

# Writes the licences of all locked packages, as the packages state them, into docs/reference/dependencies.md.
licences: install
	$(BIN)/python -m opengenome_assets_tests.supply.licences

# Writes a bill of materials (CycloneDX) of the image's packages, with versions and hashes. This tool and the next run in
# separate environments, because together they would add 28 packages.
sbom: install
	PYTHONWARNINGS="ignore:The Component this BOM" \
	$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements deployment/requirements.lock \
	  --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file sbom.cdx.json

# Looks up known vulnerabilities of the locked packages on PyPI. Also fails if PyPI does not answer for a package.
audit: install
	$(BIN)/uv tool run --quiet pip-audit==2.10.1 --strict --disable-pip --require-hashes --progress-spinner off \
	  -r requirements.lock

# The documentation as a site, build/site/index.html. Fails on a broken link.
docs: install
	@rm -rf build/pages && mkdir -p build/pages/benchmarks
	@ln -s $(CURDIR)/*.md $(CURDIR)/docs build/pages && ln -s $(CURDIR)/benchmarks/results build/pages/benchmarks
	$(BIN)/uv tool run --quiet --from mkdocs-material==9.7.0 mkdocs build --strict

# make bench compares with other tools on small data. make bench SIZE=full STUDIES=all runs all studies on 2.82 Gbp.
bench: install
	$(BIN)/python -m benchmarks.run $(STUDIES) $(if $(SIZE),--size $(SIZE)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SCRATCH),--scratch $(SCRATCH))

# 200 runs on one instance, to find leaks.
soak:
	$(MAKE) bench STUDIES=soak SIZE=full

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
