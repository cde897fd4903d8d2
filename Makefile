# The verbs of the project. Every command works from a clean clone: the environment is made when it is missing.
PYTHON ?= python3
VENV := .venv
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
BIN := $(VENV)/bin
# Decides where runs are remembered; the UI and the command line share it.
export DAGSTER_HOME ?= $(CURDIR)/.dagster

.PHONY: install run test test-containers ui lint format lock bench soak clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Name another with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	@# pip takes minutes over the hashes of so many packages, uv seconds; its own version is locked too.
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@# Once, some 15 s; every start of Spark is 4 s shorter for it.
	$(BIN)/python -m opengenome_assets.spark.archive
	@touch $@

$(DAGSTER_HOME)/dagster.yaml: opengenome_assets/running/dagster.yaml
	@mkdir -p $(DAGSTER_HOME)
	@cp $< $@

# make run, or with one's own data: make run INPUT=path DATASET=name
run: install $(DAGSTER_HOME)/dagster.yaml
	$(BIN)/opengenome analyze codon $(if $(INPUT),--input $(INPUT)) $(if $(DATASET),--dataset $(DATASET))

# Dagster's UI on http://127.0.0.1:3000, with the runs of the command line in it.
ui: install $(DAGSTER_HOME)/dagster.yaml
	OPENGENOME_DATASET=$(or $(DATASET),$(OPENGENOME_DATASET),demo) OPENGENOME_INPUT=$(or $(INPUT),$(OPENGENOME_INPUT)) \
	$(BIN)/dagster dev -h 127.0.0.1 -p $(or $(PORT),3000) -w workspace.yaml

test: install
	$(BIN)/pytest $(ARGS)

# docker-compose.yml for real, and what fails in it; where no Docker engine answers, it says so.
test-containers: install
	$(BIN)/pytest --log-cli-level=INFO opengenome_assets_tests/deployment/test_containers.py $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

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

# make bench compares with peers on a small size; make bench SIZE=full STUDIES=all runs everything on 2.82 Gbp.
bench: install
	$(BIN)/python -m benchmarks.run $(STUDIES) $(if $(SIZE),--size $(SIZE)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(SCRATCH),--scratch $(SCRATCH))

# 200 runs against one instance: does anything grow?
soak:
	$(MAKE) bench STUDIES=soak SIZE=full

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
