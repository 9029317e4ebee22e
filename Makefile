# SPDX-License-Identifier: MIT
# popcl - builds the library, the command and the examples, and runs every check. GNU make; `make help` lists what there is. Figures are in
# tests/figures.mk. `check-X` verifies, `show-X` prints, `update-X` writes what is committed.
#
# CC, CFLAGS, CPPFLAGS, LDFLAGS, PREFIX and DESTDIR mean what they always mean, and so do BINDIR, LIBDIR, INCLUDEDIR and MANDIR. BEARSSL=dir
# builds against an unpacked BearSSL source tree instead of the system's library. SHARED=1 installs a shared library too. CA_BUNDLE=file
# compiles trust anchors into the command. NO_FORK=1 is for a system without fork: host names are then looked up in the same process
# (port/posix/no_fork). B=dir builds into another directory. V=1 shows the commands.
# Folders are read by wildcard: a new source, test or example needs no line here.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC := gcc
endif
B := build
CFLAGS ?= -O2 -g
# The files of the programs are long and take little time: small code keeps few pages in memory. CFLAGS of the caller count alone.
TOOLS_CFLAGS := $(if $(filter file,$(origin CFLAGS)),-Os)
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
BASH_COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
INSTALL ?= install
PYTHON := $(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3)
VERSION := $(shell sed -n 's/^.define POPCL_VERSION "\(.*\)"/\1/p' include/popcl.h)
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))
# Not $(MAKE) where `make -n` must not run what the line starts.
THIS_MAKE := $(MAKE)
# In a recipe: the job slots that the caller gave, or one a processor if none were given.
parallel = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
quoted = '$(subst ','\'',$(1))'

# ---- BearSSL ----

