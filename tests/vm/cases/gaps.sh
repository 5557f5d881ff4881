# SPDX-License-Identifier: GPL-2.0-only
# Gaps against ftrace's own sched_switch events between entry and return of the same function in the
# same run: number, causes and durations agree, under every preemption model that the kernel can
# be switched to, on one processor that is shared with a busy neighbour and a real-time waker. And
# against the scheduler's own bookkeeping, sched_info. The clock counts instructions.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# icount: yes
# memory: 1024
# timeout: 1800
# files: /usr/bin/jq /usr/bin/cyclictest tests/vm/guest/measure.sh build/tests/guest/gap-oracle
. /root/measure.sh

T=/sys/kernel/tracing
trace=$T/instances/gaps
model_file=/sys/kernel/debug/sched/preempt
function=folio_zero_user
kernel_has $function || function=clear_huge_page
# What each tracer runs between its own look at the clock and the other's: instructions.
edge=8000

trace_prepare() {
	{
		echo "p:gaps/in $function"
		echo "r:gaps/out $function"
		echo "p:gaps/irq preempt_schedule_irq"
		echo "p:gaps/cond __cond_resched"
	} >$T/kprobe_events || return 1
	mkdir -p $trace || return 1
	echo mono >$trace/trace_clock
	echo 65536 >$trace/buffer_size_kb
	echo 1 >$trace/options/event-fork
	for event in gaps/in gaps/out gaps/irq gaps/cond sched/sched_switch; do
		echo 1 >$trace/events/$event/enable || return 1
	done
}

# fault ORDER COUNT THREADS: followed by both tracers; ftrace's opinion is added to oracle.ORDER
fault() {
	echo >$trace/trace
	sh -c "echo \$\$ >$trace/set_event_pid; echo 0 >${measure_cgroup:?}/cgroup.procs
		exec gap-oracle fault $1 $2 $3" || not_ok "$run: order $1 is faulted" "status $?"
	echo 0 >$trace/tracing_on
	gap-oracle read $trace $edge >>"oracle.$1" || not_ok "$run: the trace is read" "status $?"
	expect_eq "$run, order $1: ftrace lost nothing" \
		"$(grep '^overrun: [1-9]\|^dropped events: [1-9]' $trace/per_cpu/cpu0/stats)" ""
	echo 1 >$trace/tracing_on
	echo >$trace/set_event_pid
}

# by_ftrace ORDER: what fault() added up, as assignments
by_ftrace() {
	awk -F '[= ]' '{
		for (i = 1; i < NF; i += 2)
			n[$i] = $i != "o_most" ? n[$i] + $(i + 1) : n[$i] > $(i + 1) ? n[$i] : $(i + 1)
	}
	END { for (name in n) printf "%s=%.0f ", name, n[name] }' "oracle.$1"
}

# by_tool ORDER: what the tool has of it, as assignments
by_tool() {
	total "
		def gap(\$c): [.gaps[]? | select(.order == $1 and .cause == \$c) | .count] | add // 0;
		def clear(f): [.clears[]? | select(.order == $1) | f] | add // 0;
		[\"clears=\\(clear(.count)) resched=\\(gap(\"resched\")) preempt=\\(gap(\"preempt\"))\",
		 \"blocked=\\(gap(\"blocked\")) wall=\\(clear(.wall.sum)) on_cpu=\\(clear(.on_cpu.sum))\",
		 \"gap=\\([.gaps[]? | select(.order == $1) | .sum] | add // 0)\"] | join(\" \")"
}

# agree ORDER: both opinions of it
agree() {
	name="$run, order $1"
	clears='' resched='' preempt='' blocked='' wall='' on_cpu='' gap=''
	o_clears='' o_unpaired='' o_most='' o_edge='' o_edge_ns='' o_outside='' o_outside_ns=''
	o_resched='' o_preempt='' o_blocked='' o_resched_ns='' o_preempt_ns='' o_blocked_ns=''
	# shellcheck disable=SC2046 # assignments
	eval $(by_ftrace "$1") $(by_tool "$1")
	all=$((resched + preempt + blocked)) o_all=$((o_resched + o_preempt + o_blocked))
	o_gap=$((o_resched_ns + o_preempt_ns + o_blocked_ns))
	diag "$name: $o_clears clears; here/ftrace: resched $resched/$o_resched preempt $preempt/$o_preempt blocked $blocked/$o_blocked, $gap s/$o_gap ns; edge $o_edge, $o_edge_ns ns, outside $o_outside, $o_outside_ns ns"
	expect_eq "$name: clears as ftrace has them" "$((clears + $(lost)))" "$o_clears"
	expect_eq "$name: each in ftrace has both ends" "$o_unpaired" 0
	expect_eq "$name: there were gaps" "$([ "$o_all" -ge 20 ] && echo yes)" yes
	slack=0
	case $tier:$model in
	kprobe:* | *:none | *:voluntary)
		# Either nothing can come between the two tracers' windows, or both are handlers
		# of the same kprobe: exact.
		expect_eq "$name: resched, preempt, blocked" "$resched,$preempt,$blocked" \
			"$o_resched,$o_preempt,$o_blocked"
		;;
	*)
		# What is between their windows can be preempted, whichever is the outer one.
		expect_between "$name: preempt" "$preempt" \
			$((o_preempt - o_edge - $(lost) * o_most)) $((o_preempt + o_outside))
		expect_eq "$name: resched, blocked" "$resched,$blocked" "$o_resched,$o_blocked"
		slack=$((o_edge_ns + o_outside_ns))
		;;
	esac
	near "$name: durations within 1 %" "$(awk "BEGIN { printf \"%d\", $gap * 1e9 }")" "$o_gap" 0.01 $slack
	near "$name: on-CPU time is what ftrace's gaps leave, within 1 %" "$on_cpu" \
		"$(awk "BEGIN { printf \"%.9f\", $wall - $o_gap / 1e9 }")" 0.01 "$(awk "BEGIN { print $slack / 1e9 }")"
	all_gaps=$((all_gaps + all))
	all_clears=$((all_clears + o_clears))
}

