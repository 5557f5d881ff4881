# SPDX-License-Identifier: GPL-2.0-only
# Every entry point; `make help` lists them. Rules stand once, at the end.

VERSION	:= 0.1.0
B	:= build
ARCH	?= $(patsubst aarch64,arm64,$(shell uname -m))
BPFARCH	:= $(patsubst x86_64,x86,$(ARCH))

CC	?= cc
CLANG	?= clang
BPFTOOL	?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PREFIX	?= /usr/local
MANDIR	?= $(PREFIX)/share/man/man1
BASHDIR	?= $(PREFIX)/share/bash-completion/completions
ZSHDIR	?= $(PREFIX)/share/zsh/site-functions
FISHDIR	?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR	?= $(PREFIX)/lib/systemd/system
V	?= 0
Q	:= $(if $(filter 1,$V),,@)
say	= $(if $(filter 1,$V),,@printf '  %-8s %s\n' $(1) $(2);)

CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Werror
CPPFLAGS += -D_GNU_SOURCE -DZEROSCOPE_VERSION='"$(VERSION)"' -I$B/bpf -Ibpf
USER_CFLAGS := -std=gnu11 $(WARN) -pthread -ffile-prefix-map=$(CURDIR)=.
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-declarations -D__TARGET_ARCH_$(BPFARCH) -Ivmlinux-btf/$(ARCH) -Ibpf \
	-ffile-prefix-map=$(CURDIR)=.
LIBS	:= -lbpf -lelf -lz -lncursesw -ltinfo -lm
# Of `serve` alone. Debian has no static form of all that TLS needs: the static tool does without.
SERVE_LIBS := -lmicrohttpd -lgnutls -lyaml -lcrypt -lcap -lseccomp
STATIC_LIBS := $(LIBS) $(shell pkg-config --static --libs libelf 2>/dev/null)
# gcc loses the ranges of values where it instrumented them, and then warns of what cannot be.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
	-Wno-format-truncation