# popcl-X.Y-with-bearssl.tar.gz has a tree of its own. BEARSSL= (empty) takes the system's library there too.
ifeq ($(origin BEARSSL),undefined)
ifneq ($(wildcard bearssl/inc/bearssl.h),)
BEARSSL := bearssl
BEARSSL_OF_ARCHIVE := 1
endif
endif
ifdef BEARSSL
BEARSSL_HEADER := $(firstword $(wildcard $(BEARSSL)/inc/bearssl.h))
ifeq ($(BEARSSL_HEADER),)
$(error BEARSSL=$(BEARSSL) is no BearSSL source tree: there is no $(BEARSSL)/inc/bearssl.h)
endif
override BEARSSL := $(abspath $(dir $(BEARSSL_HEADER))..)
BEARSSL_INC := $(BEARSSL)/inc
BEARSSL_LIB := $(wildcard $(BEARSSL)/build/libbearssl.a)
ifeq ($(BEARSSL_LIB),)
BEARSSL_LIB := $(B)/bearssl/libbearssl.a
BEARSSL_C := $(wildcard $(BEARSSL)/src/*.c $(BEARSSL)/src/*/*.c)
endif
BEARSSL_CPPFLAGS := -isystem $(BEARSSL_INC)
BEARSSL_LIBS ?= $(BEARSSL_LIB)
# For ARM builds, which otherwise fetch the source: tests/source.sh.
BEARSSL_SRC ?= $(if $(wildcard $(BEARSSL)/src),$(BEARSSL))
export BEARSSL BEARSSL_SRC
else
# For compilers that do not look into /usr/include, as the ARM one: the folder that holds nothing but BearSSL's headers.
BEARSSL_INC := $(firstword $(wildcard /usr/include/bearssl /usr/local/include/bearssl))
# The archive, where the linker finds it: the command then needs no shared library but the C library.
BEARSSL_LIBS ?= $(if $(wildcard /usr/lib/*/libbearssl.a /usr/lib/libbearssl.a),-l:libbearssl.a,-lbearssl)
endif
# Not BEARSSL here: exported without a value it is empty, which an archive's own Makefile would take for BEARSSL= of the user.
export BEARSSL_INC CC

# ---- anchors compiled in ----

# CA_BUNDLE=file.pem: popcl trusts the authorities in that file where neither -c nor -C is given.
BUNDLE_SRC := src/tools/popcl/tls.c
ifneq ($(CA_BUNDLE),)
ifeq ($(shell test -f $(call quoted,$(CA_BUNDLE)) && echo there),)
$(error CA_BUNDLE=$(CA_BUNDLE): there is no such file)
endif
COMPILED_TRUST := $(B)/compiled_trust.c
COMPILED_TRUST_CPPFLAGS := -DPOPCL_COMPILED_TRUST
endif
export PYTHONDONTWRITEBYTECODE := 1

# ---- what there is ----

SYNC_SRC := port/posix/no_fork/resolve_sync.c
RESOLVE_SRC := $(if $(NO_FORK),$(SYNC_SRC),port/posix/resolve.c)
LIB_SRC := $(sort $(wildcard src/core/*.c src/auth/*.c src/tls/*.c src/host/*.c) $(filter-out port/posix/resolve.c,$(wildcard port/posix/*.c)) $(RESOLVE_SRC))
COMMON_SRC := $(sort $(wildcard src/tools/common/*.c))
TOOL_SRC := $(sort $(wildcard src/tools/popcl/*.c))
TA_SRC := $(sort $(wildcard src/tools/popcl-ta/*.c))
# TLS of somebody else, as far as it is here: Mbed TLS for an example, and OpenSSL for tests.
MBEDTLS := $(wildcard /usr/include/mbedtls/ssl.h /usr/local/include/mbedtls/ssl.h)
OPENSSL := $(wildcard /usr/include/openssl/ssl.h /usr/local/include/openssl/ssl.h)
EXAMPLE_SRC := $(sort $(filter-out $(if $(MBEDTLS),,examples/mbedtls.c),$(wildcard examples/*.c)))
QUECTEL_SRC := port/quectel/net.c
MBEDTLS_SRC := $(if $(MBEDTLS),port/mbedtls/net.c)
BELOW_SRC := $(if $(OPENSSL),tests/below/openssl.c) $(if $(MBEDTLS),$(sort $(wildcard tests/below/mbedtls*.c)))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
INTEROP_SRC := $(sort $(wildcard tests/interop/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
SIM_SRC := $(sort $(wildcard tests/sim/test_*.c))
MODEL_SRC := $(sort $(wildcard tests/model/*.c))
HEADERS := $(sort $(wildcard include/*.h port/posix/popcl_posix*.h src/host/popcl_posix*.h))
RUN_SRC := $(wildcard tests/transcripts/run.c)
RESULTS_SRC := tests/unit/results.c
HELP_SRC := $(sort $(filter-out $(UNIT_SRC) $(SIM_SRC) $(RUN_SRC) $(RESULTS_SRC),$(wildcard tests/unit/*.c tests/sim/*.c tests/transcripts/*.c) examples/firmware/slots.c examples/firmware/ahead.c examples/firmware/backoff.c examples/firmware/letter.c examples/firmware/order.c))
TRANSCRIPTS := $(sort $(shell find tests/transcripts -type f -name '*.txt'))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
X509_SRC := $(sort $(wildcard tests/x509check/*.c))
JUDGES_SRC := $(sort $(wildcard tests/chains/*.c))
ALL_SRC := $(LIB_SRC) $(if $(NO_FORK),,$(SYNC_SRC)) $(COMMON_SRC) $(TOOL_SRC) $(TA_SRC) $(EXAMPLE_SRC) $(MBEDTLS_SRC) $(QUECTEL_SRC) $(BELOW_SRC) $(BENCH_SRC) $(INTEROP_SRC) $(UNIT_SRC) $(SIM_SRC) $(MODEL_SRC) $(RUN_SRC) $(RESULTS_SRC) $(HELP_SRC) $(X509_SRC) $(JUDGES_SRC) $(FUZZ_SRC)

objects = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB := $(B)/libpopcl.a
COMMAND := $(if $(TOOL_SRC),$(B)/popcl)
TA := $(B)/popcl-ta
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(EXAMPLE_SRC))
BELOWS := $(patsubst tests/below/%.c,$(B)/below/%,$(BELOW_SRC))
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(BENCH_SRC))
INTEROPS := $(patsubst tests/interop/%.c,$(B)/interop/%,$(INTEROP_SRC))
UNITS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRC))
SIMS := $(patsubst tests/sim/%.c,$(B)/tests/sim/%,$(SIM_SRC))
MODEL := $(if $(MODEL_SRC),$(B)/tests/model/test_model)
RUNNER := $(if $(RUN_SRC),$(B)/tests/transcripts/run)
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(FUZZ_SRC))
X509S := $(patsubst tests/x509check/%.c,$(B)/%,$(X509_SRC))
TESTS := $(UNITS) $(SIMS) $(RUNNER)
# Judges of certificates besides popcl and BearSSL, as far as they are here.
JUDGES := $(B)/chains/judges $(if $(shell command -v go 2>/dev/null),$(B)/chains/judge_go)
JUDGES_CPPFLAGS := $(if $(wildcard /usr/include/openssl/x509v3.h),-DWITH_OPENSSL) $(if $(wildcard /usr/include/gnutls/x509.h),-DWITH_GNUTLS)

# ---- build ----

##@ For users
all: $(LIB) $(COMMAND) $(TA) $(EXAMPLES) ## build the library, popcl, popcl-ta and the examples (needs gcc and libbearssl-dev)

# Each function has a section of its own, so that a program links those it calls only.
POPCL_CFLAGS := -std=c99 -ffunction-sections -fdata-sections -Wall -Wextra -Wpedantic -Wconversion -Wshadow
# Messages over 2 GiB on 32-bit systems; the disk table of popcl_posix_store.h has off_t in it, so that programs need the same.
POPCL_CPPFLAGS := -D_FILE_OFFSET_BITS=64 -Iinclude -Iport/posix -Iport/mbedtls -Iport/quectel -Isrc/host -Isrc/tools/common $(BEARSSL_CPPFLAGS)
COMPILE = $(CC) $(POPCL_CFLAGS) $(POPCL_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) $(OWN_CFLAGS)
LINK = $(CC) $(CFLAGS) -Wl,--gc-sections $(LDFLAGS) -pthread
TEST_CPPFLAGS := -Iexamples/firmware -Isrc/core -Isrc/auth -Isrc/tools/popcl -Itests/unit -Itests/sim -Itests/transcripts

# Two files hold what no time stamp tells: the flags, and which sources there are. They change only when that changes.
ALL_FLAGS = $(COMPILE) $(TOOLS_CFLAGS) $(LDFLAGS) $(BEARSSL_LIBS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quoted,$(ALL_FLAGS)) | cmp -s - $@ || { $(call no_bearssl); printf '%s\n' $(call quoted,$(ALL_FLAGS)) > $@; }
$(B)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(ALL_SRC) | cmp -s - $@ || printf '%s\n' $(ALL_SRC) > $@

# A third: what is compiled in. Only the source that has it depends on it.
$(B)/bundle: FORCE
	@mkdir -p $(@D)
	@{ echo $(call quoted,$(CA_BUNDLE)); $(if $(CA_BUNDLE),cat $(call quoted,$(CA_BUNDLE)) | cksum;) } | cmp -s - $@ || \
	    { echo $(call quoted,$(CA_BUNDLE)); $(if $(CA_BUNDLE),cat $(call quoted,$(CA_BUNDLE)) | cksum;) } > $@

no_bearssl = command -v $(firstword $(CC)) >/dev/null || \
	{ echo "no C compiler $(firstword $(CC)): install gcc and libc6-dev, or run: make deps" >&2; exit 1; }; \
	echo '\#include <bearssl.h>' | $(COMPILE) -E -o /dev/null - 2>/dev/null || \
	{ echo "bearssl.h not found: install libbearssl-dev, or run: make deps, or give BEARSSL=dir (a BearSSL source tree)" >&2; exit 1; }

# Private, or $(B)/flags had it too whenever such an object is the first to need that file: then all would be compiled again.
$(B)/obj/src/tools/% $(B)/obj/src/host/%: private OWN_CFLAGS = $(TOOLS_CFLAGS)
$(B)/obj/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) $(if $(filter tests/%,$<),$(TEST_CPPFLAGS)) $(if $(filter tests/chains/%,$<),$(JUDGES_CPPFLAGS)) $(if $(filter $(BUNDLE_SRC),$<),$(COMPILED_TRUST_CPPFLAGS)) -MMD -MP -c -o $@ $<
$(call objects,$(BUNDLE_SRC)): $(B)/bundle
$(B)/compiled_trust.c: $(TA) $(B)/bundle
	$(call say,TA,$(call quoted,$(CA_BUNDLE)))
	$(Q)$(TA) gen -q --prefix popcl_compiled -o $@ $(call quoted,$(CA_BUNDLE))
$(B)/compiled_trust.o: $(B)/compiled_trust.c $(B)/flags
	$(call say,CC,$<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

# Members of one name from two folders are fine: q appends, r would replace.
define archive
$(call say,AR,$@)
@rm -f $@
$(Q)$(AR) qcs $@ $(filter %.o,$^)
endef

$(LIB): $(call objects,$(LIB_SRC)) $(B)/sources
	$(archive)
$(B)/tests/libtool.a: $(call objects,$(COMMON_SRC) $(filter-out %/main.c,$(TOOL_SRC))) $(B)/sources
	@mkdir -p $(@D)
	$(archive)
$(B)/tests/libhelp.a: $(call objects,$(HELP_SRC)) $(B)/sources
	@mkdir -p $(@D)
	$(archive)

define link
@mkdir -p $(@D)
$(call say,LD,$@)
$(Q)$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(if $(BEARSSL_C),,$(BEARSSL_LIBS)) $(1) $(LDLIBS)
endef

ifneq ($(BEARSSL_C),)
OWN_BEARSSL := $(BEARSSL_LIB)
BEARSSL_OBJ := $(patsubst $(BEARSSL)/src/%.c,$(B)/bearssl/%.o,$(BEARSSL_C))
$(B)/bearssl/%.o: $(BEARSSL)/src/%.c $(B)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) -w -I$(BEARSSL)/src -I$(BEARSSL)/inc $(CFLAGS) -c -o $@ $<
$(BEARSSL_LIB): $(BEARSSL_OBJ) $(B)/sources
	$(archive)
endif

$(B)/popcl: $(call objects,$(COMMON_SRC) $(TOOL_SRC)) $(COMPILED_TRUST:.c=.o) $(LIB) $(OWN_BEARSSL) $(B)/sources $(B)/bundle
	$(link)
$(TA): $(call objects,$(COMMON_SRC) $(TA_SRC)) $(LIB) $(OWN_BEARSSL) $(B)/sources
	$(link)
$(B)/examples/mbedtls: $(call objects,$(MBEDTLS_SRC))
$(B)/examples/modem: $(call objects,$(QUECTEL_SRC))
$(B)/examples/poll: $(call objects,examples/firmware/backoff.c)
$(EXAMPLES): $(B)/examples/%: $(B)/obj/examples/%.o $(LIB) $(OWN_BEARSSL)
	$(call link,$(if $(filter %/mbedtls,$@),-lmbedtls -lmbedx509 -lmbedcrypto))
$(filter %/mbedtls_limits %/mbedtls_mistakes,$(BELOWS)): $(call objects,$(MBEDTLS_SRC))
$(BELOWS): $(B)/below/%: $(B)/obj/tests/below/%.o $(LIB) $(OWN_BEARSSL)
	$(call link,$(if $(filter %/openssl,$@),-lssl -lcrypto,-lmbedtls -lmbedx509 -lmbedcrypto))
$(B)/chains/judges: $(call objects,$(JUDGES_SRC)) $(LIB) $(OWN_BEARSSL)
	$(call link,$(if $(filter -DWITH_OPENSSL,$(JUDGES_CPPFLAGS)),-lcrypto) $(if $(filter -DWITH_GNUTLS,$(JUDGES_CPPFLAGS)),-lgnutls))
$(B)/chains/judge_go: tests/chains/judge.go
	@mkdir -p $(@D)
	$(call say,GO,$@)
	$(Q)GO111MODULE=off GOFLAGS= GOCACHE=$(abspath $(B)/chains/go) go build -o $@ $<

# The shared library. Its objects are others, since a program for a device must not have their tables in RAM. It exports what public headers
# declare, and neither functions of popcl's own nor BearSSL's. Sizes of public structs change with settings, so it has the default ones.
SHARED_NAME := libpopcl-$(word 1,$(subst ., ,$(VERSION))).$(word 2,$(subst ., ,$(VERSION))).so
SHARED_LIB := $(B)/$(SHARED_NAME)
ifneq ($(or $(SHARED),$(filter shared,$(MAKECMDGOALS))),)
ifdef BEARSSL_OF_ARCHIVE
$(error a shared library has the system's BearSSL, not the one in this folder: install that (Debian: libbearssl-dev), and give BEARSSL= (empty) too)
endif
ifneq ($(or $(findstring POPCL_,$(CPPFLAGS) $(CFLAGS)),$(BEARSSL),$(NO_FORK)),)
$(error a shared library has the default settings and the system's BearSSL: give neither -DPOPCL_... nor BEARSSL nor NO_FORK)
endif
endif
shared: $(SHARED_LIB)
$(B)/pic/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,PIC,$<)
	$(Q)$(COMPILE) -fPIC -MMD -MP -c -o $@ $<
PIC_OBJ := $(patsubst %.c,$(B)/pic/%.o,$(LIB_SRC))
-include $(PIC_OBJ:.o=.d)
$(B)/exports: $(HEADERS)
	@mkdir -p $(@D)
	@{ echo '{ global:'; sed -n 's/.*POPCL_ABI(\(popcl_[a-z_]*\))$$/\1_text*;/p' $^; grep -oh '\bpopcl_[a-z0-9_]*' $^ | sort -u | sed 's/$$/;/'; \
	    echo 'local: *; };'; } > $@
$(SHARED_LIB): $(PIC_OBJ) $(B)/exports $(B)/sources
	$(call say,LD,$@)
	$(Q)$(LINK) -shared -Wl,-soname,$(SHARED_NAME) -Wl,--version-script=$(B)/exports -Wl,-z,defs -o $@ $(filter %.o,$^) -lbearssl $(LDLIBS)

$(X509S): $(B)/%: $(B)/obj/tests/x509check/%.o $(B)/tests/libtool.a $(LIB) $(OWN_BEARSSL)
	$(link)
$(FUZZERS): $(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(LIB) $(OWN_BEARSSL)
	$(call link,-fsanitize=fuzzer)
$(BENCHES): $(B)/bench/%: $(B)/obj/tests/bench/%.o $(LIB) $(OWN_BEARSSL)
	$(link)
$(INTEROPS): $(B)/interop/%: $(B)/obj/tests/interop/%.o $(LIB) $(OWN_BEARSSL)
	$(link)
$(UNITS) $(SIMS): $(call objects,$(RESULTS_SRC))
$(TESTS): $(B)/tests/%: $(B)/obj/tests/%.o $(B)/tests/libhelp.a $(B)/tests/libtool.a $(COMPILED_TRUST:.c=.o) $(LIB) $(OWN_BEARSSL)
	$(call link,-lcmocka)
$(MODEL): $(call objects,$(MODEL_SRC)) $(B)/tests/libhelp.a $(LIB) $(OWN_BEARSSL) $(B)/sources
	$(link)
# Tested in each build: the linker takes it, and leaves resolve.c in the library.
$(B)/tests/unit/test_resolve_sync: $(call objects,$(SYNC_SRC))
$(B)/tests/unit/test_quectel: $(call objects,$(QUECTEL_SRC))

-include $(patsubst %.o,%.d,$(call objects,$(ALL_SRC)) $(COMPILED_TRUST:.c=.o))

# ---- use ----

demo: ## fetch a sample mailbox from a throw-away Dovecot on this machine (installs what is missing)
	@sh tests/setup.sh build demo
	@$(MAKE) --no-print-directory $(parallel) all
	@POPCL=$(B)/popcl $(PYTHON) tests/interop/demo.py

run: ## SERVER=host [ARGS=...]: fetch your mail; reads ./auth, writes into ./out
	@test -n "$(SERVER)" || { echo "which server? make run SERVER=pop.example.org [ARGS='-T -n']" >&2; exit 64; }
	@test -e auth || { printf '%s\n' "no file auth here. Make one with two lines, and mode 600:" \
	    "  username = you" "  password = secret" >&2; exit 66; }
	@$(MAKE) --no-print-directory $(parallel) all
	$(B)/popcl $(SERVER) -a auth -o out $(ARGS)

install: install-lib install-tools ## [SHARED=1]: commands, library, headers, popcl.pc, manual pages, completions; below $(DESTDIR)$(PREFIX)

install-lib: $(LIB) $(if $(SHARED),$(SHARED_LIB)) ## the library, its headers, popcl.pc and its manual pages
	$(INSTALL) -d $(addprefix $(DESTDIR),$(LIBDIR)/pkgconfig $(INCLUDEDIR) $(MANDIR)/man3)
	$(INSTALL) -m 644 $(LIB) $(DESTDIR)$(LIBDIR)/
	$(if $(SHARED),$(INSTALL) -m 644 $(SHARED_LIB) $(DESTDIR)$(LIBDIR)/ && ln -sf $(SHARED_NAME) $(DESTDIR)$(LIBDIR)/libpopcl.so)
	$(INSTALL) -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/
	$(INSTALL) -m 644 $(wildcard docs/man/*.3) $(DESTDIR)$(MANDIR)/man3/
	$(if $(BEARSSL),$(INSTALL) -d $(DESTDIR)$(LIBDIR)/popcl $(DESTDIR)$(INCLUDEDIR)/popcl/bearssl && \
	    $(INSTALL) -m 644 $(BEARSSL_LIB) $(DESTDIR)$(LIBDIR)/popcl/ && \
	    $(INSTALL) -m 644 $(BEARSSL_INC)/*.h $(DESTDIR)$(INCLUDEDIR)/popcl/bearssl/)
	printf '%s\n' $(foreach line,$(PC_LINES),$(call quoted,$(strip $($(line))))) > $(DESTDIR)$(LIBDIR)/pkgconfig/popcl.pc
ifneq ($(BEARSSL),)
install-lib: $(BEARSSL_LIB)
endif

# popcl.pc. BearSSL has no pkg-config file, and a program needs it if popcl is an archive.
include packaging/project.mk
PC_LINES := $(addprefix PC_,PREFIX EXEC LIBDIR INCLUDEDIR EMPTY NAME DESCRIPTION URL LICENSE VERSION CFLAGS LIBS $(if $(SHARED),PRIVATE))
PC_BELOW = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
PC_BEARSSL := $(if $(BEARSSL),-L$${libdir}/popcl )
PC_REST := -lbearssl -pthread
PC_PREFIX := prefix=$(PREFIX)
PC_EXEC := exec_prefix=$${prefix}
PC_LIBDIR := libdir=$(call PC_BELOW,$(LIBDIR))
PC_INCLUDEDIR := includedir=$(call PC_BELOW,$(INCLUDEDIR))
PC_EMPTY :=
PC_NAME := Name: $(NAME)
PC_DESCRIPTION := Description: $(SUMMARY)
PC_URL := URL: $(URL)
PC_LICENSE := License: $(LICENSE)
PC_VERSION := Version: $(VERSION)
PC_CFLAGS := Cflags: -I$${includedir} $(if $(BEARSSL),-I$${includedir}/popcl/bearssl )-D_FILE_OFFSET_BITS=64 $(filter -DPOPCL_%,$(CPPFLAGS) $(CFLAGS))
PC_LIBS := Libs: $(PC_BEARSSL)-L$${libdir} -lpopcl $(if $(SHARED),,$(PC_REST))
PC_PRIVATE := Libs.private: $(PC_REST)

install-tools: command ## the commands popcl and popcl-ta, their manual pages, and popcl's completions
	$(INSTALL) -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS))
	$(INSTALL) -m 755 $(COMMAND) $(TA) $(DESTDIR)$(BINDIR)/
	$(INSTALL) -m 644 $(wildcard docs/man/*.1) $(DESTDIR)$(MANDIR)/man1/
	$(if $(shell $(COMMAND) --version 2>/dev/null),$(foreach to,$(COMPLETIONS),$(COMMAND) --completion $(firstword $(subst :, ,$(to))) \
	    > $(DESTDIR)$(lastword $(subst :, ,$(to))) && ) true,@echo "no completions: this machine cannot run $(COMMAND)")
COMPLETIONS = bash:$(BASH_COMPLETIONS)/popcl zsh:$(ZSH_COMPLETIONS)/_popcl fish:$(FISH_COMPLETIONS)/popcl.fish

uninstall: ## remove what install installed
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(notdir $(COMMAND) $(TA))) \
	    $(addprefix $(DESTDIR)$(LIBDIR)/,libpopcl.a libpopcl.so $(SHARED_NAME) pkgconfig/popcl.pc) \
	    $(addprefix $(DESTDIR)$(INCLUDEDIR)/,$(notdir $(HEADERS))) $(addprefix $(DESTDIR)$(MANDIR)/man1/,$(notdir $(wildcard docs/man/*.1))) \
	    $(addprefix $(DESTDIR)$(MANDIR)/man3/,$(notdir $(wildcard docs/man/*.3))) \
	    $(foreach to,$(COMPLETIONS),$(DESTDIR)$(lastword $(subst :, ,$(to))))
	rm -rf $(DESTDIR)$(LIBDIR)/popcl $(DESTDIR)$(INCLUDEDIR)/popcl

deps: ## install the packages that build, demo and check need, where they are missing
	@sh tests/setup.sh build demo firmware check

deps-sources: ## fetch what check fetches besides packages, so that it needs no network then: BearSSL, lwIP and four POP3 servers
	@sh tests/source.sh bearssl $(B)/arm && sh tests/source.sh lwip $(B)
	@for server in popa3d courier cyrus mailutils; do sh tests/packages.sh $$server $(B)/servers || exit 1; done

deps-adoption: ## install what check-adoption needs too
	@sh tests/setup.sh adoption

clean: ## remove what was built
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^##@ / { print (groups++ ? "\n" : "") substr($$0, 5) } /^[a-z][a-z0-9-]*:.*## / { printf "  %-18s  %s\n", $$1, $$2 }' \
	    Makefile packaging/packages.mk tests/figures.mk

##@ For users: on a device
firmware-demo: ## the mail of demo on a microcontroller: an image for a Cortex-M3 with 64 KB of RAM fetches it in QEMU (installs what is missing)
	@sh tests/setup.sh build demo firmware
	@$(MAKE) --no-print-directory $(parallel) all
	@B=$(B) $(PYTHON) tests/firmware/demo.py

FIRMWARE_IMAGES := BOARD=lm3s6965evb BOARD=lm3s6965evb-m0 BOARD=mps2-an385 BOARD=mps2-an505 $(if $(wildcard examples/firmware/main_task.c),NET=sockets)
firmware-images: $(TA) ## [ANCHORS=anchors.c] [SIGNERS=signers.c SCOPE=label] [WITH='PROFILE=small ...']: the images of examples/firmware, one a board, in build/firmware
	@mkdir -p $(B)/firmware
	@arm-none-eabi-gcc --specs=picolibc.specs -E -x c /dev/null >/dev/null 2>&1 || \
	    { echo "no ARM compiler with picolibc: install gcc-arm-none-eabi and picolibc-arm-none-eabi" >&2; exit 1; }
	@$(if $(ANCHORS),,$(TA) gen -q /etc/ssl/certs/ca-certificates.crt --org 'Internet Security Research Group' -o $(B)/firmware/anchors.c || \
	    { echo "no anchors: give ANCHORS=anchors.c, which popcl-ta writes" >&2; exit 1; })
	@bearssl=$$(sh tests/source.sh bearssl $(B)/arm) && lwip=$$(sh tests/source.sh lwip $(B)) || exit 1; for image in $(FIRMWARE_IMAGES); do \
	    $(MAKE) --no-print-directory $(parallel) -C examples/firmware $$image $(WITH) BEARSSL_SRC=$$bearssl LWIP_SRC=$$lwip \
	        $(if $(SIGNERS),SIGNERS=$(abspath $(SIGNERS)) SCOPE=$(call quoted,$(SCOPE))) \
	        ANCHORS=$(abspath $(or $(ANCHORS),$(B)/firmware/anchors.c)) OUT=$(abspath $(B)/firmware) || exit 1; done

built-port: $(LIB) $(OWN_BEARSSL)
	@$(if $(PORT),,for p in $(PORTS) port/TEMPLATE; do $(PORT_MAKE) PORT=$$p build || exit 1; done)
check-port: ## PORT=DIR [ARGS=CASE...]: whether your port keeps what popcl_net.h promises (docs/PORTING.md); without PORT all of popcl's own
ifdef PORT
	@$(PORT_MAKE) PORT=$(call quoted,$(PORT)) ARGS=$(call quoted,$(ARGS))
else
	@$(PYTHON) tests/check.py part port $(foreach p,$(PORTS),-- $(B)/port/$(subst /,_,$(p))/check -j) -- $(B)/port/posix/check -j --faults include/popcl_net.h
endif
# Those in tests/port, and each in port/ that brings its own under_test.c.
PORTS := $(sort $(filter-out $(if $(and $(MBEDTLS),$(OPENSSL)),,mbedtls zephyr-tls esp-tls),$(patsubst tests/port/%/,%,$(dir $(wildcard tests/port/*/port.c tests/port/*/port.mk))))) \
    $(patsubst %/,%,$(dir $(filter-out port/TEMPLATE/%,$(wildcard port/*/under_test.c))))
