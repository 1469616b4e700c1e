# Two commands do all the set-up: `make demo` runs the main job, `make test` runs every check. `make check` is the quick
# part of `make test`: lint, types, import contracts, and every test that needs neither TensorFlow nor a broker and is
# not marked as slow.
# PYTHON chooses the interpreter, for example `make test PYTHON=python3.12`.

PYTHON ?= python3
DEVICE_ENV := .venv
DEV_ENV := .venv-dev
IN_DEV_ENV := PATH="$(CURDIR)/$(DEV_ENV)/bin:$$PATH"

.PHONY: demo test check lint types quick-tests test-arm test-faults test-integrations node format clean

demo: $(DEVICE_ENV)/.detector
	$(DEVICE_ENV)/bin/edge-agent demo

# The tests need TensorFlow for training and export, and a real broker.
test: $(DEV_ENV)/.installed
	@.ci/ensure-mosquitto.sh
	$(IN_DEV_ENV) .ci/check.sh

check: $(DEV_ENV)/.installed
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target lint types quick-tests

lint: $(DEV_ENV)/.installed
	$(IN_DEV_ENV) ruff check .
	$(IN_DEV_ENV) ruff format --check .
	$(IN_DEV_ENV) lint-imports

types: $(DEV_ENV)/.installed
	$(IN_DEV_ENV) mypy

quick-tests: $(DEV_ENV)/.installed
	$(IN_DEV_ENV) python -m pytest --quick --numprocesses 2 --dist loadfile --quiet -rfE

# Packages for more tests: the official AsyncAPI parser and code generator, a client in JavaScript, and Node-RED. Needs node
# and npm.
node:
	npm install --prefix .node --no-save --no-audit --no-fund --silent \
		@asyncapi/parser@3 @asyncapi/modelina@5 mqtt@5 node-red@4.1

# The integration pack, loaded by the real programs: Node-RED, Home Assistant, Prometheus. Apart from `make test`, for it
# installs them. What cannot be had is named, and its tests are skipped with the reason.
test-integrations: $(DEV_ENV)/.installed
	@.ci/ensure-mosquitto.sh
	@.ci/ensure-package.sh promtool prometheus
	@.ci/ensure-package.sh docker-compose docker-compose
	@.ci/ensure-home-assistant.sh
	@$(MAKE) --no-print-directory node || echo "Node-RED is not tested: install node and npm"
	INTEGRATIONS=1 $(IN_DEV_ENV) python -m pytest -rs tests/integrations

# Rounds of faults against a real broker, a school day in simulated time, and a long search for pictures in what leaves the
# device. About half an hour. SEED=... repeats a series of rounds, ROUNDS and JOBS change it.
test-faults: $(DEV_ENV)/.installed
	@.ci/ensure-mosquitto.sh
	$(IN_DEV_ENV) python -m qa.faults --rounds "$(or $(ROUNDS),200)" --jobs "$(or $(JOBS),3)" --seed "$(SEED)"
	$(IN_DEV_ENV) python -m qa.soak 60000
	$(IN_DEV_ENV) WATCH_S=120 python -m pytest tests/privacy

# The agent on 64-bit ARM, emulated, from Debian's own packages: docs/arm.md. Apart from `make test`, for it takes minutes.
test-arm: $(DEVICE_ENV)/.installed
	@.ci/ensure-mosquitto.sh
	$(DEVICE_ENV)/bin/python -m qa.arm

format: $(DEV_ENV)/.installed
	$(DEV_ENV)/bin/ruff check --fix .
	$(DEV_ENV)/bin/ruff format .

$(DEVICE_ENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEVICE_ENV)
	$(DEVICE_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[demo]'
	touch $@

# Tried once, for at most a minute. Without a network the demo goes on with the detector that is always there, and says so.
$(DEVICE_ENV)/.detector: $(DEVICE_ENV)/.installed
	$(DEVICE_ENV)/bin/edge-agent detector fetch --optional
	touch $@

$(DEV_ENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEV_ENV)
	$(DEV_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[demo,fleet,train,train-jax,export,onnx,dev]'
	touch $@

clean:
	rm -rf $(DEVICE_ENV) $(DEV_ENV) .arm .home-assistant build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
