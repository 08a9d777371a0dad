# Everything runs in .venv, which is made once and again only when pyproject.toml changes.

BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test test-slow test-servers test-live test-browser screenshots soak check report docs script clean
.PHONY: bench bench-growth bench-rollup bench-guard bench-collector bench-query

# Reads the logs of config.toml, then serves the dashboard until Ctrl-C.
run: $(READY)
	$(BIN)/tallylog --config config.toml backfill
	$(BIN)/tallylog --config config.toml run

report: $(READY)
	$(BIN)/tallylog --config config.toml backfill --report

test: $(READY)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-slow: $(READY)
	tests/install_servers strace
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m slow
	TALLYLOG_EXAMPLES=10 $(BIN)/python -m pytest -q -n 2 --dist worksteal -m "drawn and not slow"

# Real web servers of Debian's packages, which are installed if they are missing; none is started
# but by the tests, each on a free port of the loopback and ended again.
test-servers: $(READY)
	tests/install_servers $$($(BIN)/python -m tests.real_servers)
	$(BIN)/python -m pytest -q -m servers

# A real nginx under the load of wrk, its log turned by a real logrotate.
test-live: $(READY)
	tests/install_servers nginx logrotate wrk
	$(BIN)/python -m pytest -q -m live

# A real browser on pages with the tracker script and on the dashboard; npm brings published clients
# of others, and axe-core, which says how many pages it has checked and what is wrong with them.
test-browser: $(READY)
	tests/install_servers chromium
	command -v npm >/dev/null || tests/install_servers npm
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m browser --ignore tests/browser/test_accessible.py
	$(BIN)/python -m pytest -q -m browser tests/browser/test_accessible.py

# Every page and state of the dashboard, at three widths, light and dark.
SHOTS := build/screenshots
screenshots: $(READY)
	tests/install_servers chromium
	$(BIN)/python -m tests.browser.screenshots $(SHOTS)

# 200 rotations, 5 million lines, 20 restarts: about ten minutes.
soak: $(READY)
	$(BIN)/python -m bench.soak

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m docs.generate --check
	$(MAKE) test

docs: $(READY)
	$(BIN)/python -m docs.generate

# The tracker script that is served; needs npm.
script:
	script/make

bench: $(READY)
	$(BIN)/python -m bench.backfill --packed --files 1000

bench-growth: $(READY)
	$(BIN)/python -m bench.growth

bench-rollup: $(READY)
	$(BIN)/python -m bench.rollup

# wrk asks nginx, Flask and the collector in turn.
bench-collector: $(READY)
	tests/install_servers nginx wrk
	$(BIN)/python -m bench.collector

# Questions over a month of events and three years of statistics: about half an hour.
bench-query: $(READY)
	$(BIN)/python -m bench.query --rows 1000000

# Fails when a backfill has become a quarter slower than what is committed.
bench-guard: $(READY)
	$(BIN)/python -m bench.guard

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(READY): pyproject.toml .ci/venv
	.ci/venv .venv
	@echo "Installing into .venv; this takes about a minute the first time."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@
