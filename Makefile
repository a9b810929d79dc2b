# AtomicVAD companion. `make help` lists what there is.
PROFILE ?= open
# Seeds trained at a time, each on about one core; `make -j1` or any -j says otherwise.
JOBS ?= $(if $(filter 1,$(shell env -u OMP_NUM_THREADS nproc 2>/dev/null)),1,2)
# Address of a Dask scheduler: the seeds go to its workers instead.
SCHEDULER ?=
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
VENV := .venv
PYTHON := $(VENV)/bin/python
ATOMICVAD := $(VENV)/bin/atomicvad
READY := $(VENV)/.ready
STARTED := $(shell date +%s)
# What a user has set for other Pythons.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help reproduce progress test types pytest coverage lab data train score peers atlas real device figures report site article compare adopt verify bench clean lock

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

# Made again where the folder was moved or copied to.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif
$(READY): requirements.lock pyproject.toml tools/environment.sh
	@bash tools/environment.sh $(VENV)

# The seeds are known once the environment is there; each is a target of its own, for make -j.
reproduce: $(READY) ## everything: data, all seeds, report, comparison (PROFILE=open by default)
	@$(ATOMICVAD) data --profile $(PROFILE)
	@$(if $(SCHEDULER),$(ATOMICVAD) cluster --profile $(PROFILE) --scheduler $(SCHEDULER),\
	  $(MAKE) $(PARALLEL) --no-print-directory PROFILE=$(PROFILE) \
	  $$($(ATOMICVAD) seeds --profile $(PROFILE) | sed 's/[0-9][0-9]*/seed-&/g'))
	@$(ATOMICVAD) score --profile $(PROFILE)
	@$(MAKE) --no-print-directory PROFILE=$(PROFILE) report
	@$(ATOMICVAD) site --profile $(PROFILE)
	@$(ATOMICVAD) compare --profile $(PROFILE) --since $(STARTED)

seed-%: $(READY)
	@$(ATOMICVAD) train --profile $(PROFILE) --seed $*

data: $(READY) ## fetch and decode recordings, write manifests and scenes
	@$(ATOMICVAD) data --profile $(PROFILE)

train: $(READY) ## train and score one seed: make train SEED=43185
	@$(if $(SEED),,$(error SEED is missing: make train SEED=43185))$(ATOMICVAD) train --profile $(PROFILE) --seed $(SEED)
	@$(ATOMICVAD) score --profile $(PROFILE) --seed $(SEED)

progress: $(READY) ## show the progress of the seeds
	@$(ATOMICVAD) progress --profile $(PROFILE)

score: $(READY) ## score the seeds' weights where needed, without training
	@$(ATOMICVAD) score --profile $(PROFILE)

peers: $(READY) ## score the other installed detectors on the scenes
	@$(ATOMICVAD) peers --profile $(PROFILE)

atlas: $(READY) ## score the atlas of hard cases
	@$(ATOMICVAD) atlas --profile $(PROFILE)

real: $(READY) ## score all systems on real recordings with human labels
	@$(ATOMICVAD) real --profile $(PROFILE)

device: $(READY) ## measure memory and instructions on emulated microcontrollers (MODEL: the first seed)
	@$(ATOMICVAD) device $(MODEL) --profile $(PROFILE)

figures: $(READY) ## make tables and figures from a run's scores, without audio
	@$(ATOMICVAD) figures --profile $(PROFILE)

report: $(READY) ## make the pages in runs/$(PROFILE)/
	@$(MAKE) $(PARALLEL) --no-print-directory PROFILE=$(PROFILE) $$($(ATOMICVAD) pages | sed 's/[a-z]*/page-&/g')

page-atlas: page-systems # it needs the peers' scores
page-device: page-systems # and its tables
page-report: page-atlas # it draws what they compute
page-%:
	@$(ATOMICVAD) report --profile $(PROFILE) --page $*

site: $(READY) ## build the static site of a finished run: site/index.html
	@$(ATOMICVAD) site --profile $(PROFILE)

article: $(READY) ## typeset the replication article: article/atomicvad-replication.pdf
	@$(ATOMICVAD) article

compare: $(READY) ## compare the run with the reference
	@$(ATOMICVAD) compare --profile $(PROFILE)

adopt: $(READY) ## make the run the reference: results/ and figures/ (for maintainers)
	@$(ATOMICVAD) adopt --profile $(PROFILE)

verify: $(READY) ## score the reference's weights again and compare with its tables
	@$(ATOMICVAD) verify --profile $(PROFILE)

bench: $(READY) data ## measure speed and memory on this machine: results/benchmarks.csv (about 11 minutes)
	@$(PYTHON) -m benchmarks

# tools/lab/overrides.json turns the question about news off; without TQDM_LEAVE finished progress bars go.
lab: $(READY) ## open the notebooks in JupyterLab, 00_start first
	@TQDM_LEAVE= $(VENV)/bin/jupyter lab --notebook-dir=notebooks --LabApp.default_url=/lab/tree/00_start.ipynb --LabApp.app_settings_dir=tools/lab --FileContentsManager.post_save_hook=atomicvad.report.saved.show_to_git $(if $(filter 0,$(shell id -u)),--allow-root)

test: $(READY) ## check style, types and structure, and run the tests
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/lint-imports --no-cache --no-logo
	@$(PYTHON) tools/emulator.py $(VENV)/emulator
	@$(PYTHON) tools/toolchain.py
	@$(MAKE) -j2 --no-print-directory types pytest

types: $(READY)
	@$(VENV)/bin/mypy

# Tests run make, too: they must not take this one's -j for a user's.
pytest: $(READY)
	@unset MAKEFLAGS MFLAGS; $(PYTHON) -m pytest

coverage: $(READY) ## run the tests and report which lines they reach
	@$(PYTHON) -m pytest --cov

clean: ## remove a profile's data and run; keep environment, downloads and reference
	rm -rf data/$(PROFILE) runs/$(PROFILE)

lock: ## resolve and pin all packages again (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --upgrade --quiet --output-file requirements.lock
	$(PYTHON) tools/conda_environment.py
