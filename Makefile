# `make check` is what CI runs, in the environment that is active.
.PHONY: check lint types floors test docs

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

docs: ## regenerate what is generated: the spec reference and the catalog of models
	python -m tracker.spec.document > docs/spec.md
	python -m tracker.models.measure