# compare OPTION…: a run under the model, with two threads that fault
compare() {
	all_gaps=0
	run="$model${*:+ $*}"
	start_run -c /measured -i 600s "$@" || { not_ok "$run" "not attached"; return; }
	rm -f oracle.*
	fault 9 20 2
	orders=9
	if [ -d "$THP/hugepages-16kB" ]; then
		write_sysfs $THP/hugepages-16kB/enabled madvise
		write_sysfs $THP/hugepages-2048kB/enabled never
		rounds=0
		while [ $rounds -lt "${GAPS_ROUNDS:-1}" ]; do
			fault 2 "$faults" 2
			rounds=$((rounds + 1))
		done
		write_sysfs $THP/hugepages-2048kB/enabled inherit
		orders="9 2"
	else
		skip "$run, order 2" "this kernel has no mTHP"
	fi
	stop_run
	expect_eq "$run: run ends well" "$run_status" 0
	tier=$(total '.probes[] | select(.name | test("^(folio_zero_user|clear_huge_page)$")) | .tier')
	for order in $orders; do
		agree $order
	done
	expect_eq "$run: the gaps' histograms have them all" \
		"$(total '[.gap[]?.duration.count] | add // 0')" $all_gaps
	near "$run: as many gaps as sched_info counts, within 1 in 100000" $all_gaps \
		"$(total .gaps_counted)" 0.00001 0
	expect_eq "$run: nothing is negative" "$(total '
		[.clears[] | .wall.sum, .on_cpu.sum, .wall.sum - .on_cpu.sum,
		 (.wall.buckets[], .on_cpu.buckets[])[1], .wall.count - .on_cpu.count] +
		[.gaps[]?.sum, .gap[]?.duration.sum] | all(. >= 0)')" true
	diag "$run: lost $(lost), by $tier"
}

# by_account: the same clears at the same time by another that has sched_info alone, with folios so
# small that a switch comes soon after it is asked for: that wait is in the scheduler's account too.
by_account() {
	run="$model, two at once"
	start_run -c /measured -i 600s || { not_ok "$run" "not attached"; return; }
	seen_pid=$run_pid
	mv run.json seen.json
	start_run -c /measured -i 600s --no-gaps || { not_ok "$run" "not attached"; return; }
	sh -c "echo 0 >${measure_cgroup:?}/cgroup.procs; exec gap-oracle fault 9 20 2"
	stop_run
	accounted=$(on_cpu_share)
	kill -INT "$seen_pid"
	wait "$seen_pid"
	tail -n 1 seen.json >totals.json
	seen=$(on_cpu_share)
	diag "$run: share on the CPU $seen by gaps, $accounted by sched_info"
	near "$run: on-CPU time is sched_info's within 1 %" "$seen" "$accounted" 0.01 0
	expect_eq "$run: and clears were off it" "$(awk "BEGIN { print $seen < 0.9 }")" 1
}

# on_cpu_share: of the wall time of all clears of order 9
on_cpu_share() {
	total '[.clears[] | select(.order == 9)] | (map(.on_cpu.sum) | add) / (map(.wall.sum) | add)'
}

trace_prepare || { not_ok "ftrace" "the events cannot be had"; return; }
sh -c 'while :; do :; done' &
busy=$!
cyclictest -q -t 1 -p 50 -i 1000 >/dev/null &
waker=$!

all_clears=0
own=$(preempt_model)
models=$own faults=${GAPS_FAULTS:-5000}
case $(uname -r) in
6.12.*) models="none voluntary full" faults=${GAPS_FAULTS:-17000} ;;
esac
for model in $models; do
	[ "$model" = "$own" ] || echo "$model" >$model_file
	compare
	# Where another tier is preferred, also by the one whose window is ftrace's to the instruction.
	case $tier:$model in
	kprobe:* | *:none | *:voluntary) ;;
	*) compare --tier kprobe ;;
	esac
done
[ "$own" = unknown ] || echo "$own" >$model_file
model=$own
by_account
check "the neighbours were there all the time" kill -0 $busy $waker
diag "$all_clears clears"
