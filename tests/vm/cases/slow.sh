# SPDX-License-Identifier: GPL-2.0-only
# The stream of slow clears: each with who, where, how long and from where in the kernel; the
# histograms have all clears still; and what the buffer had no room for is counted.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

# events QUERY: over all slow clears
events() {
	grep '"type":"slow"' run.json | jq -rs "$1"
}

# totals come with the last interval, which slow clears may follow or not
stop_slow_run() {
	stop_run
	grep '"type":"interval"' run.json | tail -n 1 >totals.json
}

start_run -c /measured --slower-than 1us || not_ok "run" "not attached"
load_in_cgroup --kind thp --count 40
stop_slow_run
expect_eq "every clear is slow: as many events" "$(events length)" 40
expect_eq "histograms have them all" "$(histogrammed)" 40
expect_eq "who" "$(events 'map(.comm) | unique | .[]')" zeroscope
expect_eq "by pid" "$(events 'map(.pid) | unique | length')" 1
expect_eq "cgroup" "$(events 'map(.cgroup) | unique | .[]')" /measured
expect_eq "order and kind" "$(events 'map("\(.order) \(.page_kind)") | unique | .[]')" "9 thp"
expect_eq "node" "$(events 'map(.node) | unique | .[]')" 0
expect_eq "sum of wall times" "$(events \
	"(([.[].wall_seconds] | add) - $(total '[.clears[].wall.sum] | add')) | fabs < 1e-6")" true
expect_eq "on-CPU is wall or less" "$(events 'all(.on_cpu_seconds <= .wall_seconds)')" true
expect_eq "without gaps it is wall" \
	"$(events 'all(.gaps > 0 or .on_cpu_seconds == .wall_seconds)')" true
expect_eq "gaps as counted" "$(events '([.[].gaps] | add)')" \
	"$(total '[.gaps[]? | .count] | add // 0')"
expect_eq "processors exist" "$(events 'all(.cpu_start < 2 and .cpu_end < 2)')" true
expect_eq "the stack leads to the fault" \
	"$(events 'all(.stack | map(sub("\\+.*"; "")) |
		(index("do_huge_pmd_anonymous_page") // index("vma_alloc_anon_folio_pmd")) != null and
		index("handle_mm_fault") != null)')" true
diag "$(events '.[0] | tojson')"

start_run -c /measured --slower-than 10s || not_ok "run" "not attached"
load_in_cgroup --kind thp --count 10
stop_slow_run
expect_eq "none is that slow" "$(grep -c '"type":"slow"' run.json)" 0
expect_eq "counted all the same" "$(histogrammed)" 10

# For people: one line an event.
rm -f run.err # its line of readiness is that of the run before
zeroscope run --slower-than 1us -c /measured >plain 2>run.err &
run_pid=$!
wait_for_line run.err '^attached:' 300
load_in_cgroup --kind thp --count 3
kill -INT "$run_pid"
wait "$run_pid"
expect_eq "plain: a line each" "$(grep -c '^slow .* order 9 thp, wall .*, cgroup /measured, stack .*handle_mm_fault' plain)" 3
diag "$(grep -m 1 ^slow plain)"

# A reader that does not read: the buffer runs over.
if [ -d "$THP/hugepages-16kB" ]; then
	folios="--kind mthp --order 2 --count 3000"
else
	folios="--kind thp --count 600"
fi
start_run -c /measured --slower-than 100ns || not_ok "run" "not attached"
kill -STOP "$run_pid"
if [ -d "$THP/hugepages-16kB" ]; then
	load_in_cgroup $folios
else
	load_in_cgroup $folios
	load_in_cgroup $folios
fi
kill -CONT "$run_pid"
stop_slow_run
dropped=$(total .loss.dropped)
expect_eq "overflow: some were dropped" "$([ "$dropped" -gt 0 ] && echo yes)" yes
expect_eq "overflow: events + dropped = clears" $(($(events length) + dropped)) "$(histogrammed)"
expect_eq "overflow: the result is a floor" "$(total .floor)" true
diag "$(events length) events, $dropped dropped"
