# Commands for people. Each prepares what it needs: a fresh clone needs only Python 3.11+, make and a package index.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo ingest census replay publish rebuild approve acknowledge forget doctor backup start sql test test-fast test-long bench bench-pages bench-sources bench-lake bench-sequences bench-whole bench-large bench-profile
.PHONY: lint format docs check-sources lock export tables cookbook screenshots

ENVIRONMENT := . scripts/environment.sh
PYTEST = $(ENVIRONMENT); python -m pytest -n auto --dist loadfile --no-loadscope-reorder
# The command does not read Airflow's connections, so it gets the path of the DAGs' warehouse.
COMMAND = $(ENVIRONMENT); VIRUS_WAREHOUSE="$$(python scripts/connected_warehouse.py)" virus-warehouse
FINDINGS = $(if $(ACCEPT_FINDINGS),--accept-findings $(ACCEPT_FINDINGS))
ACCEPT = $(if $(ACCEPT_MISSING),--accept-missing) $(if $(ACCEPT_EMPTIED),--accept-emptied) $(FINDINGS)

# It warns of each comment `nosec` once for every check that finds nothing there.
BANDIT = bandit -q -c pyproject.toml -r include plugins dags scripts 2> >(grep -v "nosec encountered" >&2)

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | column -t -s "$$(printf '\t')"

setup: ## create .venv and Airflow's home; quick when nothing changed
	@scripts/setup

setup-dev:
	@scripts/setup --dev

demo: setup ## three days of made-up data through the real DAGs, then queries on the result
	@$(ENVIRONMENT); python scripts/demo.py

ingest: setup ## SOURCE=mpox: one run now, from NCBI or NCBI_DATASETS_URL
	@$(ENVIRONMENT); python scripts/ingest.py ingest "$(SOURCE)" $(ACCEPT)

census: setup ## SOURCE=mpox: find records that NCBI no longer lists; ACCEPT_MISSING=1 accepts a mass withdrawal
	@$(ENVIRONMENT); python scripts/ingest.py census "$(SOURCE)" $(ACCEPT)

replay: setup ## SOURCE=mpox: parse its quarantined lines again, with this version
	@$(ENVIRONMENT); python scripts/ingest.py replay "$(SOURCE)"

publish: setup ## publish what was loaded; SOURCE=mpox ACCEPT_FINDINGS=shrinkage: despite these findings
	@$(ENVIRONMENT); python scripts/publish.py $(if $(SOURCE),--source "$(SOURCE)") $(FINDINGS)

rebuild: setup ## rebuild the warehouse from the archived packages; REPLACE=1 replaces the old one, FROM_OLDEST=1 keeps all history
	@$(COMMAND) rebuild $(if $(REPLACE),--replace) $(if $(FROM_OLDEST),--from-oldest)

approve: setup ## SOURCE=mpox: publish it despite the findings that hold it back; KEEP=1: keep what is published; no SOURCE: what waits
	@$(COMMAND) approve $(if $(SOURCE),"$(SOURCE)") $(if $(KEEP),--keep)

acknowledge: setup ## SOURCE=mpox: stop alarms about its quarantined lines and unknown fields
	@$(COMMAND) acknowledge "$(SOURCE)"

forget: setup ## SOURCE=mpox: remove all data of a source that is no longer followed; asks first, unless YES=1
	@$(COMMAND) forget "$(SOURCE)" $(if $(YES),--yes)

doctor: setup ## what is wrong with this installation, and what to do about it
	@$(COMMAND) doctor

backup: setup ## TO=/mnt/backups: back up everything, beside running loads
	@$(COMMAND) backup "$(TO)"

start: setup ## Airflow with its UI on 127.0.0.1:8080; Ctrl-C stops it
	@$(ENVIRONMENT); exec python scripts/start.py

sql: setup ## a DuckDB prompt on the published snapshot, with the cookbook
	@$(ENVIRONMENT); exec virus-warehouse sql

export: setup ## FORMAT=parquet (csv, augur, dataformat) FOLDER=... SOURCE=mpox WHERE="country = 'USA'": export the snapshot
	@$(ENVIRONMENT); virus-warehouse export --format "$(or $(FORMAT),parquet)" $(if $(FIELDS),--fields "$(FIELDS)") \
	  $(if $(FOLDER),--to "$(FOLDER)") $(if $(SOURCE),--source "$(SOURCE)") $(if $(WHERE),--where "$(WHERE)")

check-sources: setup ## check include/sources.yaml, or the file that VIRUS_SOURCES names
	@$(ENVIRONMENT); virus-warehouse sources check

