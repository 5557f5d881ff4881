# SPDX-License-Identifier: GPL-2.0-only
# How long clearing keeps others waiting: what a periodic waker measures itself (cyclictest) agrees
# with the tail of the resched delay, which names it; and a task that shares the processor is asked
# for and answered as often as a clear is left for it. The clock counts instructions.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# icount: yes
# memory: 1024
# timeout: 900
# files: /usr/bin/jq /usr/bin/cyclictest tests/vm/guest/measure.sh build/tests/guest/gap-oracle
. /root/measure.sh

# delay QUERY: a value of the resched delay, now and lazy together as $d
delay() {
	total "[.resched_delay.now, .resched_delay.lazy // empty] as \$d | $1"
}

# beside COUNT COMMAND…: the clears of load, while COMMAND runs on the same processor
beside() {
	b_count=$1
	shift
	start_run -i 600s || { not_ok "run" "not attached"; return 1; }
	"$@" >other.out 2>other.err &
	b_pid=$!
	zeroscope load --json --kind thp --count "$b_count" >load.json 2>load.err || diag "$(cat load.err)"
	kill $b_pid
	wait $b_pid
	stop_run
	diag "$(total '.resched_delay | "\(.source): now \(.now.count), lazy \(.lazy.count? // "not told"), outlived \(.outlived)"')"
}

kernel_model=$(preempt_model)
diag "preemption: $kernel_model"

beside 50 sh -c 'while :; do :; done'
expect_eq "requests of a neighbour are seen" "$(delay '[$d[].count] | add > 0')" true
expect_eq "the maximum says who waited" \
	"$(delay '[$d[].max_since_attach | select(. != null) | .comm != ""] | all')" true
# A request that was answered within its clear made a gap, and a gap had a request: a lazy one that
# became urgent is two, one made before the clear began is none.
expect_eq "answers within clears are gaps" \
	"$(delay '.resched_delay.outlived as $o | ([.gaps[].count] | add // 0) as $g
		| .resched_delay.now.count as $n | ([$d[].count] | add) as $all
		| if $n - $o <= $g and $all >= $g * 0.9 - 2 then "yes"
		  else "\($n) urgent, \($all) in all, \($o) outlived, \($g) gaps" end')" yes
case $kernel_model in
lazy) expect_eq "lazy requests are told apart" "$(delay '.resched_delay.lazy.count > 0')" true ;;
*) expect_eq "there are no lazy requests here" "$(delay .resched_delay.lazy)" null ;;
esac

# What the waker suffers in a clear it suffers as its own latency, and beside a task that does
# nothing but clear little else: the longest delay is no longer than the longest latency that it
# measured itself. Nor is it shorter than it takes to clear a page, which is an instruction a byte
# here, where nothing is preempted in between. (Longer ones, from both sides, are in resched-tail.sh.)
start_run -i 600s || { not_ok "run" "not attached"; return; }
cyclictest -q -t 1 -p 80 -i 300 -h 100000 >other.out 2>other.err &
waker=$!
gap-oracle fault 9 60 1
kill $waker
wait $waker
stop_run
own=$(sed -n 's/^# Max Latencies: 0*\([0-9]\)/\1/p' other.out)
seen=$(delay '[.resched_delay.now.max_since_attach | select(. != null) | .seconds] | max // 0 | . * 1e6 | floor')
diag "a real-time waker: its own worst ${own:-unknown} us, the worst resched delay $seen us of $(delay '.resched_delay.now.max_since_attach.comm'), $(delay '.resched_delay.now | .count, .quantiles["0.999"]|tojson') $(grep '^[0-9]' other.out | awk '$2 > 0' | tail -n 8 | xargs)"
expect_eq "a real-time waker: requests are seen" "$(delay '.resched_delay.now.count > 0')" true
case $kernel_model in
none | voluntary) page_us=4 ;;
*) page_us=0 ;;
esac
expect_between "a real-time waker: the longest delay is in its longest latency" "$seen" $page_us $((own + 5))
