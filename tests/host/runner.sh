#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# The runner must see every way in which a test can go wrong: it is given a tree of such tests.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/tests/host" "$scratch/build/tests/unit"
cp -R "$top/tests/run" "$top/tests/lib" "$top/tests/vm" "$scratch/tests/"
rm -rf "$scratch/tests/vm/cases"
mkdir "$scratch/tests/vm/cases"

# unit NAME, host NAME, vm NAME: a test with the script on standard input
unit() {
	cat >"$scratch/build/tests/unit/$1"
	chmod +x "$scratch/build/tests/unit/$1"
}

host() {
	{
		echo ". $scratch/tests/lib/tap.sh"
		cat
	} >"$scratch/tests/host/$1.sh"
}

vm() {
	cat >"$scratch/tests/vm/cases/$1.sh"
}

# run OPTION…: sets status and output
run() {
	status=0
	output=$("$scratch/tests/run" --expected-skips "$scratch/skips" "$@" 2>&1) || status=$?
	printf '%s\n' "$output"
}

# says NAME LINE: the output holds exactly this line
says() {
	if grep -qxF -e "$2" <<<"$output"; then
		ok "$1"
	else
		not_ok "$1" "there is no line '$2'"
	fi
}

: >"$scratch/skips"
unit good <<-'END'
	#!/bin/sh
	echo 1..2; echo "ok 1 - first"; echo "ok 2 - second"
END
host good <<-'END'
	ok first; diag "a remark"; finished
END
run
expect_eq "a good run ends with 0" "$status" 0
expect_eq "a good run counts each test" "$(tail -n 1 <<<"$output")" "3 passed, 0 failed, 0 skipped"
says "a remark is shown" "note  a remark"

unit fails <<-'END'
	#!/bin/sh
	echo 1..2; echo "ok 1 - first"; echo "not ok 2 - second"; echo "# 1 != 2"; exit 1
END
unit crashes <<-'END'
	#!/bin/sh
	echo 1..2; echo "ok 1 - first"; kill -SEGV $$
END
unit leaks <<-'END'
	#!/bin/sh
	echo 1..1; echo "ok 1 - first"; exit 23
END
unit silent <<-'END'
	#!/bin/sh
	exit 0
END
unit cmocka-skip <<-'END'
	#!/bin/sh
	echo 1..1; echo "not ok 1 # SKIP needs_btf"
END
run unit
expect_eq "a failed run ends with 1" "$status" 1
says "a failed test says why" "FAIL  unit/fails: second: 1 != 2"
says "a crash is a failure" "FAIL  unit/crashes: runs to its end: status 139 after 1 of 2 tests"
says "a bad end is a failure" "FAIL  unit/leaks: ends well: status 23 though no test failed"
says "silence is a failure" "FAIL  unit/silent: reports something: it reported no result"
says "an unlisted skip is a failure" \
	"FAIL  unit/cmocka-skip: needs_btf: skipped, but not listed in expected-skips: skipped by the test"
expect_eq "a failed run counts them" "$(tail -n 1 <<<"$output")" "5 passed, 5 failed, 0 skipped"
rm "$scratch"/build/tests/unit/*

host stops <<-'END'
	ok first; exit 0
END
host skips <<-'END'
	skip_all "no such thing here"
END
printf 'host\thost/skips: *\tsuch thing\nhost\thost/good: first\tanything\n' >"$scratch/skips"
run
says "a script that stops early is a failure" "FAIL  host/stops: runs to its end: it stopped before its end"
says "a listed skip is one" "skip  host/skips: all: no such thing here"
says "a listed skip that did not happen is noted" \
	"note  expected to be skipped, but was not: host/good: first [host]"
expect_eq "skips are counted apart" "$(tail -n 1 <<<"$output")" "2 passed, 1 failed, 1 skipped"
printf 'host\thost/skips: *\tanother reason\n' >"$scratch/skips"
run host/skips
expect_eq "a skip for another reason is a failure" "$(tail -n 1 <<<"$output")" \
	"0 passed, 1 failed, 0 skipped"
run host/none
expect_eq "a selection without a test is wrong usage" "$status" 2
printf 'host no-tabs\n' >"$scratch/skips"
run host/good
expect_eq "a malformed list of skips is wrong usage" "$status" 2

printf "debian-6.12\tvm/g_skips: all\tcannot\nno-such-kernel\t*\tunknown kernel\n" >"$scratch/skips"
vm a_good <<<'ok first; echo noise; echo more noise >&2'
vm b_fails <<<'check "false is true" false'
vm c_syntax <<<'ok first; if then'
vm d_exits <<<'ok first; exit 0'
vm e_dies <<<'ok first; echo c >/proc/sysrq-trigger; sleep 100'
vm f_hangs <<<$'# timeout: 5\nok first; sleep 1000'
vm g_skips <<<'skip_all "cannot do that"'
vm h_complains <<<'ok first; echo "<4>WARNING: something is wrong" >/dev/kmsg'
vm i_nowhere <<<$'# kernel: no-such-kernel\nok first'
vm j_unbuilt <<<$'# files: build/nothing\nok first'
vm k_last <<<'ok first'
run vm
says "a good case passes" "pass  vm/a_good: first [debian-6.12]"
says "a failed check fails" "FAIL  vm/b_fails: false is true [debian-6.12]: failed with status 1: false"
says "a syntax error fails" "FAIL  vm/c_syntax: runs to its end [debian-6.12]: it stopped before its end"
says "an early end fails" "FAIL  vm/d_exits: runs to its end [debian-6.12]: it stopped before its end"
expect_match "a panic fails the case with its cause" "$output" \
	'^FAIL  vm/e_dies: runs to its end \[debian-6.12\]: the guest .* died .*: Kernel panic'
says "what a case reported before the panic counts" "pass  vm/e_dies: first [debian-6.12]"
says "a case that hangs fails" "FAIL  vm/f_hangs: ends in time [debian-6.12]: it ran for more than 5 s"
says "a listed skip in a guest is one" "skip  vm/g_skips: all [debian-6.12]: cannot do that"
expect_match "a kernel's complaint fails the case" "$output" \
	"^FAIL  vm/h_complains: the kernel's log stays clean \[debian-6.12\]: .*something is wrong"
expect_match "a kernel that cannot be had is skipped" "$output" \
	"^skip  vm/i_nowhere: all \[no-such-kernel\]: unknown kernel 'no-such-kernel'"
says "a file that is not built fails" "FAIL  vm/j_unbuilt: runs to its end [debian-6.12]: build/nothing has not been built"
says "the cases after a panic still run" "pass  vm/k_last: first [debian-6.12]"
expect_match "the log of a failed case is shown" "$output" "│ .*c_syntax.sh"
expect_eq "cases in guests are counted" "$(tail -n 1 <<<"$output")" "6 passed, 7 failed, 2 skipped"
finished