test: setup-dev ## every test needed for a merge; PYTEST_ARGS="-k request" for some; DUCKDB=2: with DuckDB 2
	@scripts/install_services
	@scripts/setup_bucket
	@$(if $(DUCKDB),scripts/setup_duckdb2; export VENV=.venv-duckdb2;) $(PYTEST) $(PYTEST_ARGS)

test-fast: setup-dev ## quick tests: no Airflow process, no browser, nothing that needs root
	@$(PYTEST) -m "not (slow or airflow or services or browser or long)" $(PYTEST_ARGS)

test-long: setup-dev ## for a release: thousands of histories, kills and fuzz cases; SEED=123 repeats a failed run
	@scripts/install_services
	@$(if $(SEED),export VIRUS_TEST_SEED=$(SEED);) $(PYTEST) -m long -rP $(PYTEST_ARGS)

bench: setup ## the benchmark with its peers, in half an hour; FULL=1: all peers; PACKAGE=file.zip: its bytes alone
	@scripts/setup_bench
	@$(ENVIRONMENT); python -m benchmarks $(if $(FULL),--full) $(if $(PACKAGE),--package "$(PACKAGE)")

bench-pages: setup ## how long the pages take, with 50 sources, 500 runs and a million records
	@$(ENVIRONMENT); python -m benchmarks.pages

bench-sources: setup ## what following 500 sources costs: parsing, publication, pages, alerts
	@$(ENVIRONMENT); python -m benchmarks.many_sources

bench-lake: setup ## loads into a lake and into a file, and migrations; CATALOG=postgresql://user:password@host/database: for the lakes
	@$(ENVIRONMENT); python -m benchmarks.lake "$(CATALOG)"

bench-whole: setup ## a warehouse as large as NCBI Virus; PACKAGE=file.zip: copies of its records; CATALOG=...: in a lake, too
	@$(ENVIRONMENT); python -m benchmarks.whole_of_ncbi $(if $(PACKAGE),--package "$(PACKAGE)") $(if $(CATALOG),--catalog "$(CATALOG)")

bench-large: setup ## a source of RECORDS=9000000, and the days after its full load; PACKAGE=file.zip: copies of its records
	@$(ENVIRONMENT); python -m benchmarks.large $(if $(RECORDS),--records $(RECORDS)) $(if $(PACKAGE),--package "$(PACKAGE)")

bench-sequences: setup ## a load with sequences, and their FASTA; PACKAGE=file.zip: its bytes
	@$(ENVIRONMENT); python -m benchmarks.sequences $(if $(PACKAGE),--package "$(PACKAGE)")

bench-profile: setup ## RECORDS=200000: where a full load's time goes, statement by statement; data/bench/load.svg
	@scripts/setup_bench
	@$(ENVIRONMENT); .venv-bench/bin/py-spy record --native --threads --subprocesses -o data/bench/load.svg -- \
	  python -m benchmarks.profile_load $(or $(RECORDS),200000)

cookbook: setup-dev ## generate docs/cookbook.md and the outputs in docs/ways-in.md
	@$(ENVIRONMENT); python scripts/cookbook.py $(COOKBOOK_ARGS)

docs: setup-dev ## the documentation as a site, in site/; a broken link fails
	@$(ENVIRONMENT); zensical build --clean --strict

lint: setup-dev docs ## ruff, mypy, bandit, sqlfluff, the compose file, the documentation
	@$(ENVIRONMENT); ruff check . && ruff format --check . && mypy && $(BANDIT) \
	  && sqlfluff lint --disable-progress-bar include scripts benchmarks \
	  && check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yaml

format: setup-dev ## format the code with ruff and sqlfluff
	@$(ENVIRONMENT); ruff check --fix . && ruff format . && sqlfluff fix --disable-progress-bar include scripts benchmarks

screenshots: setup-dev ## generate docs/screenshots: Airflow and the pages with made-up data, in light and dark
	@scripts/install_services
	@$(ENVIRONMENT); python scripts/screenshots.py

tables: setup ## generate docs/tables.md, the data dictionary
	@$(ENVIRONMENT); python scripts/tables.py

lock: setup-dev ## compile requirements*.in
	@$(ENVIRONMENT); for name in requirements requirements-dev requirements-bench requirements-build requirements-augur \
	  requirements-bucket requirements-duckdb2; do \
	  uv pip compile $$name.in --universal --python-version 3.11 --generate-hashes --no-header --quiet -o $$name.txt; done