SRC	:= $(wildcard user/*.c)
OBJ	:= $(SRC:user/%.c=$B/user/%.o)
# Nor does it look up hosts, which glibc cannot do without its shared libraries.
STATIC_OBJ := $(filter-out $B/user/serve_%.o $B/user/cmd_serve.o $B/user/fetch.o \
	$B/user/live_connect.o,$(OBJ))
ASAN_OBJ := $(filter-out $B/asan/main.o,$(SRC:user/%.c=$B/asan/%.o))
UNIT	:= $(patsubst tests/unit/%.c,$B/tests/unit/%,$(wildcard tests/unit/test_*.c))
GUEST	:= $(patsubst tests/vm/guest/%.c,$B/tests/guest/%,$(wildcard tests/vm/guest/*.c))
BENCH	:= $B/tests/guest/empty
# The object is compiled three times: see compat__session_is_return() in bpf/compat.bpf.h.
SKEL	:= $(addprefix $B/bpf/,zeroscope.skel.h zeroscope_void.skel.h zeroscope_nobtf.skel.h)

.PHONY: all
all: $B/zeroscope $B/zeroscope-static	## build the tool, and a static one for VMs, containers and other hosts

.PHONY: run
run: packages-run all			## measure this machine; where the kernel refuses, a VM
	$Qtests/vm/demo --here-if-possible

.PHONY: demo
demo: packages-run all			## measure a workload in a VM that boots debian-6.12
	$Qtests/vm/demo

.PHONY: test
test: packages-test all $(UNIT) $(GUEST)		## unit tests, and the tests on real kernels in VMs
	$Qtests/run

.PHONY: unit
unit: $(UNIT)				## the unit tests alone
	$Qtests/run unit

.PHONY: soak
soak: packages-test all $(UNIT) $(GUEST)	## diff's statistics 20 times, a kernel against itself, long ledger, 10 million clears (hours)
	$QZEROSCOPE_TRIALS=20000 $B/tests/unit/test_stats
	$QZEROSCOPE_TRIALS=20000 $B/tests/unit/test_diff
	$Qtests/soak/same-kernel
	$Qtests/soak/case ledger debian-6.1 LEDGER_REPETITIONS=1000
	$Qtests/soak/case ledger debian-6.12 LEDGER_REPETITIONS=1000
	$Qtests/soak/case gaps debian-6.12 GAPS_FAULTS=125000 GAPS_ROUNDS=8
	$Qtests/soak/case gaps debian-7 GAPS_FAULTS=125000 GAPS_ROUNDS=8
	$Qtests/soak/case gaps-long debian-6.12
	$Qtests/soak/case gaps-long debian-7
	$Qtests/soak/case ledger debian-7 LEDGER_REPETITIONS=1000

.PHONY: bench
bench: packages-bench all $(GUEST) $(BENCH)	## what looking costs, in instructions, beside other tools; the exporter beside node_exporter (an hour)
	$Qtests/bench/run
	$Qtests/bench/serve

.PHONY: fleet
fleet: packages-bench all		## what a hundred hosts cost the Prometheus that scrapes them (two minutes)
	$Qtests/bench/fleet

.PHONY: check
check: packages-check $(SKEL)		## formatting, clang-tidy, cppcheck, shellcheck
	$Qtests/check

.PHONY: relocations
relocations: $B/bpf/zeroscope.bpf.o $B/bpf/zeroscope_void.bpf.o	## every CO-RE relocation against the BTF of every kernel of the matrix
	$Qtests/host/core-relocations.sh

.PHONY: kernel
kernel: packages-kernel			## Linux 6.12 with kernel-patch/, and without: tests/vm/vm --kernel patched
	$Qkernel-patch/build

.PHONY: kernel-test
kernel-test: packages-test all		## the part of make test about kernel-patch/: apply, suite, mutants, build, boot, contents
	$Qtests/run host/kernel

.PHONY: kernel-matrix
kernel-matrix: packages-matrix kernel all	## every proof of kernel-patch/: other architectures, each patch; hours
	$Qkernel-patch/matrix

.PHONY: packages-run packages-test packages-check packages-build packages-kernel packages-matrix packages-deb packages-bench
packages-run packages-test packages-check packages-build packages-kernel packages-matrix packages-deb packages-bench:
	$Qpackaging/packages $(@:packages-%=%)

.PHONY: docs
docs: $B/docs/stamp			## manual pages and shell completions, from the table of options

.PHONY: install
install: $B/zeroscope $B/docs/stamp	## install to DESTDIR/PREFIX
	install -D -m 0755 $B/zeroscope $(DESTDIR)$(PREFIX)/bin/zeroscope
	install -d $(DESTDIR)$(MANDIR)
	install -m 0644 $B/docs/*.1 $(DESTDIR)$(MANDIR)
	install -D -m 0644 $B/docs/bash $(DESTDIR)$(BASHDIR)/zeroscope
	install -D -m 0644 $B/docs/zsh $(DESTDIR)$(ZSHDIR)/_zeroscope
	install -D -m 0644 $B/docs/fish $(DESTDIR)$(FISHDIR)/zeroscope.fish
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/bin/zeroscope|$(PREFIX)/bin/zeroscope|' packaging/systemd/zeroscope.service \
		>$(DESTDIR)$(UNITDIR)/zeroscope.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/zeroscope.service
	install -m 0644 packaging/systemd/zeroscope.socket $(DESTDIR)$(UNITDIR)

.PHONY: deb
deb: packages-deb			## build the Debian package into build/deb
	$Qpackaging/deb build

.PHONY: test-deb
test-deb: packages-deb			## build it, lintian, and install, run and remove it in a debootstrap
	$Qpackaging/deb test

.PHONY: test-systemd
test-systemd: packages-run deb		## boot a Debian with the package in a VM, and use its units there
	$Qtests/soak/systemd

.PHONY: clean
clean:					## remove what was built (downloads stay in the cache)
	rm -rf $B

.PHONY: help
help:					## this list
	@awk -F '## ' '/^[a-z-]+:.*## / { split($$1, t, ":"); printf "  %-14s %s\n", t[1], $$2 }' $(MAKEFILE_LIST)

# Rules. -MMD -MP for both compilers: editing any header rebuilds what includes it.

$B/bpf/zeroscope_void.bpf.o: BPF_CFLAGS += -DSESSION_KFUNCS_TAKE_NOTHING
$B/bpf/zeroscope_nobtf.bpf.o: BPF_CFLAGS += -DNO_SESSION_KFUNCS
$B/bpf/%.bpf.o: bpf/zeroscope.bpf.c $(MAKEFILE_LIST) | packages-build $B/bpf
	$(call say,BPF,$@)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MF $(@:.o=.d) -MT $@ -c $< -o $@

$B/bpf/%.skel.h: $B/bpf/%.bpf.o
	$(call say,SKEL,$@)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

$B/user/%.o: user/%.c $(MAKEFILE_LIST) | $(SKEL) $B/user
	$(call say,CC,$@)$(CC) $(CPPFLAGS) $(CFLAGS) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$B/asan/%.o: user/%.c $(MAKEFILE_LIST) | $(SKEL) $B/asan
	$(call say,CC,$@)$(CC) $(CPPFLAGS) -O1 -g $(USER_CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

$B/zeroscope: $(OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $^ $(LIBS) $(SERVE_LIBS) -o $@

$B/zeroscope-static: $(STATIC_OBJ)
	$(call say,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -static -pthread $^ $(STATIC_LIBS) -o $@

# A page for each command that the table knows; a new one needs nothing here.
$B/docs/stamp: $B/zeroscope | $B/docs
	$(call say,DOCS,$(@D))rm -f $(@D)/* && $< __docs man >$(@D)/zeroscope.1 && \
		for c in $$($< __docs list); do $< __docs man $$c >$(@D)/zeroscope-$$c.1 || exit; done && \
		for s in bash zsh fish; do $< __docs completion $$s >$(@D)/$$s || exit; done && \
		touch $@

$B/tests/unit/%: tests/unit/%.c $(ASAN_OBJ) $(MAKEFILE_LIST) | $B/tests/unit
	$(call say,TEST,$@)$(CC) $(CPPFLAGS) -Iuser -O1 -g $(USER_CFLAGS) $(SANITIZE) -MMD -MP \
		-MF $@.d $< $(ASAN_OBJ) -lcmocka $(LIBS) $(SERVE_LIBS) -o $@

# Programs that tests run in a guest, which has no libraries of its own.
$B/tests/guest/%: tests/vm/guest/%.c $(MAKEFILE_LIST) | $B/tests/guest
	$(call say,TEST,$@)$(CC) $(CFLAGS) $(USER_CFLAGS) -D_GNU_SOURCE -static $< -o $@

$B/tests/guest/empty: tests/bench/empty.c $(MAKEFILE_LIST) | $B/tests/guest
	$(call say,TEST,$@)$(CC) $(CFLAGS) $(USER_CFLAGS) -static $< $(STATIC_LIBS) -o $@

$B/bpf $B/user $B/asan $B/docs $B/tests/unit $B/tests/guest:
	@mkdir -p $@

.DELETE_ON_ERROR:
.SECONDARY:
-include $(wildcard $B/*/*.d $B/tests/unit/*.d)