PORT_MAKE = $(MAKE) --no-print-directory -f tests/port/Makefile -s $(foreach v,B Q CC LIB CFLAGS CPPFLAGS LDFLAGS POPCL_CFLAGS POPCL_CPPFLAGS BEARSSL_LIBS,$(v)=$(call quoted,$($(v))))

# ---- checks ----

# A check that is asked for by name says in one line what it lacks: tests/setup.sh has the table.
ASKED := $(patsubst built-%,check-%,$(filter check-% built-%,$(MAKECMDGOALS)))
LACKS := $(if $(ASKED),$(shell CC=$(call quoted,$(CC)) BEARSSL=$(call quoted,$(BEARSSL)) sh tests/setup.sh --look $(ASKED)))
$(if $(LACKS),$(error $(ASKED): $(LACKS)))

# The parts of `check`, which run two at a time. The long ones come first, so that both processors are busy to the end. Between firmware and
# interop are two parts that only compute: boards and servers at the same time would wait for each other's turns.
PARTS := firmware sanitize valgrind interop lint figures lwip fuzz sim model window firmware-tls port arm transcripts unit readme x509 chains harness bench settings docs manual layers
FAST := quick unit format layers docs harness
# A part is two goals: built-X builds what X runs, and check-X runs it. tests/check.py makes them one after the other, with one built-X at a time:
# two builds of one folder would break each other. BUILT=1 is for check-X after that, and builds nothing.
BUILT :=
ifneq ($(BUILT),1)
$(addprefix check-,$(sort $(PARTS) $(FAST))): check-%: built-%
endif
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=full --child-silent-after-fork=yes
# Without the program whose timers and signals valgrind delays, and the one that checks 10,000 signatures (the sanitizers see it).
VALGRIND_UNITS = $(filter-out %/test_posix_net %/test_guard,$(UNITS))
VALGRIND_TRANSCRIPTS := $(filter %/retr.txt %/login.txt %/sink.txt %/stls.txt,$(TRANSCRIPTS))
SANITIZE := -O2 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZED = B=$(B)/fuzz CC=clang CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
SANITIZED = B=$(B)/san CFLAGS='$(SANITIZE)'

