# `make check` is what CI runs, in the environment that is active.
.PHONY: check lint types floors test storm fuzz docs

check: lint types floors test

lint:
	ruff format --check .
	ruff check .

types:
	mypy

floors:
	lint-imports

test:
	pytest -n auto

N = 1000
storm: ## N kills at random instants; every crash point; every call of the disk failing; mutants
	python -m tests.faults.storm $(N) --servers
	python -m tests.faults.storm 300 --mutants
	python -m tests.faults.points crash --every
	python -m tests.faults.points crash --every --resume
	python -m tests.faults.points EIO --every
	python -m tests.faults.points EIO --every --resume
	python -m tests.faults.points EIO --every --for-ever
	python -m tests.faults.points ENOSPC --every
	python -m tests.faults.points ENOSPC --every --resume
	python -m tests.faults.points ENOSPC --every --for-ever

fuzz: ## N mutated experiment files, command lines and files of runs; N=100000 takes some minutes
	python -m tests.faults.fuzz $(N)

docs: ## regenerate what is generated: the spec reference and the catalog of models
	python -m tracker.spec.document > docs/spec.md
	python -m tracker.models.measure
