PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8501
VENV := .venv
BIN := $(VENV)/bin
# What the lock is written and checked with, which nothing else needs.
TOOLS := .venv-tools
# Streamlit opens a browser where there is a screen; not over SSH, where the screen is elsewhere.
HEADLESS := $(if $(or $(CI),$(SSH_CONNECTION)),--server.headless true)

# A file for each language but English.
CATALOGUES := dashboard/locale

# What reads and tests the JavaScript; nobody needs it to run the dashboard.
JS := tests/javascript
JS_BIN := $(JS)/node_modules/.bin
# Where Node is missing, or npm cannot reach its registry, a line says so: who changes no JavaScript needs neither.
NODE := $(shell command -v node)
NPM := $(and $(NODE),$(shell command -v npm))
MISSING = echo "$(1) is not here, so $(2) (Debian's packages are \`nodejs\` and \`npm\`)."

export TOKENIZERS_PARALLELISM = false
export HF_HUB_DISABLE_TELEMETRY = 1
# Some machines forbid Python to keep what it compiled: a hundred processes of a run of tests would each do it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run models test test-fast test-js lint lint-js wheel oracles attack bench load soak kills catalogue reference notebooks pictures gpu-check lock vulnerabilities clean

help: ## says what there is to make
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/.installed ## installs on the first call, then opens the dashboard; PORT=9000, HOST=0.0.0.0
	@echo "Bertoscope starts on http://$(HOST):$(PORT)"
	@$(BIN)/python -m streamlit run dashboard/app.py \
		--server.address $(HOST) --server.port $(PORT) $(HEADLESS)

# `BERTOSCOPE_MODELS` is where the picker looks for folders.
models: $(VENV)/.installed ## brings all-mpnet-base-v2 (12 layers, 438 MB) into models/
	@$(BIN)/python -m bertoscope_cli.models "$${BERTOSCOPE_MODELS:-models}"

# Runs that are killed and resumed make sure at each step that the disk has it. Where memory has a folder with room for
# them (4 GB), nothing waits for a disk; it goes when the tests end, however they do.
define IN_MEMORY
	free=$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}'); \
	if [ "$${free:-0}" -gt 4000000 ]; then TMPDIR=$$(mktemp -d /dev/shm/bertoscope.XXXXXX); trap 'rm -rf "$$TMPDIR"' EXIT; export TMPDIR; fi;
endef

# A thread for each of the two processes: more wait for each other on two cores.
test: $(VENV)/.installed-tests lint test-js ## lint, types, import contracts, and every test
	@$(IN_MEMORY) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal --durations 10 tests

# What a change breaks first, in two minutes: no page, no browser, no training and no attribution of many passes.
test-fast: $(VENV)/.installed-tests lint test-js ## the same in two minutes: no page, no browser, nothing slow
	@$(IN_MEMORY) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow" tests/interpret tests/dashboard \
		--ignore tests/interpret/finetuning --ignore tests/interpret/attribution --ignore tests/interpret/core/test_builtin.py

# Node's own runner, and no package; the files one by one, since what a folder means differs between versions of Node.
test-js: ## the JavaScript's tests
ifeq ($(NODE),)
	@$(call MISSING,Node.js,the JavaScript is not tested)