##@ For maintainers: checks
check: ## every check below (installs what is missing); its last line is the sum
	@sh tests/setup.sh build demo firmware check
	@$(MAKE) --no-print-directory -k $(parallel) all tests benches built-sanitize || echo "some did not build: their parts will say so"
	@$(PYTHON) tests/check.py all $(THIS_MAKE) $(PARTS)
check-fast: ## for daily work, under 90 seconds: the quick transcripts, units, format, layers, docs, harness
	@$(MAKE) --no-print-directory -k $(parallel) all tests || echo "some did not build: their parts will say so"
	@$(PYTHON) tests/check.py all $(THIS_MAKE) $(FAST)

tests: $(TESTS) $(MODEL) $(X509S) $(JUDGES) $(BELOWS) $(INTEROPS)
benches: $(BENCHES)
command: $(COMMAND) $(TA)

built-unit: $(UNITS)
check-unit: ## the unit tests
	@$(PYTHON) tests/check.py part unit $(UNITS) -- $(PYTHON) tests/unit/saslprep.py $(B)/tests/unit/test_saslprep
built-transcripts: $(RUNNER)
check-transcripts: ## the transcripts: whole, octet by octet, at every split
	@$(PYTHON) tests/check.py part transcripts -- $(RUNNER) $(TRANSCRIPTS)
