# SPDX-License-Identifier: GPL-2.0-only
# What the page allocator zeroes, with Debian's own command line: as many as there are folios, and
# with them the kernel's counters are covered.
# kernel: debian-6.1 debian-6.12 debian-7
# memory: 2048
# timeout: 600
# qemu: -cpu max,-erms
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

# line N: the value of the N-th query
line() {
	sed -n "$1p" values
}

# measure_allocator NAME KIND ORDER COUNT OPTIONS…: of run; folios of one kind
measure_allocator() {
	name=$1 kind=$2 order=$3 count=$4
	shift 4
	start_run -c /measured --allocator "$@" || { not_ok "$name" "not attached"; return; }
	load_in_cgroup --kind "$kind" --order "$order" --count "$count"
	status=$?
	stop_run
	expect_eq "$name: load" $status 0
	expect_eq "$name: run ends well" $run_status 0
	of_order="[.allocator[]? | select(.order == $order)"
	values "$of_order | .count, .wall.count] | @csv" "$of_order | .bytes] | add" "$lost_query" \
		'[.coverage[] | select(.what == "thp") | .kernel == .seen] | all' \
		'[.probes[] | select(.attached) | .name + " " + .tier + " " + (.reason // "")] | join("; ")' \
		"$of_order | .wall.sum, .wall.max.comm] | @csv" >values
	expect_eq "$name: allocator clears" "$(line 1)" "$count,$count"
	expect_eq "$name: bytes" "$(line 2)" $((count << order + 12))
	expect_eq "$name: nothing lost" "$(line 3)" 0
	expect_eq "$name: coverage has no hole" "$(line 4)" true
	diag "$name: $(line 5)"
	diag "$name: $(line 6) s"
}

expect_eq "init_on_alloc is as Debian has it" "$(zeroscope run --json -d 100ms 2>/dev/null |
	jq -r '.kernel.init_on_alloc' | tail -n 1)" true
measure_allocator "512 THPs" thp 9 512
if [ -d "$THP/hugepages-64kB" ]; then
	measure_allocator "300 mTHP 64 KiB" mthp 4 300
	expect_eq "coverage of mTHP" "$(total '.coverage[] | select(.what == "mthp-64kB") | .kernel == .seen')" true
else
	skip "300 mTHP 64 KiB" "this kernel has no mTHP"
fi
for tier in fentry kprobe.session kprobe; do
	start_run -c /measured --tier $tier -d 1ms >/dev/null 2>&1
	if ! grep -q ^attached: run.err; then
		wait "$run_pid"
		skip "64 THPs by $tier" "$(sed 's/^zeroscope: //' run.err)"
		continue
	fi
	wait "$run_pid"
	measure_allocator "64 THPs by $tier" thp 9 64 --tier $tier
done
# Without the option nothing is said about it.
start_run
stop_run
expect_eq "null without --allocator" "$(total .allocator)" null
