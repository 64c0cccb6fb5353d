# Everything from a fresh clone: needs Python >= 3.11, make and PyPI, nothing else.
# `make demo` and `make test` are the two to know; ARGS passes arguments on: make test ARGS="tests/laws -x".
BIN := .venv/bin
DATA ?= hub-data
ARGS ?=
SECONDS ?= 60
export PYTHON

.PHONY: help demo serve test check fmt bench soak fuzz clean

help:
	@echo "make demo    one day of a district through every format, between two hubs (ARGS=--keep leaves them running)"
	@echo "make serve   a hub on $(DATA) (DATA=DIR for another folder, ARGS=\"--http 0.0.0.0:8080\" for more)"
	@echo "make test    the tests"
	@echo "make check   style, types, layering, sizes, tests with coverage: what a change must pass"
	@echo "make fmt     format the code"
	@echo "make bench   our rates beside the ceilings measured in the same run"
	@echo "make soak    the long tests, and the laws over other examples"
	@echo "make fuzz    bytes that might break the HL7 v2 codec and its framing, looked for during SECONDS (60) each"
	@echo "make clean   remove what these commands made, but no data"

.venv/.run: pyproject.toml
	@scripts/bootstrap run
.venv/.dev: pyproject.toml
	@scripts/bootstrap dev
.venv/.fuzz: pyproject.toml
	@scripts/bootstrap fuzz

demo: .venv/.run
	@$(BIN)/tracker-hub demo $(ARGS)

serve: .venv/.run
	@$(BIN)/tracker-hub serve --data $(DATA) $(ARGS)

test: .venv/.dev
	@$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=90 $(ARGS)

fmt: .venv/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.dev
	@$(BIN)/python -m benchmarks $(ARGS)

soak: .venv/.dev
	@$(BIN)/python -m pytest -m slow $(ARGS)
	@HYPOTHESIS_PROFILE=other $(BIN)/python -m pytest tests/laws $(ARGS)

fuzz: .venv/.fuzz
	@$(BIN)/python -m tests.fuzz.hl7v2 codec -max_total_time=$(SECONDS) $(ARGS)
	@$(BIN)/python -m tests.fuzz.hl7v2 wire -max_total_time=$(SECONDS) $(ARGS)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.* htmlcov