built-quick: $(RUNNER)
check-quick: ## the transcripts without cuts of TLS records
	@$(PYTHON) tests/check.py part quick -- $(RUNNER) -q $(TRANSCRIPTS)
built-sim: $(SIMS)
check-sim: ## sessions over a simulated network, disk and clock that fail everywhere
	@$(PYTHON) tests/check.py part sim $(SIMS)
built-model: $(MODEL)
check-model: ## ten seconds of sessions against a model that is written from the RFCs, and faults planted for it to find
	@BEARSSL_LIBS=$(call quoted,$(if $(BEARSSL_C),,$(BEARSSL_LIBS))) $(PYTHON) tests/check.py part model -- $(MODEL) 10 \
	    -- $(PYTHON) tests/model/planted.py $(B) $(call quoted,$(COMPILE))
built-x509: $(X509S)
check-x509: ## chains of certificates, made here, each with the verdict that it must get
	@X509CHECK=$(B)/x509check $(PYTHON) tests/check.py part x509 -- $(PYTHON) tests/x509check/run.py
built-chains: $(JUDGES)
check-chains: ## [SEED=n]: chains of certificates at random: what popcl, BearSSL, OpenSSL, GnuTLS and Go say, and a reason for each difference
	@B=$(B) $(PYTHON) tests/check.py part chains -- $(PYTHON) tests/chains/run.py --seed $(or $(SEED),1) \
	    -- $(PYTHON) tests/chains/shapes.py -- $(PYTHON) tests/chains/orders.py
