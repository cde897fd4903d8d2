# The verbs of the project. Every command works from a clean clone: the environment is made when it is missing.
PYTHON ?= python3
VENV := .venv
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
BIN := $(VENV)/bin
# Decides where runs are remembered; the UI and the command line share it.
export DAGSTER_HOME ?= $(CURDIR)/.dagster

.PHONY: install run ui pictures test mutants test-fast test-cluster test-containers lint format lock licences sbom audit docs bench soak clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	@# pip takes minutes over the hashes of so many packages, uv seconds; its own version is locked too.
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@# Once, some 15 s; every start of Spark is 4 s shorter for it.
	$(BIN)/python -m opengenome_assets.spark.class_archive
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: opengenome_assets/running/dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp $< $@

# make run counts demo; with one's own data: make run INPUT=path DATASET=name
run: install $(DAGSTER_HOME)/dagster.yaml
	$(BIN)/opengenome analyze codon $(if $(INPUT),--input $(INPUT)) $(if $(DATASET),--dataset $(DATASET)) \
	  $(if $(INPUT)$(DATASET)$(OPENGENOME_INPUT)$(OPENGENOME_DATASET),,--dataset demo)

# Dagster's UI on http://127.0.0.1:3000, with the runs of the command line in it.
ui: install $(DAGSTER_HOME)/dagster.yaml
	OPENGENOME_DATASET=$(or $(DATASET),$(OPENGENOME_DATASET),demo) OPENGENOME_INPUT=$(or $(INPUT),$(OPENGENOME_INPUT)) \
	$(BIN)/dagster dev -h 127.0.0.1 -p $(or $(PORT),3000) -w workspace.yaml

# The README's pictures of Dagster's pages: chromium clicks through a backfill of demo.
pictures: install
	$(BIN)/python -m opengenome_assets_tests.browser.pictures

# Compiled modules are kept also where the environment says not to: each worker, and each process that a test starts,
# would compile all of the project again.
test test-fast: export PYTHONDONTWRITEBYTECODE :=

# Much of it is waiting for servers to start and to end: two files side by side take two thirds of the time.
test: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(ARGS)

# What needs neither Java nor a server.
test-fast: install
	$(BIN)/pytest --numprocesses 2 --dist loadfile -m "not spark and not service" $(ARGS)

# The graph on a Spark standalone cluster of its own; `make test` has it too.
test-cluster: install
	$(BIN)/pytest -m cluster $(ARGS)

# docker-compose.yml for real, and what fails in it; where no Docker engine answers, it says so.
test-containers: install
	$(BIN)/pytest --log-cli-level=INFO opengenome_assets_tests/deployment/test_containers.py $(ARGS)

# Plants small faults in the code one by one and runs the fast tests that reach each. Takes about an hour; not in CI.
# One module: make mutants ARGS="opengenome_assets.checks.*"
mutants: install
	$(BIN)/mutmut run $(ARGS)
	$(BIN)/mutmut results

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Writes the locked dependencies anew, from the ranges of pyproject.toml.
lock: install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra dev --extra deployment pyproject.toml -o requirements.lock
	@# What the image installs: the same versions, without what only developers need.
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra deployment --extra s3 --constraint requirements.lock pyproject.toml -o deployment/requirements.lock

# The licences of all that is locked, as the packages state them, into docs/reference/dependencies.md.
licences: install
	$(BIN)/python -m opengenome_assets_tests.supply.licences

# What the image installs, with versions and hashes, as a bill of materials in CycloneDX. This tool and the next are run
# from an environment of their own: together they would bring twenty-eight packages more.
sbom: install
	PYTHONWARNINGS="ignore:The Component this BOM" \
	$(BIN)/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements deployment/requirements.lock \
	  --pyproject pyproject.toml --output-reproducible --output-format JSON --output-file sbom.cdx.json

# Asks PyPI for known vulnerabilities of what is locked; fails too where it gets no answer for a package.
audit: install
	$(BIN)/uv tool run --quiet pip-audit==2.10.1 --strict --disable-pip --require-hashes --progress-spinner off \
	  -r requirements.lock

# The documentation as a site, build/site/index.html. Fails on a broken link.
docs: install
	@rm -rf build/pages && mkdir -p build/pages/benchmarks
	@ln -s $(CURDIR)/*.md $(CURDIR)/docs build/pages && ln -s $(CURDIR)/benchmarks/results build/pages/benchmarks
	$(BIN)/uv tool run --quiet --from mkdocs-material==9.7.0 mkdocs build --strict

# make bench compares with peers on a small size; make bench SIZE=full STUDIES=all runs everything on 2.82 Gbp.
bench: install
	$(BIN)/python -m benchmarks.run $(STUDIES) $(if $(SIZE),--size $(SIZE)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SCRATCH),--scratch $(SCRATCH))

# 200 runs against one instance: does anything grow?
soak:
	$(MAKE) bench STUDIES=soak SIZE=full

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
