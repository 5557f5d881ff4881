#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# The Makefile: what depends on what, its help, and that a build asks the running kernel nothing.
# Works on a copy of the built tree, so that times can be changed; only prints what make would do.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$TOP/tests/lib/tap.sh"

WORK=$(mktemp -d "${TMPDIR:-/tmp}/zeroscope-build-XXXXXX")
trap 'rm -rf "$WORK"' EXIT
TREE=$WORK/tree
# Left to make's own: flags of the make that runs this test.
unset MAKEFLAGS MFLAGS MAKELEVEL

would_do() {
	make -C "$TREE" -n "$@" 2>&1
}

# touched FILE: what a build does after FILE was edited
touched() {
	touch "$TREE/$1"
	would_do all
	# Back to a time before everything that was built.
	touch -d '2000-01-01' "$TREE/$1"
}

copy_tree() {
	mkdir "$TREE"
	cp -a "$TOP/Makefile" "$TOP/bpf" "$TOP/user" "$TOP/vmlinux-btf" "$TOP/packaging" "$TREE/"
	mkdir "$TREE/tests" "$TREE/build"
	cp -a "$TOP/build/bpf" "$TOP/build/user" "$TOP/build/zeroscope" "$TOP/build/zeroscope-static" \
		"$TREE/build/" 2>/dev/null
	# Whatever was edited since the last build counts as built: what is asked is who depends on whom.
	find "$TREE/bpf" "$TREE/user" "$TREE/vmlinux-btf" "$TREE/Makefile" "$TREE/packaging" -type f \
		-exec touch -d '2000-01-01' {} +
	find "$TREE/build" -name '*.bpf.o' -exec touch -d '2001-01-01' {} +
	find "$TREE/build" -name '*.skel.h' -exec touch -d '2002-01-01' {} +
	find "$TREE/build/user" -name '*.o' -exec touch -d '2003-01-01' {} +
	touch -d '2004-01-01' "$TREE/build/zeroscope" "$TREE/build/zeroscope-static"
}

# compiles OUTPUT SOURCE: is SOURCE given to a compiler in this output of make?
compiles() {
	# No pipe: grep closes it at the first match, and the writer's end would be the status.
	grep -qE -- " -c ([^ ]*/)?$2( |\$)" <<<"$1"
}

# lacks PATTERN FILE
lacks() {
	! grep -qE -- "$1" "$2"
}

if [[ ! -e $TOP/build/zeroscope || ! -e $TOP/build/zeroscope-static ]]; then
	not_ok "the tree is built" "build/zeroscope or build/zeroscope-static is missing; run make"
	finished
	exit 0
fi
copy_tree

# A program is compiled or linked with -o; what remains of a finished build is asking for packages.
again=$(would_do all)
check "a finished build leaves nothing to do" lacks ' -o ' <(echo "$again")

shared=$(touched bpf/zeroscope.h)
check "the header both sides share: the BPF object is rebuilt" compiles "$shared" bpf/zeroscope.bpf.c
check "the header both sides share: user space is rebuilt" compiles "$shared" user/collector.c
check "the header both sides share: the tool is linked" grep -q 'build/zeroscope-static' <<<"$shared"

kernel_side=$(touched bpf/hist.bpf.h)
check "a header of the kernel side: the BPF object is rebuilt" \
	compiles "$kernel_side" bpf/zeroscope.bpf.c
types=$(touched "vmlinux-btf/$(uname -m | sed 's/aarch64/arm64/')/vmlinux.h")
check "the kernel's types: the BPF object is rebuilt" compiles "$types" bpf/zeroscope.bpf.c
user_side=$(touched user/hist.h)
check "a header of user space: user space is rebuilt" compiles "$user_side" user/hist.c
check "a header of user space: no more than that" \
	lacks 'zeroscope\.bpf\.c' <(echo "$user_side")

help=$(make -C "$TREE" --no-print-directory help)
targets=$(sed -n 's/^\.PHONY: *//p' "$TREE/Makefile" | tr ' ' '\n' | grep -v '^packages-' | sort -u)
missing=
for target in $targets; do
	grep -qE "^ +$target +[^ ]" <<<"$help" || missing+=" $target"
done
expect_eq "make help tells of every target" "$missing" ""
check "make help has something to tell" test "$(wc -l <<<"$targets")" -ge 8

# Only the compiler and the generator could look there; both are watched at work.
if ! command -v strace >/dev/null; then
	skip "a build does not read the running kernel's types" "strace is not installed"
elif ! strace -f -o /dev/null true 2>/dev/null; then
	skip "a build does not read the running kernel's types" "strace is not allowed here"
else
	touch "$TREE/bpf/zeroscope.bpf.c"
	check "the BPF object is built under strace" \
		strace -f -e trace=open,openat,openat2 -o "$WORK/opened" \
		make -C "$TREE" build/bpf/zeroscope.skel.h
	check "the build was watched" grep -q 'vmlinux-btf/.*vmlinux\.h' "$WORK/opened"
	check "a build does not read the running kernel's types" \
		lacks '/sys/kernel/btf|/boot/|/lib/modules/' "$WORK/opened"
fi
finished
