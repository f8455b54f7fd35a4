# Every target sets up what it needs in .venv; a target that needs more says so.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check chaos bench setup clean
demo: $(READY)
	@$(BIN)/peaktrade demo $(ARGS)

test: $(READY)
	@$(BIN)/python -m pytest $(ARGS)

check: $(READY)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/peaktrade contract check
	@$(BIN)/peaktrade contract generate --check
	@$(BIN)/peaktrade contract lint
	@$(BIN)/python -m grafana.build --check
	@$(BIN)/python -m tests.promtool_checks
	@$(MAKE) --no-print-directory test

# The long forms of the kill storm and of the random restarts: minutes, not seconds.
chaos: $(READY)
	@PEAK_TRADE_KILLS=200 PEAK_TRADE_CHAOS=1 $(BIN)/python -m pytest -s tests/end_to_end/test_kill_storm.py tests/engine/run/test_restart_model.py $(ARGS)

# Our throughput against others', and how a running exporter behaves: a quarter of an hour on a quiet machine.
bench: $(READY)
	@$(BIN)/python -m tests.bench $(ARGS)

setup: $(READY)

$(READY): pyproject.toml
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@test -x $(BIN)/python || python3 -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
