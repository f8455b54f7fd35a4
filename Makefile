# Every target sets up what it needs in .venv; a target that needs more says so.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# A worker for each core and one more, as some tests wait for other processes. The tests of a file stay on one worker, so that
# what a module sets up is set up once, and the files with slow tests come first. WORKERS=0 is one process.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(if $(COVERAGE),--cov=exporters/engine)

# The tests start Python a hundred times; without compiled files at hand each start would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo look quick test check static chaos mutants bench setup clean
demo: $(READY)
	@$(BIN)/peaktrade demo $(ARGS)

# The boards as Grafana draws them, against a running demo: pictures in out/look. Needs node, npm and chromium; the first call
# installs Grafana's libraries into .look (two minutes, 640 MB). `make look ARGS="--text"` prints texts and colours, without a browser.
look: $(READY)
	@$(BIN)/python -m grafana.look $(ARGS)

# What one runs while working: everything that answers at once, the static part beside the tests.
quick: $(READY)
	@$(MAKE) --no-print-directory static >$(VENV)/static.log 2>&1 & static=$$!; \
	$(PYTEST) -m "not slow and not thorough" $(ARGS); tests=$$?; \
	wait $$static; static=$$?; cat $(VENV)/static.log; exit $$((tests + static))

# All tests, or those of one stage of the engine: `make test STAGE=tail`.
test: $(READY)
	@$(if $(filter-out $(STAGES),$(STAGE)),echo "no stage is named '$(STAGE)'; there are: $(STAGES)" >&2; exit 2)
	@$(PYTEST) $(if $(STAGE),tests/engine/$(STAGE)) $(ARGS)
STAGES = $(filter-out support,$(notdir $(patsubst %/,%,$(filter-out %/__pycache__/,$(wildcard tests/engine/*/)))))

# What CI runs: the static part, promtool, then every test, and how much of the engine they reach.
check: static
	@$(BIN)/python -m tests.promtool_checks
	@$(MAKE) --no-print-directory test COVERAGE=1

static: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/peaktrade contract check
	@$(BIN)/peaktrade contract test tests/cases docs/cookbook
	@$(BIN)/peaktrade contract generate --check
	@$(BIN)/peaktrade contract lint
	@$(BIN)/python -m grafana.build --check

# The long form of every test that has one (tests/budget.py): storms, models, histories, random contracts. An hour, not seconds.
chaos: $(READY)
	@PEAK_TRADE_CHAOS=1 $(BIN)/python -m pytest -s -m long $(ARGS)

# Small faults put into the code one at a time: is there one that no test notices? Half an hour; `make mutants ARGS="--seed 2 --number 40 --only exporters/engine/tail"`.
mutants: $(READY)
	@$(BIN)/python -m tests.mutants $(ARGS)

# Our throughput against others', and how a running exporter behaves: a quarter of an hour on a quiet machine.
bench: $(READY)
	@$(BIN)/python -m tests.bench $(ARGS)

setup: $(READY)

$(READY): pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; python3 -m venv $(VENV); }
	@echo "installing the program, and what it and its tests need, into $(VENV): about a minute, this once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' & pip=$$!; \
	while kill -0 $$pip 2>/dev/null; do printf .; sleep 1; done; echo; wait $$pip
	@touch $@

clean:
	@rm -rf $(VENV) .look .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*
