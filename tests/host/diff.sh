#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# `zeroscope diff` on recordings of which is known what differs, as a user and a script see it.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

zeroscope=$top/build/zeroscope
[ -x "$zeroscope" ] || skip_all "build/zeroscope is not built"
[ -x "$top/build/tests/unit/test_diff" ] || skip_all "build/tests/unit/test_diff is not built"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
"$top/build/tests/unit/test_diff" write . || not_ok "recordings to compare" "cannot be written"

# differ STATUS ARGUMENT…: what it prints is in out and err
differ() {
	local expected=$1 status=0

	shift
	"$zeroscope" diff "$@" >out 2>err || status=$?
	((status == expected)) || echo "exit status $status, not $expected: $(cat err)"
	((status == expected))
}

# query FILTER: true or false of the JSON on which jq is asked
query() {
	jq -e "$1" out >/dev/null
}

one_sentence() {
	[ "$(wc -l <err)" = 1 ] && grep -q '^zeroscope: ' err
}

narrow() {
	! LC_ALL=C.UTF-8 grep -nE '^.{81,}' out
}

export LC_ALL=C.UTF-8
check "like recordings: done" differ 0 a same --threshold 5%
check "no row gets a verdict" grep -q '^0 of 9 rows compared differ' out
check "no regression is shown" grep -q '^no regression: none of 8 times' out
check "a slower one fails the threshold" differ 4 a slower --threshold 5%
check "it says what is slower" grep -qE '^  mean .*slower$' out
check "it says so in sum" grep -q '^regression: [1-8] of 8 times are longer in B' out
check "a wider threshold lets it pass" differ 0 a slower --threshold 40%
check "a faster one passes" differ 0 slower a --threshold 0%
check "it says what is faster" grep -qE '^  mean .*faster$' out
check "without a threshold a difference is no failure" differ 0 a slower
check "histograms are laid over each other" grep -qE '█░+$' out
check "it fits 80 columns" narrow
check "--ascii" differ 0 --ascii a slower
check "--ascii has nothing else" test -z "$(LC_ALL=C grep -n '[^ -~]' out)"

check "--json" differ 4 --json a slower --threshold 5%
check "one object" test "$(wc -l <out)" = 1
check "its type and what was compared" query '.type == "diff" and .compared == "intervals"'
check "the ratio is in its interval, and 1.15 as well" query '[.rows[]
	| select(.metric == "clear" and .statistic == "mean")
	| .ratio_interval[0] < .ratio and .ratio < .ratio_interval[1]
	and .ratio_interval[0] < 1.15 and 1.15 < .ratio_interval[1]] | length == 2 and all'
check "the sums are those of report" test \
	"$(jq -r '[.histograms[] | select(.metric == "clear") | .buckets[][1]] | add' out)" = \
	"$("$zeroscope" report --json --cumulative a | tail -n 1 | jq '[.clears[].wall.count] | add')"
check "corrected for the number of rows" query '[.rows[] | select(.p != null)
	| .p_family >= .p and (.verdict != "no difference shown") == (.p_family <= 0.05)] | all'
check "the regressions are those that say so" query \
	'.regressions == ([.rows[] | select(.regression)] | length) and .regressions > 0'

check "too few intervals: nothing is said" differ 0 a short
check "with the reason" grep -q '(too few intervals)' out
check "and a threshold is not passed by it" differ 1 a short --threshold 5%
check "in one sentence" one_sentence
head -c 6000 a >ending
check "a recording that ends early is compared" differ 0 a ending
check "and that is said" grep -q 'ends early' out
check "standard input is a recording" differ 0 a - <same
check "but only once" differ 2 - -
check "something else is one sentence" differ 1 a "$top/Makefile"
check "which names it" grep -q 'not a recording' err
check "no file is one sentence" differ 1 a nothing
check "which names it, too" one_sentence
check "a full disk is an error" test "$("$zeroscope" diff a same 2>&1 >/dev/full; echo $?)" != 0
# Recordings of two kernels, and what docs/ says that is said of them.
kernels=$top/docs/kernels-compared
# kept A B TEXT
kept() {
	(cd "$kernels" && "$zeroscope" diff "$1.zs" "$2.zs") >out 2>err && diff "$kernels/$3.txt" out
}
check "a kernel against itself, as it is kept" kept baseline-0 baseline-1 baseline-baseline
check "the other against itself, as it is kept" kept patched-0 patched-1 patched-patched
check "one kernel against the other, as it is kept" kept baseline-0 patched-0 baseline-patched
check "larger extents are seen" grep -q 'pages an extent, order 9' "$kernels/baseline-patched.txt"
finished
