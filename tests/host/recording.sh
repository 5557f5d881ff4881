#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# The file form of recordings is what docs/recording-format.md says: a reader that was written from
# that page alone reads what zeroscope reads. And `report` ends as it should, whatever the file is.
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

zeroscope=$top/build/zeroscope
[ -x "$zeroscope" ] || skip_all "build/zeroscope is not built"
command -v python3 >/dev/null || skip_all "there is no python3"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! make_recordings "$top" "$work/seeds.d"; then
	not_ok "recordings to test with" "cannot be made"
	finished
	exit
fi
run=$work/seeds.d/run

# report STATUS PATTERN FILE OPTION…: how report ends, and what it says on stderr
report() {
	local expected=$1 pattern=$2 status=0

	shift 2
	"$zeroscope" report "$@" >"$work/out" 2>"$work/err" || status=$?
	((status == expected)) || echo "exit status $status, not $expected"
	((status == expected)) && { [ -n "$pattern" ] || [ ! -s "$work/err" ]; } &&
		grep -q -- "$pattern" "$work/err" "$work/out" &&
		[ "$(wc -l <"$work/err")" -le 1 ]
}

readers_agree() {
	python3 "$top/tests/host/recording_reader.py" "$run" >"$work/mine" &&
		"$zeroscope" report --json "$run" >"$work/theirs" &&
		python3 "$top/tests/host/recording_compare.py" "$work/mine" "$work/theirs"
}

# clears_total of every line of a report
totals() {
	sed 's/.*"clears_total":\([0-9]*\).*/\1/'
}

sums_agree() {
	local sum last

	sum=$("$zeroscope" report --json "$run" | totals | awk '{ sum += $1 } END { print sum }')
	last=$("$zeroscope" report --json --cumulative "$run" | totals | tail -n 1)
	echo "the intervals make $sum, the last total is $last"
	[ "$sum" -gt 0 ] && [ "$sum" = "$last" ]
}

reads_standard_input() {
	report 0 "" - <"$run"
}

full_disk() {
	! "$zeroscope" report "$@" "$run" >/dev/full 2>"$work/err" && [ "$(wc -l <"$work/err")" = 1 ]
}

reader_goes_away() {
	"$zeroscope" report "$run" 2>"$work/err" | head -n 1 >/dev/null
	[ "${PIPESTATUS[0]}" = 0 ] && [ ! -s "$work/err" ]
}

# Blocks of people's form begin with their time.
blocks() {
	grep -c '^[0-9-]* [0-9:]* UTC' "$work/out"
}

check "a second reader agrees with report --json" readers_agree
check "report shows a recording" report 0 "" "$run"
check "every interval of it" test "$(blocks)" = 12
check "and the sum" grep -q '^Total of' "$work/out"
check "report --json shows it, too" report 0 "" --json "$run"
check "a line for each interval" test "$(wc -l <"$work/out")" = 12
check "--cumulative ends with the sum of the intervals" sums_agree
check "report reads standard input" reads_standard_input

# The numbers of report --csv are those of report --json.
csv_agrees() {
	"$zeroscope" report --csv "$run" >"$work/csv" && "$zeroscope" report --json "$run" >"$work/json" &&
		python3 - "$work/csv" "$work/json" <<'END'
import csv, json, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
seen = 0
for interval in map(json.loads, open(sys.argv[2])):
    mine = [r for r in rows if r["time"] == interval["time"]]
    assert mine and all(None not in r and None not in r.values() for r in mine)
    for c in interval["clears"] or []:
        key = [("" if c["order"] is None else str(c["order"])), c["numa"] or ""]
        found = [r for r in mine if r["quantity"] == "clear" and [r["order"], r["numa"]] == key
                 and int(r["count"]) == c["count"] and int(r["bytes"]) == c["bytes"]
                 and abs(float(r["sum"]) - c["wall"]["sum"]) < 1e-9]
        assert found, c
        p99 = c["wall"]["quantiles"]["0.99"]
        assert not p99 or any(float(r["p99_low"]) == p99[0] for r in found), c
        seen += 1
    for what in interval["coverage"]:
        numbers = [float(r["sum"]) for r in mine
                   if r["quantity"] == "coverage_kernel" and r["part"] == what["what"]]
        assert numbers == ([] if what["kernel"] is None else [float(what["kernel"])]), what
assert seen > 10
END
}