plant-chains: $(JUDGES) ## faults in popcl's validator, one at a time, that the chains of check-chains must find (4 minutes)
	@B=$(B) BEARSSL_LIBS=$(call quoted,$(if $(BEARSSL_C),$(BEARSSL_LIB),$(BEARSSL_LIBS))) $(PYTHON) tests/check.py part plant-chains --seconds 1200 \
	    -- $(PYTHON) tests/chains/planted.py $(B) $(call quoted,$(COMPILE))
built-interop: command benches $(INTEROPS) $(BELOWS) $(EXAMPLES)
check-interop: ## the command against real and hostile servers on loopback
	@POPCL=$(B)/popcl $(PYTHON) tests/check.py part interop --seconds 1200 -- $(PYTHON) tests/interop/run.py
built-firmware: command
check-firmware: ## images of examples/firmware on four boards in QEMU, against Dovecot, hostile servers and a bad network
	@B=$(B) POPCL=$(B)/popcl $(PYTHON) tests/check.py part firmware --seconds 1200 -- $(PYTHON) tests/firmware/run.py
built-sanitize:
	@$(MAKE) --no-print-directory $(SANITIZED) sanitized
sanitized: command tests $(B)/examples/token
check-sanitize: ## units, transcripts, sim and hostile servers under ASan and UBSan
	@$(MAKE) --no-print-directory $(SANITIZED) run-sanitized
