#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 3600
# The kernel series: every patch applies to the newest source package, its KUnit suite notices the
# mistakes that it is there for, and a kernel built from it boots, passes the suite and hands out
# nothing but zeroes.  What takes longer is make kernel-matrix.
set -uo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$TOP/tests/lib/tap.sh"

if [[ $(uname -m) != x86_64 ]]; then
	skip_all 'the kernel series is built and booted on x86-64 only'
fi

# report NAME OUTPUT STATUS: every "ok" and "FAIL" line of a script as a result of its own
report() {
	local verdict rest lines=0

	while read -r verdict rest; do
		case $verdict in
		ok) ok "$1: $(sed 's/  */ /g; s/ by .*//' <<<"$rest")" ;;
		FAIL) not_ok "$1: $rest" "see the log" ;;
		*) continue ;;
		esac
		lines=$((lines + 1))
	done <<<"$2"
	((lines && $3 == 0)) || not_ok "$1" "status $3: $(tail -n 1 <<<"$2")"
}

# The tool and the series have to mean the same by a tracepoint.
while read -r name; do
	check "the series has the tracepoint $name" \
		grep -qhE "^\+.*(TRACE_EVENT|DEFINE_EVENT)\((.*, )?$name,$" "$TOP"/kernel-patch/6.12/*.patch
done < <(sed -nE 's/.*\{"([a-z_]*zero[a-z_]*)", PROBE_TRACEPOINT.*/\1/p' "$TOP/user/probe_table.c")

status=0
tree=$("$TOP/kernel-patch/build" --tree 2>&1) || status=$?
if ((status)); then
	not_ok 'the series applies to the newest linux-source-6.12' "$(tail -n 1 <<<"$tree")"
	finished
	exit
fi
ok 'the series applies to the newest linux-source-6.12'
diag "$(tail -n 1 <<<"$tree")"

status=0
output=$("$TOP/kernel-patch/host/run" --mutants 2>&1) || status=$?
printf '%s\n' "$output"
report suite "$output" "$status"

status=0
# It is built while other tests run, and booted beside them.
output=$(TIMEOUT=1800 "$TOP/kernel-patch/kunit" --target x86_64 --cpu erms 2>&1) || status=$?
printf '%s\n' "$output"
report booted "$output" "$status"
finished
