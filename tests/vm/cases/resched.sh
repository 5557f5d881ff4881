# SPDX-License-Identifier: GPL-2.0-only
# How long clearing keeps others waiting: what a periodic waker measures itself (cyclictest) agrees
# with the tail of the resched delay, which names it; and a task that shares the processor is asked
# for and answered as often as a clear is left for it. The clock counts instructions.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# icount: yes
# memory: 1024
# timeout: 900
# files: /usr/bin/jq /usr/bin/cyclictest tests/vm/guest/measure.sh
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

# What the waker suffers in a clear it suffers as its own latency: none of the delays that name it
# may be longer than the longest that it measured itself. That one may have had another cause.
beside 50 cyclictest -q -t 1 -p 80 -i 1700 -h 100000
own=$(sed -n 's/^# Max Latencies: 0*\([0-9]\)/\1/p' other.out)
seen=$(delay '[.resched_delay.now.max_since_attach | select(. != null and .comm == "cyclictest") | .seconds] | max // 0 | . * 1e6 | floor')
diag "a real-time waker: its own worst ${own:-unknown} us, its worst resched delay $seen us"
expect_eq "a real-time waker: requests are seen" "$(delay '.resched_delay.now.count > 0')" true
expect_eq "a real-time waker: none is longer than it knows of" "$([ "$seen" -le $((own + 5)) ] && echo yes)" yes