run-sanitized:
	@POPCL=$(B)/popcl X509CHECK=$(B)/x509check $(PYTHON) tests/check.py part sanitize --seconds 1200 $(UNITS) $(SIMS) \
	    -- $(MODEL) 10 -- $(RUNNER) -q $(TRANSCRIPTS) -- env STRIDE=5 $(PYTHON) tests/interop/run.py test_hostile test_stls test_certificates test_mechanisms.OverDovecot test_ta.Judged test_ta.Output test_info test_ta_server \
	    -- $(PYTHON) tests/x509check/run.py
built-valgrind: tests
check-valgrind: ## unit tests, transcripts and the limits of TLS under valgrind
	@STRIDE=7 $(PYTHON) tests/check.py part valgrind --wrap '$(VALGRIND)' $(VALGRIND_UNITS) $(B)/tests/sim/test_tls \
	    -- $(RUNNER) -q $(VALGRIND_TRANSCRIPTS)
built-fuzz:
	@$(MAKE) --no-print-directory $(parallel) $(FUZZED) fuzzers
check-fuzz: ## each fuzzer for a quarter of a minute (needs clang)
	@$(MAKE) --no-print-directory $(FUZZED) run-fuzzers
fuzzers: $(FUZZERS)
run-fuzzers:
	@$(PYTHON) tests/check.py part fuzz -- $(PYTHON) tests/fuzz/run.py 15 $(FUZZERS)
# Those of sim that take their window from the environment; the others choose windows of their own.
WIDE := $(filter-out $(patsubst %,$(B)/tests/sim/test_%,calls contracts drivers shift suites window),$(SIMS))
built-window: tests
check-window: ## transcripts and sim with 2, 8 and 256 commands in flight, and with a server that allows it
	@WINDOW=8 $(PYTHON) tests/check.py part window $(WIDE) $(foreach w,2 256,$(foreach t,$(WIDE),-- env WINDOW=$w $t)) \
	    -- $(RUNNER) -w $(TRANSCRIPTS)
# lwIP, the ports over it and their programs, in build/san/lwip: LWIP_SRC=dir, or fetched.
lwip-programs:
	@lwip=$$(sh tests/source.sh lwip $(B)) && $(MAKE) --no-print-directory $(parallel) $(SANITIZED) LWIP="$$lwip" build-lwip
built-lwip: lwip-programs
check-lwip: ## the ports over lwIP, lwIP built for this machine: in simulated time, and on a TAP device (root)
	@$(PYTHON) tests/check.py part lwip $(B)/san/lwip/raw/test_eth $(B)/san/lwip/raw/test_raw $(B)/san/lwip/raw6/test_raw \
	    $(B)/san/lwip/raw/test_flight $(B)/san/lwip/board/test_flight \
	    $(B)/san/lwip/sockets/test_sockets $(B)/san/lwip/sockets6/test_sockets -- $(PYTHON) tests/lwip/test_tap.py $(B)/san/lwip
build-lwip: $(LIB) $(B)/tests/libhelp.a $(OWN_BEARSSL)
	@$(MAKE) --no-print-directory -f tests/lwip/lwip.mk B=$(B) LWIP="$(LWIP)" COMPILE=$(call quoted,$(COMPILE)) TESTS=$(call quoted,$(TEST_CPPFLAGS)) \
	    LINK=$(call quoted,$(LINK)) LIBS=$(call quoted,$(B)/tests/libhelp.a $(LIB) $(OWN_BEARSSL) $(BEARSSL_LIBS))
built-bench: benches command
check-bench: ## a short `bench` that fails only when popcl is grossly slow (without curl: counts octets and round trips only)
	@$(PYTHON) tests/check.py part bench -- $(PYTHON) tests/bench/bench.py $(B)/bench --check
check-lint: ## [FILES='a.c b.h']: warnings of gcc and clang as errors, clang-tidy, cppcheck, and what check-format looks at
	@$(LINT) $(FILES)
check-format: ## .clang-format holds for every source, and each names its licence; each TLS profile has a number of its own
	@$(LINT) format
