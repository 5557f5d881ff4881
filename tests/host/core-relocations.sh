#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# Every CO-RE relocation of every program against the BTF of every kernel of the matrix, without
# booting any; the check itself against libbpf; and the headers that the programs are built with.
#
# usage: core-relocations.sh [KERNEL-NAME...]     names as tests/vm/vm knows them
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

helpers=$top/tests/host/relocations
tools=$top/vmlinux-btf
vm=$top/tests/vm/vm
clang=${CLANG:-clang}
matrix=(debian-6.1 debian-6.12 debian-7 debian-6.12-arm64 debian-6.12-arm64-16k)
whole=${#matrix[@]}
(($# == 0)) || matrix=("$@")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# succeeds WHAT COMMAND...: its output goes to the log, its last line is the reason of a failure
succeeds() {
	local what=$1

	shift
	if "$@" >"$work/out" 2>&1; then
		ok "$what"
	else
		failed=1
		cat "$work/out"
		not_ok "$what" "$(grep -m 1 BROKEN "$work/out" || tail -n 1 "$work/out")"
	fi
}

# fails_saying WHAT PATTERN COMMAND...: exit status 1 and a line that matches
fails_saying() {
	local what=$1 pattern=$2 status=0

	shift 2
	"$@" >"$work/out" 2>&1 || status=$?
	if ((status == 1)) && grep -qE "$pattern" "$work/out"; then
		ok "$what"
	else
		failed=1
		cat "$work/out"
		not_ok "$what" "exit status $status, expected 1 and a line that matches $pattern"
	fi
}

# compile ARCH SOURCE OUT [FLAG...]
compile() {
	local arch=$1 source=$2 out=$3

	shift 3
	"$clang" -g -O2 -target bpf -mcpu=v3 "-D__TARGET_ARCH_${arch/x86_64/x86}" \
		-Wno-unused-parameter -Wno-missing-declarations "$@" "-I$tools/$arch" \
		-I"$top/bpf" -c "$source" -o "$out"
}

kernel_arch() {
	case $1 in
	*-arm64*) echo arm64 ;;
	*) echo x86_64 ;;
	esac
}

# The BTF file of each kernel of the matrix that can be had.
declare -A btf=()
find_kernels() {
	local name directory

	for name in "${matrix[@]}"; do
		if directory=$("$vm" --path "$name" 2>"$work/err") && [[ -r $directory/btf ]]; then
			btf[$name]=$directory/btf
		else
			skip "kernel $name" "no BTF to be had: $(tail -n 1 "$work/err")"
		fi
	done
}

btfs_of() {
	local name

	for name in "${matrix[@]}"; do
		[[ $(kernel_arch "$name") == "$1" && -n ${btf[$name]-} ]] && echo "${btf[$name]}"
	done
}

# The objects that the Makefile builds, for both architectures, and those of this test.
build_programs() {
	local arch objects

	for arch in x86_64 arm64; do
		# shellcheck disable=SC2016 # it is make that expands this
		read -ra objects < <(make -s -C "$top" "B=$work/$arch" "ARCH=$arch" --eval \
			'objects: ; @echo $(SKEL:.skel.h=.bpf.o)' objects)
		succeeds "the programs compile for $arch" \
			make -s -C "$top" "B=$work/$arch" "ARCH=$arch" "${objects[@]}"
		compile "$arch" "$helpers/sample.bpf.c" "$work/sample.$arch.o"
	done
	compile x86_64 "$helpers/sample.bpf.c" "$work/ambiguous.o" -DAMBIGUOUS
	compile x86_64 "$helpers/guards.bpf.c" "$work/guards.o"
	"$clang" -g -O2 -target bpf -c "$tools/keep.bpf.c" -o "$work/keep.o"
	"$clang" -g -O2 -target bpf -c "$helpers/kernel.c" -o "$work/made-up.btf"
}

# The point of it all.
check_programs() {
	local arch kernels

	for arch in x86_64 arm64; do
		mapfile -t kernels < <(btfs_of "$arch")
		((${#kernels[@]})) || continue
		succeeds "every relocation resolves on $arch" "$tools/check-relocations" \
			"$work/$arch"/bpf/*.bpf.o "${kernels[@]}"
		grep -E '^[^ ]|resolved,' "$work/out" | paste -sd ' \n' | while read -r line; do
			diag "$line"
		done
	done
	# Only the whole matrix shows that a line of the list is no longer needed.
	((${#btf[@]} == whole)) || return 0
	mapfile -t kernels < <(btfs_of x86_64)
	succeeds "every line of vmlinux-btf/guarded is needed" \
		"$tools/check-relocations" --complete "$work"/x86_64/bpf/*.bpf.o "${kernels[@]}"
}

check_against_libbpf() {
	local name arch object

	succeeds "as libbpf: made up kernel" "$helpers/oracle.py" "$work/sample.x86_64.o" \
		"$work/made-up.btf"
	succeeds "as libbpf: an ambiguity" "$helpers/oracle.py" "$work/ambiguous.o" \
		"$work/made-up.btf"
	for name in "${matrix[@]}"; do
		[[ -n ${btf[$name]-} ]] || continue
		arch=$(kernel_arch "$name")
		succeeds "as libbpf: sample, $name" "$helpers/oracle.py" "$work/sample.$arch.o" \
			"${btf[$name]}"
		for object in "$work/$arch"/bpf/*.bpf.o; do
			succeeds "as libbpf: $(basename "$object" .bpf.o), $name" "$helpers/oracle.py" \
				"$object" "${btf[$name]}"
		done
	done
}

# The check has to be able to fail, and its exceptions have to be true.
check_the_check() {
	local check=("$tools/check-relocations" --guarded "$work/guarded" "$work/guards.o"
		"$work/made-up.btf")

	: >"$work/guarded"
	fails_saying "an unlisted relocation is refused" \
		'BROKEN .*asks_first .*struct moved\.asked' "${check[@]}"
	echo 'asks_first | struct moved.asked | made-up | folded | it asks' >"$work/guarded"
	fails_saying "another program's is, too" 'BROKEN .*never_asks .*unasked' "${check[@]}"
	echo 'never_asks | struct moved.unasked | made-up | folded | a lie' >>"$work/guarded"
	fails_saying "a false claim is refused" 'can be reached' "${check[@]}"
	sed -i '2s/folded/unloaded/' "$work/guarded"
	succeeds "true claims are accepted" "${check[@]}"
	echo '* | struct moved.inner | made-up | folded | needless' >>"$work/guarded"
	fails_saying "a needless line is refused" 'remove the line' \
		"${check[0]}" --complete "${check[@]:1}"
	succeeds "what is reached is found out" "$helpers/reach_test.py"
	fails_saying "an ambiguous relocation is refused" 'BROKEN .*ambiguous' \
		"$tools/check-relocations" "$work/ambiguous.o" "$work/made-up.btf"
}

# The same mistake in the real programs: a field that the kernel does not have.
check_mutation() {
	local kernels

	mapfile -t kernels < <(btfs_of x86_64)
	((${#kernels[@]})) || return 0
	cp -r "$top/bpf" "$work/mutant"
	cp "$tools/x86_64/vmlinux.h" "$work/mutant/vmlinux.h"
	sed -i 's/\b_flags_1\b/_flags_one/g' "$work"/mutant/*.[ch]
	"$clang" -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Wno-missing-declarations \
		-I"$work/mutant" -c "$work/mutant/zeroscope.bpf.c" -o "$work/mutant.o"
	fails_saying "a misspelt field in bpf/ is found" 'BROKEN .*struct folio\._flags_one' \
		"$tools/check-relocations" "$work/mutant.o" "${kernels[@]}"
}

# What the programs are compiled with: exact, and the same whoever generates it.
check_headers() {
	local pair arch name

	printf 'struct %s\n' unaligned odd_size shifted of_packed aligned bits moved >"$work/types"
	"$tools/generate" --types "$work/types" --arch x86_64 "$work/made-up.btf" >"$work/odd.h"
	succeeds "a header can be packed, aligned and made of bits" \
		"$helpers/layout.py" "$work/odd.h" "$work/made-up.btf"
	for pair in x86_64:debian-6.12 arm64:debian-6.12-arm64; do
		arch=${pair%%:*} name=${pair#*:}
		if [[ -z ${btf[$name]-} ]]; then
			skip "vmlinux.h of $arch" "no kernel $name"
			continue
		fi
		PYTHONHASHSEED=1 "$tools/generate" --arch "$arch" "${btf[$name]}" >"$work/one.h"
		PYTHONHASHSEED=2 "$tools/generate" --arch "$arch" "${btf[$name]}" >"$work/two.h"
		succeeds "vmlinux.h of $arch is the same each time" cmp "$work/one.h" "$work/two.h"
		succeeds "vmlinux.h of $arch has the kernel's layout" \
			"$helpers/layout.py" "$work/one.h" "${btf[$name]}"
	done
}

# Reduced BTF has to resolve to the very same values.
check_minimised() {
	local name=debian-6.12 form objects=("$work"/x86_64/bpf/*.bpf.o)

	[[ -n ${btf[$name]-} ]] || return 0
	mkdir -p "$work/full" "$work/small"
	ln -s "${btf[$name]}" "$work/full/6.12.btf"
	succeeds "BTF can be minimised" "$tools/minimise" "${btf[$name]}" "${objects[@]}" \
		"$work/small/6.12.btf"
	# The kernel's functions are not in it, and types have other numbers.
	for form in full small; do
		cp -L "$work/$form/6.12.btf" "$work/$form/kernel.btf"
		"$tools/check-relocations" -v --guarded /dev/null "${objects[@]}" \
			"$work/keep.o" "$work/$form/kernel.btf" 2>&1 |
			grep -vE 'target_type_id|extern|resolved,' |
			sed -E 's/ \([0-9:]+ @/ (@/' >"$work/$form/out"
	done
	if diff "$work/full/out" "$work/small/out" >"$work/out"; then
		ok "minimised BTF resolves to the same values"
	else
		failed=1
		cat "$work/out"
		not_ok "minimised BTF resolves to the same values" "$(wc -l <"$work/out") lines differ"
	fi
}

find_kernels
build_programs
check_programs
check_against_libbpf
check_the_check
check_mutation
check_headers
check_minimised
finished
exit "$failed"
