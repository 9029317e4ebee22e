# SPDX-License-Identifier: MIT
# What make makes for other projects and for distributions.

##@ For other projects
amalgamate: ## popcl.h and popcl.c, popcl_tls.h and popcl_tls.c: the library without a port, in build/amalgamation
	@$(PYTHON) packaging/amalgamate.py $(B)/amalgamation

.PHONY: amalgamate
