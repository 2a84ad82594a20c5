# Every target sets up what it needs: a fresh machine wants only Python 3.11 and make.
#   make demo    one example case in, one text report and its figures out (demo-output/)
#   make test    the whole test suite
#   make check   format, lint, types, who imports whom, generated files, the wheel alone in an empty environment
#   make docs    write the generated pages anew (docs/reference, docs/model, docs/checks.md, schemas)
#   make calibrate  fit the population to the studies and the survey (minutes; goes on where it was cut off; ARGS="--cluster tcp://host:8786")
#   make bench   the speed and accuracy benchmarks, libRoadRunner beside (ARGS=--quick: a minute or two; ARGS=--json: for programs)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.corrin-ready
TESTED := $(VENV)/.corrin-ready-to-test
EXAMPLE ?= stabler2013-vignette
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check docs bench calibrate setup
.DEFAULT_GOAL := demo

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Setting up $(VENV) (once; a few minutes on a slow line)" >&2
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@# What pip does for a wheel; else every start on a machine where Python may not write beside its sources compiles a hundred modules.
	$(BIN)/python -m compileall -q src/corrin
	@touch $(READY)

# The extras (web, export, cluster, sensitivity) and what their tests stand against.
$(TESTED): $(READY) requirements-test.lock
	@echo "Setting up the extras and what tests stand against (once)" >&2
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-test.lock
	@touch $(TESTED)

demo: $(READY)
	@# Exit code 4 is an answer too: the person's data and the model disagree, and the report says so.
	$(BIN)/corrin forecast $(EXAMPLE) --out demo-output/$(EXAMPLE) || test $$? -eq 4
	@echo "Figures and the full answer are in demo-output/$(EXAMPLE)" >&2

test: $(TESTED)
	$(BIN)/python -m pytest

check: $(TESTED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate.py --check
	$(BIN)/python scripts/model_docs.py --check
	$(BIN)/python scripts/distil.py --check
	BIN=$(BIN) scripts/wheel_smoke.sh $(EXAMPLE)

docs: $(READY)
	$(BIN)/python scripts/generate.py
	$(BIN)/python scripts/model_docs.py
	$(BIN)/python scripts/checks.py

calibrate: $(READY)
	$(BIN)/python scripts/calibrate.py $(ARGS)
	$(BIN)/python scripts/distil.py

bench: $(TESTED)
	$(BIN)/python benchmarks/bench.py $(ARGS)
