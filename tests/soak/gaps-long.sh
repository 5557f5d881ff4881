# SPDX-License-Identifier: GPL-2.0-only
# Ten million clears on a kernel, shared between its preemption models: as many gaps as the scheduler
# itself counts (sched_info), within 1 in 100000; on-CPU time that agrees within 1 %; as many clears
# as were faulted. Too many for ftrace, which vm/gaps compares with. The clock counts instructions,
# and clear_page() stores 8 bytes with each: with one a byte, QEMU takes four times as long.
# kernel: debian-6.12 debian-7
# cmdline: init_on_alloc=0 clearcpuid=erms
# icount: yes
# memory: 1024
# files: /usr/bin/jq /usr/bin/cyclictest tests/vm/guest/measure.sh build/tests/guest/gap-oracle
. /root/measure.sh

model_file=/sys/kernel/debug/sched/preempt
clears=${GAPS_CLEARS:-10000000}
# Folios that one of two threads faults between two lines that tell how far it is.
each=100000

# gaps_of FIELD: over all orders and causes
gaps_of() {
	total "[.gaps[]?.$1] | add // 0"
}

# off_cpu FILE: seconds that clears were off the CPU, by the totals in it
off_cpu() {
	jq '[.clears[] | .wall.sum - .on_cpu.sum] | add' "$1"
}

# long_run MODEL CLEARS: seen by two at the same time, of which one has the scheduler's account alone
long_run() {
	faulted=0
	start_run -c /measured -i 3600s --no-gaps || { not_ok "$1" "not attached"; return; }
	accountant=$run_pid
	mv run.json account.json
	start_run -c /measured -i 3600s || { not_ok "$1" "not attached"; return; }
	while [ $faulted -lt "$2" ]; do
		(
			echo 0 >"$measure_cgroup/cgroup.procs"
			exec gap-oracle fault 2 $each 2
		) || { not_ok "$1: faulted" "status $?"; break; }
		faulted=$((faulted + 2 * each))
		[ $((faulted % 1000000)) -ne 0 ] || diag "$1: $faulted"
	done
	stop_run
	expect_eq "$1: run ends well" "$run_status" 0
	kill -INT "$accountant"
	wait "$accountant"
	tail -n 1 account.json >account.totals
	expect_eq "$1: clears and losses are what was faulted" \
		"$(($(total '[.clears[]? | select(.order == 2) | .count] | add // 0') + $(lost)))" $faulted
	expect_eq "$1: histogram + loss = count" $(($(histogrammed) + $(lost))) $faulted
	gaps=$(gaps_of count)
	near "$1: as many gaps as sched_info counts, within 1 in 100000" "$gaps" \
		"$(total .gaps_counted)" 0.00001 0
	expect_eq "$1: the gaps' histograms have them all" \
		"$(total '[.gap[]?.duration.count] | add // 0')" "$gaps"
	wall=$(total '[.clears[].wall.sum] | add')
	near "$1: on-CPU time is sched_info's within 1 %" \
		"$(awk -v w="$wall" -v g="$(gaps_of sum)" 'BEGIN { printf "%.9f", w - g }')" \
		"$(awk -v w="$wall" -v o="$(off_cpu account.totals)" 'BEGIN { printf "%.9f", w - o }')" \
		0.01 0
	expect_eq "$1: nothing is negative" "$(total '
		[.clears[] | .wall.sum, .on_cpu.sum, .wall.sum - .on_cpu.sum,
		 (.wall.buckets[], .on_cpu.buckets[])[1], .wall.count - .on_cpu.count] +
		[.gaps[]?.sum, .gap[]?.duration.sum] | all(. >= 0)')" true
	diag "$1: $faulted clears, $gaps gaps, sched_info has $(total .gaps_counted), lost $(lost), by $(
		total '.probes[] | select(.name == "folio_zero_user") | .tier')"
}

if ! [ -d "$THP/hugepages-16kB" ]; then
	skip "ten million clears" "this kernel has no mTHP"
	return
fi
write_sysfs "$THP/hugepages-16kB/enabled" madvise
write_sysfs "$THP/hugepages-2048kB/enabled" never
# Before the kernel has found its clock, the waker would wait for a tick.
until grep -q 'resolution: 1 nsecs' /proc/timer_list; do
	usleep 10000
done
cyclictest -q -t 1 -p 50 -i 1000 >/dev/null &
waker=$!
# What is in parentheses is in force.
models=$(tr -d '()' <$model_file)
count=$(echo "$models" | wc -w)
for model in $models; do
	echo "$model" >$model_file
	long_run "$model" $((clears / count))
done
check "the waker was there all the time" kill -0 $waker