# The last total of report --json is in report --openmetrics, which an independent reader takes.
openmetrics_agrees() {
	"$zeroscope" report --openmetrics "$run" >"$work/om" &&
		"$zeroscope" report --json --cumulative "$run" | tail -n 1 >"$work/json" &&
		/usr/bin/python3 - "$work/om" "$work/json" <<'END'
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
total = json.load(open(sys.argv[2]))
samples = [s for f in text_string_to_metric_families(open(sys.argv[1]).read()) for s in f.samples]
seconds = sum(s.value for s in samples if s.name == "zeroscope_clear_duration_seconds_count")
assert seconds == sum(c["wall"]["count"] for c in total["clears"]), seconds
END
}

check "report --csv says what --json does" csv_agrees
if /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null; then
	check "report --openmetrics says what --json does" openmetrics_agrees
else
	skip "report --openmetrics says what --json does" "python3-prometheus-client is not installed"
fi
check "--csv to a full disk is one sentence" full_disk --csv
check "--openmetrics, too" full_disk --openmetrics
check "one form at a time" report 2 "choose one of them" --csv --json "$run"

size=$(stat -c %s "$run")
head -c $((size - 100)) "$run" >"$work/cut"
check "what is cut off is shown, with a note" report 0 "cut ends early" --json "$work/cut"
check "and only its last interval is missing" test "$(wc -l <"$work/out")" = 11
# Its header is whole, and that is all there is.
head -c $((16 + $(od -An -tu4 -j4 -N4 "$run"))) "$run" >"$work/header"
for form in --color=auto --json --csv --openmetrics; do
	check "a recording without an interval is said to be one ($form)" \
		report 1 "header holds no interval" $form "$work/header"
done
check "--speed is for playing" report 2 "--speed is for --play" --speed 2 "$run"
check "playing takes a terminal" report 1 "leave it out" --play "$run"
# A recording of a real run, cut off at every byte from where its last interval begins.
real=$top/docs/live-view/busy.zs
every_cut() {
	python3 - "$zeroscope" "$real" <<-'END'
		import struct, subprocess, sys

		tool, path = sys.argv[1:]
		data = open(path, "rb").read()
		frames, at = [], 0
		while at < len(data):
		    length = 16 + struct.unpack_from("<I", data, at + 4)[0]
		    frames.append((data[at + 3:at + 4], at, at + length))
		    at += length
		last = [f for f in frames if f[0] == b"I"][-1]

		def report(size):
		    return subprocess.run([tool, "report", "--json", "-"], input=data[:size],
		                          capture_output=True)

		whole = report(len(data)).stdout.splitlines()
		wrong = []
		for size in range(last[1], len(data)):
		    got = report(size)
		    want = whole if size >= last[2] else whole[:-1]
		    if got.returncode or got.stdout.splitlines() != want or b"ends early" not in got.stderr:
		        wrong.append(size)
		print(len(data) - last[1], "cuts of", len(whole), "intervals, wrong:", wrong[:10])
		sys.exit(bool(wrong) or len(whole) < 30)
	END
}
check "cut off at any byte of its last interval, the rest is what it was" every_cut
cp "$run" "$work/damaged"
printf '\125' | dd of="$work/damaged" bs=1 seek=$((size / 2)) conv=notrunc status=none
check "a damaged file is one sentence" report 1 "damaged is damaged: the frame at byte" "$work/damaged"
check "something else is one sentence" report 1 "not a recording" "$top/Makefile"
: >"$work/empty"
check "an empty file is one sentence" report 1 "empty, not a recording" "$work/empty"
check "no file is one sentence" report 1 "cannot be opened" "$work/nothing"
check "a full disk is one sentence" full_disk
check "a reader that goes away is no error" reader_goes_away
finished
