# SPDX-License-Identifier: MIT
# What make makes for other projects and for distributions.

##@ For other projects
amalgamate: ## popcl.h and popcl.c, popcl_tls.h and popcl_tls.c: the library without a port, in build/amalgamation
	@$(PYTHON) packaging/amalgamate.py $(B)/amalgamation
deb: ## [ARGS='-b']: the Debian packages popcl, popcl-ta and libpopcl-dev, in build/deb (needs debhelper and libcmocka-dev)
	@$(PYTHON) packaging/deb.py $(B)/deb $(ARGS)
api: ## the reference of every public header, in build/api/html (needs doxygen)
	@command -v doxygen >/dev/null || { echo "no doxygen: install doxygen, or run: make deps-adoption" >&2; exit 1; }
	@mkdir -p $(B)/api
	@VERSION=$(VERSION) SUMMARY=$(call quoted,$(SUMMARY)) PYTHON=$(PYTHON) OUT=$(B)/api INPUTS="docs/START.md $(API_HEADERS)" doxygen packaging/doxygen/Doxyfile
	@echo "$(B)/api/html/index.html"
API_HEADERS := $(HEADERS) port/arduino/PopclClient.h $(sort $(filter-out port/posix/% %_query.h,$(wildcard port/*/popcl_*.h)))
recipes: dist ## the recipes of Buildroot, OpenWrt, Yocto and Nix for the archives of dist, in build/recipes
	@$(PYTHON) packaging/recipes.py $(B)/dist $(B)/recipes
boards: dist ## the Arduino library, in build/boards; library.json, the pack description and idf_component.yml are in the archive with BearSSL
	@bearssl=$$(sh tests/source.sh bearssl $(B)/arm) && $(PYTHON) packaging/embedded.py arduino $(B)/boards "$$bearssl"

.PHONY: amalgamate api deb recipes boards
