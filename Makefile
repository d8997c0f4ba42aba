# make               print the targets
# make train         install, render the data, train and test

SPACE       := $() $()
METHOD      ?= mcss
SUPERVISION ?= S1
DATA        ?= studio
TRAINER     ?= auto
SEED        ?= 0
ARGS        ?=
NAME        ?= $(subst $(SPACE),-,$(strip $(DATA)-$(METHOD)-$(SUPERVISION)-seed$(SEED) $(filter-out auto,$(TRAINER))))
RUN         := runs/$(NAME)
SWEEP       ?= supervision_curve
TABLE       := experiments/results/$(DATA)/runs.csv
REPORT      := --table $(TABLE) $(if $(filter studio studio-b,$(DATA)),--page README.md)
GRID        := --args "$(ARGS)" $(if $(LEVELS),--levels "$(LEVELS)") $(if $(METHODS),--methods "$(METHODS)") $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(LIST),--list)

# An active virtual environment or conda environment is used; otherwise .venv is created.
ENV    := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX),$(CURDIR)/.venv)
PYTHON := $(ENV)/bin/python
STAMP  := $(ENV)/.mcss-installed

# The method comes last, so that it overrides the size of the run.
CONFIGS := $(patsubst %,--config experiments/%.yaml,base $(TRAINER:%=trainer/%) data/$(DATA) method/$(METHOD))
SETTINGS := --data.supervision $(SUPERVISION) --seed_everything $(SEED) --run_dir $(RUN)

# Studies of filming: each is rendered from the seed DRAW; a store is named after the option that it is rendered with.
STUDY   ?= people
DRAW    ?= 11
DRAWS   := data$(if $(filter-out studio,$(DATA)),/$(DATA)-draws)
FILMED  := experiments/results/$(if $(filter-out studio,$(DATA)),$(DATA)/)filming
FILMED_people  := base people17
FILMED_cameras := base cameras6
FILMED_minutes := base minutes1 minutes2 minutes4 minutes16
FILMED_sync    := base sync-error40 sync-error80 sync-error160 sync-error320
FILMED_calibration := people7
TRIES   ?= recipe

# Followed by the name of a file: one sweep, its command run with these two files of experiments.
SWEEPS = DATA=$(DATA) TRAINER="$(TRAINER)" "$(PYTHON)" -m mcss.sweep experiments/sweeps

# Rendered stores that the overlay names, unless ARGS names another; own videos take their labels from the studio.
NAMED    = sed -nE 's!^ *([a-z]+_)?store: data/(studio|tiny|studio-b)( .*)?$$!\2!p' experiments/data/$(DATA).yaml
RENDERED = $(if $(findstring --data.store,$(ARGS)),,$(sort $(shell $(NAMED) 2>/dev/null)))

# tests/conftest.py groups the tests that share fixtures, and puts slow ones first.
TESTS = "$(PYTHON)" -m pytest --numprocesses 2 --dist loadgroup --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup data train curve tables ablations filming recipe sweep report retrieval bench test test-fast check

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  variables: METHOD=$(METHOD) SUPERVISION=$(SUPERVISION) DATA=$(DATA) TRAINER=$(TRAINER) SEED=$(SEED) ARGS='$(ARGS)' (see README.md)"

setup: $(STAMP) ## install the project and what it needs (into .venv unless an environment is active)

$(STAMP): setup.cfg
	@test -x "$(PYTHON)" || python3 -m venv "$(ENV)"
	"$(PYTHON)" -m pip install --quiet --upgrade pip
	"$(PYTHON)" -m pip install --progress-bar on --editable '.[dev]'
	@touch "$@"

data: $(STAMP) ## render the stores of DATA that are missing (resumes if interrupted)
	@$(foreach preset,$(RENDERED),$(ENV)/bin/mcss-data render --preset $(preset) --out data/$(preset) &&) true

train: data ## train METHOD with the 3D labels of SUPERVISION, then test the last checkpoint (resumes if interrupted)
	$(ENV)/bin/mcss fit $(CONFIGS) $(SETTINGS) $(ARGS)
	$(ENV)/bin/mcss test --config $(RUN)/config.yaml --run_dir $(RUN)

report: $(STAMP) ## add finished runs (RUNS="runs/a runs/b") to the table, figures and README; write a page for each run
	"$(PYTHON)" -m mcss.results $(RUNS) $(REPORT)

retrieval: data ## measure pose retrieval on DATA's test subjects with the embeddings of CKPT="RUN/checkpoints/last.ckpt ..."
	"$(PYTHON)" -m mcss.retrieval $(CKPT) --store data/$(DATA) --out experiments/results/$(DATA)/retrieval $(ARGS)

curve: data ## run what the table lacks of the curve of error against labels (LEVELS, METHODS, SEEDS)
	$(SWEEPS)/supervision_curve.yaml $(GRID) $(REPORT)

tables: $(if $(LIST),,data) ## run what the table lacks of the paper's tables (LIST=1 prints all of its runs)
	$(SWEEPS)/table1.yaml $(GRID) $(REPORT)
	$(SWEEPS)/table2.yaml $(GRID) $(REPORT)

ablations: data ## run what the table lacks of the ablations
	$(SWEEPS)/ablations.yaml $(GRID) $(REPORT)

filming: $(STAMP) ## how to film: STUDY=people|cameras|minutes|sync|calibration on the people, room and cameras of DRAW
	$(if $(FILMED_$(STUDY)),,$(error STUDY=$(STUDY): choose people, cameras, minutes, sync or calibration))
	@mkdir -p $(DRAWS)/draw$(DRAW) && ln -sfn $(patsubst data/%,%,$(DRAWS)/draw$(DRAW)) data/filming
	@for store in $(FILMED_$(STUDY)); do \
		"$(ENV)/bin/mcss-data" render --preset $(DATA) --seed $(DRAW) --out data/filming/$$store \
			$$(echo $$store | sed -nE 's/^([a-z-]+)([0-9]+)$$/--\1 \2/p') || exit 2; done
	$(SWEEPS)/$(if $(filter calibration,$(STUDY)),,filming_)$(STUDY).yaml $(GRID) --table $(FILMED)/$(STUDY)-draw$(DRAW)/runs.csv
	"$(PYTHON)" -m mcss.results.filming $(FILMED) --stores $(DRAWS) $(if $(filter studio,$(DATA)),--pages docs)

recipe: data ## tune on the validation clips (TRIES=recipe|recipe_baseline): every try that the table lacks, to tuning.md
	$(SWEEPS)/$(TRIES).yaml $(GRID) --tries experiments/results/$(DATA)/tries.csv

sweep: data ## create a W&B sweep of experiments/sweeps/SWEEP.yaml and start its first agent (needs a login)
	$(SWEEPS)/$(SWEEP).yaml $(GRID) --agent

bench: data ## measure speed relative to other implementations: benchmarks/results.md
	"$(PYTHON)" -m benchmarks

test: $(STAMP) ## run all tests, in two processes
	$(TESTS)

test-fast: $(STAMP) ## run the tests without whole runs, several ranks or a browser: about a minute and a half
	$(TESTS) -m "not slow"

check: $(STAMP) ## ruff, mypy, and the commands in the documentation
	"$(PYTHON)" -m ruff check .
	"$(PYTHON)" -m ruff format --check .
	"$(PYTHON)" -m mypy
	"$(PYTHON)" -m pytest -q tests/test_docs.py