else
	@$(NODE) --test --test-reporter spec $(sort $(wildcard dashboard/components/*/*.test.js))
endif

lint: $(VENV)/.installed-tests lint-js ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel: $(VENV)/.installed-tests ## what pip installs, into dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist .

lint-js: $(if $(NPM),$(JS)/node_modules/.package-lock.json) ## style and types of the JavaScript
	@if [ -x $(JS_BIN)/tsc ]; then \
		$(JS_BIN)/tsc -p $(JS)/tsconfig.json && $(JS_BIN)/tsc -p $(JS)/tsconfig.tests.json && \
		$(JS_BIN)/eslint --config $(JS)/eslint.config.js dashboard $(JS); \
	else $(call MISSING,npm or its registry,the JavaScript is not linted); fi

# Every number beside the outside code that it must equal: one table, of far more cases than `make test` tries.
oracles: $(VENV)/.installed-tests ## every number beside the outside code that it must equal
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.oracles

# Files, checkpoints and runs that were made to do harm, each read in a process of its own; `make test` tries some.
attack: $(VENV)/.installed-tests ## 3,000 hostile inputs: what comes of each is a value or a sentence
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.attack --count 600
	@UPLOADS=30 $(BIN)/python -m pytest -q tests/browser/test_hostile_uploads.py

# Each prints ratios beside the peer; no file asserts a time.
bench: $(VENV)/.installed-tests ## times beside those of transformers, BertViz, Captum, scikit-learn …
	$(BIN)/python -m tests.benchmarks.bench_trace
	$(BIN)/python -m tests.benchmarks.bench_models
	$(BIN)/python -m tests.benchmarks.bench_explorer
	$(BIN)/python -m tests.benchmarks.bench_attention
	$(BIN)/python -m tests.benchmarks.bench_embeddings
	$(BIN)/python -m tests.benchmarks.bench_embeddings_page
	$(BIN)/python -m tests.benchmarks.bench_attribution
	$(BIN)/python -m tests.benchmarks.bench_rows
	$(BIN)/python -m tests.benchmarks.bench_attributions_page
	$(BIN)/python -m tests.benchmarks.bench_methods
	$(BIN)/python -m tests.benchmarks.bench_finetuning
	$(BIN)/python -m tests.benchmarks.bench_sampling
	$(BIN)/python -m tests.benchmarks.bench_pretraining
	$(BIN)/python -m tests.benchmarks.bench_pretraining_page
	$(BIN)/python -m tests.benchmarks.bench_resources
	$(BIN)/python -m tests.benchmarks.bench_plan
	$(BIN)/python -m tests.benchmarks.bench_many

# PEOPLE and MINUTES; every number is compared with what somebody alone gets.
PEOPLE ?= 10
MINUTES ?= 10
load: $(VENV)/.installed-tests ## ten people at once for ten minutes: how long they wait, and whether it is right
	$(BIN)/python -m tests.benchmarks.load_many $(PEOPLE) $(MINUTES)

# Half an hour; what is drawn is in soak.svg.
soak: $(VENV)/.installed-tests ## a server in mixed use: whether memory, files, threads and processes are level at the end
	$(BIN)/python -m tests.benchmarks.soak

# A quarter of an hour.
kills: $(VENV)/.installed-tests ## fifty kills of trainings and apps: what is lost, what is different
	$(BIN)/python -m tests.benchmarks.kills

# Collects the English sentences anew; what has none in a catalogue yet is to be translated by hand.
catalogue: $(VENV)/.installed-tests ## collects the sentences to translate
	$(BIN)/pybabel -q extract -k _n:1,2 -k sentence -k InputError -k CheckpointError -k CapacityError -k counted:1,2 \
		--no-location --sort-output -o $(VENV)/messages.pot dashboard interpret pages
	for file in $(CATALOGUES)/*.po; do \
		$(BIN)/pybabel -q update -N --no-fuzzy-matching --ignore-obsolete -w 118 -l $$(basename $$file .po) \
			-i $(VENV)/messages.pot -o $$file || exit; \
	done

# `tests/test_api_reference.py` fails while a docstring or a stub says something else.
reference: $(VENV)/.installed-tests ## writes docs/api/ from the docstrings
	$(BIN)/python -m tests.api_reference

# `tests/test_notebooks.py` fails where a cell gives something else than it stores.
notebooks: $(VENV)/.installed-tests ## executes docs/notebooks/ anew
	HF_HUB_OFFLINE=1 $(BIN)/python -m tests.notebooks

# Takes Chromium, as the browser tests do.
pictures: $(VENV)/.installed-tests ## takes the pictures of docs/ anew
	OMP_NUM_THREADS=2 $(BIN)/python -m tests.pictures

# Eight minutes on one card; see docs/gpu.md. Runs on the python3 at hand, which needs PyTorch with CUDA, transformers,
# accelerate, PEFT, SciPy, scikit-learn, jaxtyping, filelock and psutil; no network.
gpu-check: ## what a card does, in eight minutes: docs/gpu.md
	$(PYTHON) -m tests.gpu_check

# An index of one's own comes before PyPI: `make lock INDEX=https://download.pytorch.org/whl/cpu` is for machines without
# a card.
lock: $(TOOLS)/.installed ## writes requirements.lock anew: every package and its hashes, for all platforms
	$(TOOLS)/bin/uv --no-config pip compile --quiet --universal --generate-hashes --python-version 3.11 \
		--default-index https://pypi.org/simple $(if $(INDEX),--index $(INDEX) --index-strategy unsafe-best-match) \
		--custom-compile-command "make lock" requirements.txt -o requirements.lock

# Says what is known of the packages in the lock; nothing fails by what was found out since.
vulnerabilities: $(TOOLS)/.installed ## looks the packages of requirements.lock up in PyPI's list of vulnerabilities
	$(TOOLS)/bin/pip-audit -r requirements.lock --require-hashes --disable-pip --progress-spinner off

$(TOOLS)/.installed:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 pip-audit==2.10.1
	@touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.installed-tests: tests/requirements.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# npm writes this file itself, beside what it installed. No package runs a script of its own.
$(JS)/node_modules/.package-lock.json: $(JS)/package.json $(JS)/package-lock.json
	-npm ci --prefix $(JS) --ignore-scripts --no-audit --no-fund --loglevel=error
	-@touch $@

clean: ## forgets what was installed
	rm -rf $(VENV) $(TOOLS) $(JS)/node_modules
