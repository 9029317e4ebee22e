# SPDX-License-Identifier: MIT
# figures.mk - sizes, stacks and instruction counts: what prints them, what holds the committed ones to be right, and what writes them. The
# Makefile includes it.

##@ For maintainers: figures
show-size: ## octets of each file on a Cortex-M3 and RV32, the rules (no heap, stdio, globals, VLA, recursion), stack of every call, tables of docs/SIZING.md
	@$(PYTHON) tests/size/size.py size
	@echo
	@B=$(B) $(PYTHON) tests/size/sizing.py show
show-stack: ## the largest stack frames and the deepest chain of calls on a Cortex-M3 and RV32
	@$(PYTHON) tests/size/size.py stack
show-structs: ## sizeof every public struct
	@$(PYTHON) tests/size/size.py structs
show-diff: ## what changed against docs/size.txt, stack.txt and structs.txt
	@$(PYTHON) tests/size/size.py $(TABLES) --diff
update-figures: ## write docs/size.txt, stack.txt and structs.txt, the tables of docs/SIZING.md, docs/size.json and size.html
	@$(PYTHON) tests/size/size.py $(TABLES) --write
	@B=$(B) $(PYTHON) tests/size/sizing.py write
	@B=$(B) $(PYTHON) tests/size/calculator.py write
TABLES := size stack structs
update-firmware: ## build, run and measure the images of examples/firmware; write docs/firmware.json, firmware.svg and tables of docs/SIZING.md
	@sh tests/setup.sh build demo firmware
	@$(MAKE) --no-print-directory $(parallel) $(TA)
	@B=$(B) $(PYTHON) tests/firmware/figures.py write
	@$(PYTHON) tests/size/calculator.py page

check-arm: ## Cortex-M3, M0+ and RV32: compiles freestanding, the rules of `show-size` hold, and docs/SIZING.md and size.json are right about sizes
	@B=$(B) $(PYTHON) tests/size/sizing.py check
check-firmware-tls: ## mail over TLS on a Cortex-M3, an M0+ and RV32 in QEMU, with every profile; docs/SIZING.md is right about instructions
	@B=$(B) $(PYTHON) tests/size/sizing.py check-counts
built-figures: $(TA)
check-figures: ## whole firmware images in QEMU: no figure of docs/firmware.json grew by more than 2 %, no fixed session by 3 %
	@B=$(B) $(PYTHON) tests/firmware/figures.py check

.PHONY: show-size show-stack show-structs show-diff update-figures update-firmware
