# SPDX-License-Identifier: GPL-2.0-only
# Counts stay right while what clears is moved between processors, killed, replaced by exec, left
# by fork, and while a processor goes away and comes back.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 900
# files: /usr/bin/jq tests/vm/guest/measure.sh build/tests/guest/disturber
. /root/measure.sh

# Where every mapping may have huge pages, so may the stacks of threads before 6.7.
write_sysfs "$THP/enabled" madvise

cpu1=/sys/devices/system/cpu/cpu1/online

# thp FIELD: of the coverage row, totals
thp() {
	total ".coverage[] | select(.what == \"thp\") | .$1"
}

# expect_whole NAME: everything has both ends, and the kernel counted no clear that was not seen
expect_whole() {
	expect_eq "$1: run ends well" "$run_status" 0
	expect_eq "$1: nothing lost" "$(lost)" 0
	expect_eq "$1: each clear has both ends" "$(histogrammed)" "$(total .clears_total)"
	expect_eq "$1: none escapes" "$(total '.coverage[] | select(.what == "thp") | .seen >= .kernel')" true
	expect_eq "$1: times are possible" \
		"$(total '[.clears[] | .wall.sum >= .on_cpu.sum and .on_cpu.sum >= 0] | all')" true
}

before=$(vmstat_get thp_fault_alloc)
start_run || not_ok "run" "not attached"
# Moved: its processors are changed all the time.
zeroscope load --json --kind thp --count 200 --threads 2 >load.json 2>load.err &
pid=$!
mask=1
while kill -0 $pid 2>/dev/null; do
	for task in /proc/$pid/task/*; do
		taskset -p $mask "${task##*/}" >/dev/null 2>&1
	done
	mask=$((3 - mask))
done
wait $pid
stop_run
expect_whole "moved"
expect_eq "moved: load's own count" "$(counted thp 9)" "$(jq -r '.clears_expected["9"]' load.json)"
expect_eq "moved: the kernel's own count" "$(counted thp 9)" \
	$(($(vmstat_get thp_fault_alloc) - before))

# By another thread of the same process, in the middle of a clear.
for what in kill exec; do
	start_run || not_ok "run" "not attached"
	i=0
	while [ $i -lt 8 ]; do
		disturber $what
		i=$((i + 1))
	done
	stop_run
	expect_whole "$what"
	diag "$what: $(total .clears_total) clears, the kernel counted $(thp kernel)"
	# A folio that was cleared for a thread that is gone is not mapped, and not counted.
	expect_eq "$what: no more uncounted than there were threads" \
		"$(total '.coverage[] | select(.what == "thp") | .seen >= 64 and .seen - .kernel <= 16')" true
done

start_run || not_ok "run" "not attached"
want=$(disturber fork)
stop_run
expect_whole "fork"
expect_eq "fork: the workload's own count" "$(counted thp 9)" "$want"

start_run || not_ok "run" "not attached"
# A processor that goes away, under threads that clear on it, and comes back.
zeroscope load --json --kind thp --count 300 --threads 4 >load.json 2>load.err &
pid=$!
rounds=0
while kill -0 $pid 2>/dev/null; do
	echo 0 >$cpu1
	echo 1 >$cpu1
	rounds=$((rounds + 1))
done
wait $pid
stop_run
expect_whole "hot-unplug"
expect_eq "hot-unplug: load's own count" "$(counted thp 9)" \
	"$(jq -r '.clears_expected["9"]' load.json)"
expect_eq "hot-unplug: it happened" "$([ $rounds -gt 0 ] && echo yes)" yes
diag "hot-unplug: $rounds rounds"

# What was counted on a processor that is away now stays counted.
start_run || not_ok "run" "not attached"
taskset 2 zeroscope load --json --kind thp --count 20 >load.json 2>load.err
echo 0 >$cpu1
zeroscope load --json --kind thp --count 10 >/dev/null 2>load.err
stop_run
echo 1 >$cpu1
expect_eq "away: its clears stay" "$(counted thp 9)" 30
expect_whole "away"
