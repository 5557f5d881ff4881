#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 1200
# Every fuzzer for half a minute, on the corpus that earlier runs have left.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

clang=${CLANG:-clang}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' >"$work/empty.c"
"$clang" -fsanitize=fuzzer "$work/empty.c" -o "$work/empty" 2>"$work/log" ||
	skip_all "$clang cannot build fuzzers: $(head -n 1 "$work/log")"

for target in "$top"/tests/fuzz/fuzz_*.c; do
	name=$(basename "${target%.c}")
	name=${name#fuzz_}
	if "$top/tests/fuzz/run" "$name" 30 >"$work/log" 2>&1; then
		ok "$name"
		diag "$name: $(grep -a 'number_of_executed_units' "$work/log")"
	else
		tail -n 60 "$work/log"
		not_ok "$name" "$(grep -a -m 1 -E 'SUMMARY|error:' "$work/log")"
	fi
done
finished
