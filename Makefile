# The two commands of the README are `make assistant` and `make test`.
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: assistant test test-unit lint device-table bench bench-budget check-aarch64 clean

# Chat in Korean, offline. ASK="..." answers once.
assistant:
	@.ci/environment $(VENV) cli starter converters
	@if [ -n "$$ASK" ]; then $(BIN)/ondol chat --once "$$ASK"; else $(BIN)/ondol chat; fi

# Everything that CI checks.
test: lint
	@.ci/system-packages strace gcc libc6-dev
	@.ci/environment $(VENV) cli starter converters one openvino qnn plugin exynos documents guided pull sign sweep chart korean server dev
	@VENV=$(VENV) .ci/genai .venv-genai
	@PIP_CONSTRAINT=.ci/reference.txt .ci/environment .venv-reference converters reference test
	$(BIN)/python -m pytest -q -m "not reference"
	.venv-reference/bin/python -m pytest -q -m reference tests/converters/encoders

# What needs no weights: under a minute.
test-unit:
	@.ci/environment $(VENV) cli converters one openvino qnn plugin exynos documents guided pull sign sweep chart korean server dev
	$(BIN)/python -m pytest -q -n 2 -m "not weights and not reference"

lint:
	@.ci/environment $(VENV) cli starter converters one openvino qnn plugin exynos documents guided pull sign sweep chart korean server dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python

# The READMEs' table of devices, from what the devices say of themselves.
device-table:
	@PYTHONPATH=sdk:runtimes:tests $(BIN)/python tests/device_table.py

# Ondol beside llama.cpp on the same files; builds llama.cpp once (a C++ compiler is needed).
bench:
	@.ci/system-packages g++
	@.ci/environment $(VENV) cli starter converters bench
	$(BIN)/python benchmarks/peer.py --out bench-out

# The quality budget's promises on the starter weights, in turn with llama.cpp.
bench-budget:
	@.ci/system-packages g++
	@.ci/environment $(VENV) cli starter converters bench
	$(BIN)/python benchmarks/budget.py --out bench-out

# A starter answers on aarch64 as on x86-64; under an emulator, on Debian, run by hand.
check-aarch64:
	@.ci/system-packages qemu-user
	@.ci/environment $(VENV) cli starter converters
	$(BIN)/python benchmarks/aarch64.py

clean:
	rm -rf $(VENV) .venv-genai .venv-reference bench-out .mypy_cache .pytest_cache .ruff_cache .hypothesis
