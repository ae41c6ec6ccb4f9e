# make demo    measure a real scan          make test     run the tests
# make check   format, lint, types, layers  make format   put the code in form
#
# Each target sets up what it needs in .venv; a second call finds it there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# Named exactly and first, so that the resolver has nothing left to choose for the largest package.
TORCH := torch==2.13.0
DEMO_SCAN := mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz
DEMO_STEM := $(basename $(basename $(DEMO_SCAN)))
DEMO_OUTPUT := demo-output

.PHONY: demo test check format clean

demo: $(VENV)/demo.stamp
	@data=$$($(BIN)/python -c 'import importlib.util as i; print(i.find_spec("nilearn").submodule_search_locations[0])') \
	&& $(BIN)/deepgray run "$$data/datasets/data/$(DEMO_SCAN)" -o $(DEMO_OUTPUT) --overwrite
	@echo
	@awk -F '\t' '$$4 == "volume" { printf "%-20s %-6s %8.0f %s\n", $$1, $$2, $$5, $$6 }' \
		$(DEMO_OUTPUT)/$(DEMO_STEM)/$(DEMO_STEM)_measures.tsv
	@echo
	@echo "Report: $(CURDIR)/$(DEMO_OUTPUT)/$(DEMO_STEM)/$(DEMO_STEM)_report.html"

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest

check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

format: $(VENV)/test.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(DEMO_OUTPUT)

$(VENV)/base.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is wanted, %d.%d came: make PYTHON=python3.12 ..." \
		% sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/demo.stamp: $(VENV)/base.stamp pyproject.toml
	$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/test.stamp: $(VENV)/base.stamp pyproject.toml
	$(PIP) $(TORCH)
	$(PIP) --editable '.[train,fast,demo,serve,register]' --group dev
	@touch $@
