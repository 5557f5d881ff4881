# SPDX-License-Identifier: GPL-2.0-only
# The tail of the resched delay, held from both sides against the wake-up latency that a real-time
# task (cyclictest) measures itself. Where the allocator zeroes 2 MiB in one go and nothing may
# preempt it, the delays are long, and whoever waited knows it. The clock counts instructions.
# kernel: debian-6.12
# icount: yes
# memory: 1024
# timeout: 900
# files: /usr/bin/jq /usr/bin/cyclictest tests/vm/guest/measure.sh build/tests/guest/gap-oracle
. /root/measure.sh

# What a wake-up costs besides: the timer's interrupt before the request, the switch and the way
# out to user mode after it, instructions.
wake_us=60
folios=200

# Who else is woken while a folio is cleared may ask before cyclictest does, or alone: the kernel's
# own event tells how often.
tracing=/sys/kernel/tracing
mountpoint -q $tracing || mount -t tracefs tracefs $tracing
echo 'comm != "cyclictest"' >$tracing/events/sched/sched_wakeup/filter
echo 1 >$tracing/events/sched/sched_wakeup/enable

start_run --allocator -i 600s || { not_ok "run" "not attached"; exit; }
cyclictest -q -t 1 -p 80 -i 700 -h 20000 >own.txt 2>own.err &
waker=$!
gap-oracle fault 9 $folios 1
kill $waker
wait $waker
echo 0 >$tracing/events/sched/sched_wakeup/enable
stop_run
others=$(grep -c '^ *gap-oracle-.*sched_wakeup' $tracing/trace)

# The waker's own latencies: "microseconds count"; the tool's delays: "bound-in-microseconds count".
grep '^[0-9]' own.txt | awk '$2 > 0 { print $1 + 0, $2 + 0 }' >own
total '.resched_delay.now.buckets[] | "\(.[0] * 1e6) \(.[1])"' >seen
own_max=$(sed -n 's/^# Max Latencies: 0*\([0-9]\)/\1/p' own.txt)
seen_max=$(total '.resched_delay.now.max_since_attach | .seconds * 1e6 | floor')
diag "$(preempt_model): longest latency of its own $own_max us, longest delay $seen_max us of $(total '.resched_delay.now.max_since_attach.comm'); allocator clears up to $(total '[.allocator[]? | .wall.max_since_attach.seconds] | max * 1e6 | floor') us"
expect_eq "the longest delay is the waker's" "$(total '.resched_delay.now.max_since_attach.comm')" cyclictest
# Less what the wake-up costs besides, or more by as much: somebody else may have asked just before.
expect_between "the longest delay is the waker's own longest latency" \
	"$seen_max" $((own_max - wake_us)) $((own_max + wake_us))
expect_eq "and it is long" "$([ "$seen_max" -gt 1000 ] && echo yes)" yes

# The ten longest latencies, one by one: each has its delay, which is no further from it than the
# wake-up and the width of its bucket, a factor of 1.044. A delay that is longer than the latency
# whose turn it is began with somebody else: as many as the kernel saw wake-ups of others, and five.
# And over each bound there are as many delays as there are latencies that are longer by the wake-up.
# (Short ones are left out: a delay ends with the clear, a latency with the switch that follows.)
awk -v wake=$wake_us -v others=$others '
	NR == FNR { own[$1] = $2; next }
	{ bound[++n] = $1; count[n] = $2 }
	END {
		for (us = 20000; us >= 0 && k < 10; us--)
			for (i = 0; i < own[us] && k < 10; i++)
				latency[++k] = us
		at = 1
		for (j = n; j > 0 && at <= k; j--)
			for (i = 0; i < count[j] && at <= k; i++) {
				if (latency[at] + 1 < bound[j] / 1.0443 - wake) {
					extra++
					continue
				}
				if (latency[at] > bound[j] + wake) {
					printf "%d: latency %d us, delay of the bucket up to %.0f us\n", at, latency[at], bound[j]
					bad = 1
				}
				at++
			}
		for (i = 1; i <= n; i++) {
			if (bound[i] < 150)
				continue
			above = longest = 0
			for (j = i + 1; j <= n; j++)
				above += count[j]
			for (us in own)
				if (us + 0 >= bound[i] + wake)
					longest += own[us]
			if (above < longest) {
				printf "over %.0f us: %d delays, %d latencies over %.0f us\n", bound[i], above, longest, bound[i] + wake
				bad = 1
			}
		}
		printf "%d compared, %d bounds, %d delays of others, who were woken %d times\n", at - 1, n, extra, others
		exit bad || at <= 10 || extra > others || extra > 5
	}' own seen >tail.txt
status=$?
diag "$(cat tail.txt)"
expect_eq "the tails agree" $status 0
expect_between "a latency in nearly every clear" "$(awk '$1 >= 150 { n += $2 } END { print n + 0 }' own)" $((folios / 2)) 100000
