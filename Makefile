# Two commands: `make` sets everything up and runs the workbook, `make test` checks it.
# Needs nothing but Python 3.11 (3.11.4 or later), 3.12 or 3.13: PYTHON=python3.12 make chooses one.
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11, 4) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
SETUP := .venv/.ready

# Where Python may not keep what it has compiled, each process compiles all of TensorFlow anew: its
# import takes 8 s instead of 3.5 s. (`pip` compiles nothing either: what is used is, at first use.)
unexport PYTHONDONTWRITEBYTECODE

run: setup
	$(BIN)/python -m fundus_utils run
	$(BIN)/python notebooks/book/build.py "$${FUNDUS_DERIVED:-data/derived}/run"

setup: $(SETUP)

$(SETUP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11.4 or later, 3.12 or 3.13 is needed: install one, see README.md"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(SETUP)

# Uploads of up to 1 GB: JupyterLab drops more than 10 MB without a word.
lab: setup
	$(BIN)/jupyter lab --ServerApp.tornado_settings="{'websocket_max_message_size': 1073741824}" notebooks

# Notebook 11 as a page of its own, on this computer alone: http://localhost:8866
app: setup
	$(BIN)/voila notebooks/11_your_own_photographs.ipynb --Voila.config_file_paths=notebooks/app

# Two files at a time, the cells of a notebook together and in order. The longest ones come first, so
# that neither of the two has to wait for the other in the end, nor 06 for what 05 trains. Each file is
# named: beside a folder, pytest forgets the files in it that were named, and their order.
TWO := -n 2 --dist loadscope --no-loadscope-reorder
LONGEST := $(wildcard $(foreach number,05 10 07 08 09,notebooks/$(number)_*.ipynb))
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9][0-9]_*.ipynb notebooks/solutions/[0-9][0-9]_*.ipynb))
TESTS := $(sort $(wildcard tests/test_*.py))
REST := $(filter-out $(LONGEST),$(NOTEBOOKS) $(TESTS))
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=900 \
	--nbval-sanitize-with tests/sanitize.cfg -p no:cacheprovider

# Two at a time on two processors: with two threads each they wait for each other (two files of
# trainings took 154 s, with one thread each 136 s).
test test-slow unit nbval: export TF_NUM_INTRAOP_THREADS = 1

test: lint
	FUNDUS_LIVE=0 $(BIN)/python -m pytest $(TWO) $(NBVAL) -m "not slow" $(LONGEST) $(REST)

# The tests that train, or draw many photographs.
SLOWEST := tests/test_training.py tests/test_study.py
test-slow: setup
	$(BIN)/python -m pytest $(TWO) -p no:cacheprovider -m slow $(SLOWEST) $(filter-out $(SLOWEST),$(TESTS))

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy notebooks/book/*.py notebooks/results/*.py notebooks/app/*.py

unit: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal tests

nbval: setup
	FUNDUS_LIVE=0 $(BIN)/python -m pytest $(TWO) $(NBVAL) $(filter %.ipynb,$(LONGEST) $(REST))

test-real: setup
	$(BIN)/python -m pytest tests -m real

# In a real browser: needs Chromium (Debian's package `chromium`), and installs what drives it.
test-browser: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'playwright>=1.49,<2'
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/test_browser_*.py

bench: setup
	$(BIN)/python tests/benchmarks/bench.py

notebooks: setup
	mkdir -p data/derived
	find data/derived -mindepth 1 -maxdepth 1 ! -name studies -exec rm -rf {} +
	$(BIN)/python -m fundus_utils run --store
	$(BIN)/python notebooks/exercises/making.py solutions

# The solutions alone, after an exercise was changed; a copy without them, for a class.
solutions: setup
	$(BIN)/python notebooks/exercises/making.py solutions

handout: setup
	$(BIN)/python notebooks/exercises/making.py handout

# An HTML book of the notebooks as they are stored: nothing runs.
book: setup
	$(BIN)/python notebooks/book/build.py

clean:
	rm -rf .venv data/derived

.PHONY: run setup lab app test test-slow lint unit nbval test-real test-browser bench notebooks solutions handout book clean