LINT = B=$(B) POPCL_CPPFLAGS=$(call quoted,$(POPCL_CPPFLAGS) $(CPPFLAGS)) TEST_CPPFLAGS=$(call quoted,$(TEST_CPPFLAGS)) $(PYTHON) tests/lint.py
check-layers: ## an include points downward, the core includes no system, and popcl.cmake has every source
	@$(PYTHON) tests/layers.py
built-settings: $(OWN_BEARSSL)
check-settings: ## settings at compile time: in a header of their own, and not the same in library and program
	@POPCL_CPPFLAGS=$(call quoted,$(POPCL_CPPFLAGS)) BEARSSL_LIBS=$(call quoted,$(BEARSSL_LIBS)) $(PYTHON) tests/settings.py
check-docs: ## docs/ERRORS.md, the tables of rules and the pictures are up to date with headers, tables and tests; each block of a document has its test; the language is plain
	@$(PYTHON) tests/docs.py
built-manual: $(COMMAND) $(TA)
check-manual: ## the manual pages have each option and each public function; mandoc finds nothing in them
	@B=$(B) $(PYTHON) tests/manual.py
built-readme: all tests
check-readme: ## the blocks of the documents work as they stand there: run, compiled, compared
	@POPCL=$(B)/popcl $(PYTHON) tests/readme.py
check-adoption: command ## popcl in other build systems and packages, and on a bare root: not part of `check` (needs cmake, meson and more: it names what is missing)
	@B=$(B) $(PYTHON) tests/check.py part adoption --seconds 10800 -- $(PYTHON) tests/adoption/run.py -- $(PYTHON) tests/adoption/bare_root.py unit layers docs
check-bare-root: ## [PARTS='unit docs']: a bare root of Debian 12: clone, demo, check, install, and a program by each way in (an hour; root)
	@B=$(B) $(PYTHON) tests/adoption/bare_root.py $(if $(filter command,$(origin PARTS)),$(PARTS))
check-harness: ## what the checks are run with: a test that breaks off fails, a missing package is named
	@$(PYTHON) tests/test_check.py

##@ For maintainers: documents and measurements
update-sources: ## write popcl.cmake, the list of sources for other build systems
	@$(PYTHON) packaging/sources.py --write
update-bearssl: ## write packaging/bearssl.files, the files of BearSSL that popcl links
	@bearssl=$$(sh tests/source.sh bearssl $(B)/arm) && $(PYTHON) packaging/bearssl.py "$$bearssl" $(B)/linked --write
DIST ?= $(B)/dist
dist: ## [DIST=dir]: the archives of a release in build/dist: popcl-X.Y.Z.tar.gz, and the same with the files of BearSSL that it links
	@bearssl=$$(sh tests/source.sh bearssl $(B)/arm) && $(PYTHON) packaging/dist.py $(DIST) "$$bearssl"
update-docs: ## write docs/ERRORS.md, the tables of rules, figures that are in sentences, and pictures
	@$(PYTHON) tests/docs.py --write
update-readme: all ## run the command, and write its sessions into README.md
	@POPCL=$(B)/popcl $(PYTHON) tests/interop/session.py --write

fuzz-chains: $(JUDGES) ## [SECONDS=n SEED=n JOBS=n]: the same with new chains, an hour; failures are kept in build/chains/failed
	@B=$(B) $(PYTHON) tests/chains/run.py --fuzz $(or $(SECONDS),3600) --jobs $(JOBS) --seed $(or $(SEED),$$(date +%s))
fuzz: ## SECONDS=n: each fuzzer for so long (600), going on where the last run ended: build/fuzz/found
	@$(MAKE) --no-print-directory $(parallel) $(FUZZED) fuzzers
	@$(PYTHON) tests/fuzz/run.py $(or $(SECONDS),600) --keep $(B)/fuzz/found $(patsubst $(B)/%,$(B)/fuzz/%,$(FUZZERS))

bench: ## [ARGS='--only small,trips']: popcl beside mpop, curl, fetchmail and getmail; also in build/bench.json (installs them; 20 minutes)
	@$(BENCH)
bench-quick: ## the same in under 3 minutes: less mail, fewer rounds, no slow peers
	@$(BENCH) --quick
update-bench: ## run bench; write the tables of docs/PERFORMANCE.md, and docs/performance.svg
	@$(BENCH) --write
BENCH = sh tests/setup.sh build bench && $(MAKE) --no-print-directory $(parallel) command benches && \
    $(PYTHON) tests/bench/bench.py $(B)/bench $(ARGS)

cov: ## lines and branches that unit, transcripts, sim and x509 reach, by file; fails if src/tls has too few (20 minutes)
	@$(MAKE) --no-print-directory $(parallel) B=$(B)/cov CFLAGS='-O0 -g --coverage' run-cov
run-cov: tests
	@find $(B) -name '*.gcda' -delete
	@X509CHECK=$(B)/x509check $(PYTHON) tests/check.py part cov --seconds 1500 $(UNITS) $(SIMS) -- $(RUNNER) -q $(TRANSCRIPTS) \
	    -- $(PYTHON) tests/x509check/run.py; failed=$$?; $(PYTHON) tests/cov.py $(B) && exit $$failed

include tests/figures.mk
include packaging/packages.mk

.PHONY: FORCE all command demo firmware-demo firmware-images run shared install install-lib install-tools uninstall deps deps-sources deps-adoption clean help check check-fast check-quick check-format check-adoption check-bare-root \
    $(addprefix check-,$(PARTS)) $(addprefix built-,$(sort $(PARTS) $(FAST))) tests benches sanitized lwip-programs build-lwip fuzzers run-fuzzers run-sanitized run-cov \
    update-sources update-bearssl dist update-docs update-readme update-bench fuzz fuzz-chains plant-chains bench bench-quick cov
