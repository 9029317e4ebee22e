# SPDX-License-Identifier: MIT
# project.mk - the name, address and URL of the project: the one place that has them. Make, CMake, Meson and packaging/project.py read it.
# Until they are set they are example.invalid. A file that a system demands with such a value is a template: @URL@ becomes the value.
# A value is one line, without quotes.
NAME := popcl
SUMMARY := POP3 client library for small machines
LICENSE := MIT
MAINTAINER := popcl maintainers
EMAIL := maintainers@example.invalid
URL := https://example.invalid/popcl
SOURCE_URL := https://example.invalid/popcl/releases
ISSUES_URL := https://example.invalid/popcl/issues
