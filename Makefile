# Every command that a person types. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help venv fresh-venv params repro check drill replay experiments sweep pull retrain publish alert turn register compare serve test test-slow lint bench bench-drift bench-loop bench-scale bench-score bench-serve bench-startup bench-report soak release lock clean

VENV ?= .venv
DATASET ?=
BASE ?= main
FROM ?= 2004-01-01
PORT ?= 3000
SWEEP ?=
JOBS ?= 2
STEP ?= run
ROWS ?=
ENGINES ?= pandas
ROUNDS ?= 3
export VERSION
PYTHON ?= $(shell for p in python3.11 python3.12 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null && echo "$$p" && break; done)
export PATH := $(abspath $(VENV))/bin:$(PATH)
export BENTOML_DO_NOT_TRACK := True

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

venv:  ## make .venv from the hash-locked requirements
	@cmp -s requirements/dev.txt $(VENV)/requirements.txt || $(MAKE) --no-print-directory fresh-venv

fresh-venv:
	@test -n "$(PYTHON)" || { echo "Keepfit needs Python 3.11 or 3.12 and found $$(python3 --version 2>&1): install one of them, or name it with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(v not in ((3, 11), (3, 12)) and f"Keepfit needs Python 3.11 or 3.12, {sys.executable} is {v[0]}.{v[1]}: install one of them, or name it with PYTHON=/path/to/python3.11")'
	@echo "Making $(VENV) from requirements/dev.txt: a minute or two, once"
	@$(PYTHON) -m venv $(VENV)
	@python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements/dev.txt
	@python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@cp requirements/dev.txt $(VENV)/requirements.txt

params: venv  ## compose params.yaml from conf/
	@python -m keepfit params $(if $(DATASET),--dataset $(DATASET))

repro: venv  ## take the data to a packaged model (DATASET=flights changes the use case)
	@python -m keepfit repro $(if $(DATASET),--dataset $(DATASET))

check: params  ## whether the newest rows are still what the champion knows: ok, alert, retrain or fix the data
	@python -m keepfit check

drill: venv  ## put faults into calm real rows and show what the check says to each
	@python -m keepfit drill

replay: params  ## live the history again under each policy of conf/drift/ (FROM=2004-01-01)
	@python -m keepfit replay --from $(FROM)

experiments: venv  ## list the experiments on this commit, with the columns that matter first
	@python -m keepfit experiments

sweep: venv  ## compare the models and feature sets of conf/sweep/ (SWEEP=models, JOBS=2)
	@python -m keepfit sweep $(SWEEP) --jobs $(JOBS)

pull: venv  ## fetch data and champion from the DVC remote, every file checked against its hash
	@python -m keepfit pull

retrain: venv  ## check the newest rows, and train and judge a challenger where that is needed (UNTIL=, FORCE=, CHANGED=)
	@python -m keepfit retrain $(if $(UNTIL),--until "$(UNTIL)") $(if $(FORCE),--force) $(if $(CHANGED),--changed)

publish: venv  ## push what `make retrain` made, or a line in the logbook (DRY_RUN=yes)
	@python -m keepfit publish $(if $(DRY_RUN),--dry-run)

alert: venv  ## open, update or close the one issue by what `make retrain` found (DRY_RUN=yes)
	@python -m keepfit alert $(if $(DRY_RUN),--dry-run)

turn: venv
	@python -m keepfit turn

register: venv  ## give the newest champion its version, and push the tags
	@python -m keepfit register

compare: venv  ## what the last commit does to the champion and the metrics, as Markdown (BASE=main)
	@test -z "$$(git status --porcelain)" || { echo "compare: commit or stash your changes first" >&2; exit 1; }
	@sh .github/compare "$(BASE)"

serve: venv  ## answer requests with the champion, on http://127.0.0.1:$(PORT) (INSECURE=yes asks for no key)
	@exec python -m keepfit serve --port $(PORT) $(if $(INSECURE),--insecure)

test: venv  ## the quick tests
	@pytest -m "not slow" -n 2 --dist loadfile

test-slow: venv  ## the tests with real servers, clones and whole pipelines
	@pytest -m slow -n 2 --dist loadfile

lint: venv  ## what pre-commit and CI check
	@pre-commit run --all-files

bench: venv  ## measure the speed and size claims, as ratios in one run
	@python -m benchmarks.bench
	@python -m benchmarks.report

bench-drift: venv  ## measure what the drift check promises: replays, false alarms, power beside its peers, speed
	@python -m benchmarks.drift
	@python -m benchmarks.report

bench-serve: venv  ## measure the service beside its peers, each in an environment of its own (needs wrk; a quarter of an hour)
	@python -m benchmarks.serve
	@python -m benchmarks.report

soak: venv  ## load the service while champions change, its database dies and bad requests come (MINUTES=10)
	@python -m benchmarks.soak $(MINUTES)
	@python -m benchmarks.report

release: venv  ## take a promoted champion to where it serves (VERSION=v0.1.0; STEP=build does one step)
	@python -m keepfit release $(STEP) "$$VERSION"

bench-score: venv  ## measure `keepfit score` beside predict_proba on pandas chunks, 10 million flights
	@python -m benchmarks.score
	@python -m benchmarks.report

bench-loop: venv  ## measure a turn of the loop by step, calm and retraining
	@python -m benchmarks.loop
	@python -m benchmarks.report

bench-scale: venv  ## measure each stage by rows and engine, and beside pandas, Polars, DuckDB, Evidently (ROWS="1e5 1e6")
	@python -m benchmarks.scale $(if $(ROWS),--rows $(ROWS)) --engines $(ENGINES) --rounds $(ROUNDS)
	@python -m benchmarks.scale_peers tables $(if $(ROWS),--rows $(ROWS)) --rounds $(ROUNDS)
	@python -m benchmarks.scale_peers drift $(if $(ROWS),--rows $(ROWS)) --rounds $(ROUNDS)
	@python -m benchmarks.report

bench-startup: venv  ## measure what each stage of `make repro` spends on start-up, reading, work and writing
	@python -m benchmarks.startup $(ROUNDS)
	@python -m benchmarks.report

bench-report: venv  ## make benchmarks/README.md and its pictures from the results in benchmarks/
	@python -m benchmarks.report

lock: venv  ## compile requirements/*.txt anew from the groups of pyproject.toml
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group dev --output-file requirements/dev.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --group service --constraint requirements/dev.txt --output-file requirements/service.txt

clean:  ## remove the environment and what is made in running
	@rm -rf $(VENV) .*_cache dvc_plots
