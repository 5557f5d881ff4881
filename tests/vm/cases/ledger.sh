# SPDX-License-Identifier: GPL-2.0-only
# The ledger of the huge zero folio: each way to take and to give back a reference keeps holders + 1
# equal to the kernel's count, which is known here from the number of processes that were started.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 900
# files: /usr/bin/jq tests/vm/guest/measure.sh build/tests/guest/zero-holder
. /root/measure.sh

holder=/usr/local/bin/zero-holder
started=0
: >held

# hold COUNT PROCESSES STEP…: that many programs, each of which ends up as so many processes
hold() {
	copies=$1
	started=$((started + copies * $2))
	shift 2
	while [ "$copies" -gt 0 ]; do
		$holder "$@" hold >>held &
		copies=$((copies - 1))
	done
	deadline=$(($(date +%s) + 120))
	until [ "$(grep -c ^held held)" = $started ]; do
		if [ "$(date +%s)" -ge $deadline ]; then
			not_ok "started: $*" "$(cat held)"
			return
		fi
		usleep 20000
	done
}

# pids FIRST LAST: of those lines of what was started
pids() {
	sed -n "$1,$2s/held //p" held
}

# near_enough GOT WANTED: equal, or less by what is known to be lost where programs can be preempted,
# so that those on kprobes can be skipped: three in a thousand references on a busy 7.3
near_enough() {
	[ "$1" != "$2" ] || return 0
	case $(preempt_model) in
	none | voluntary) return 1 ;;
	esac
	case $1$2 in
	*[!0-9]*) return 1 ;;
	esac
	[ "$1" -lt "$2" ] && [ "$1" -ge $(($2 - $(lost))) ]
}

# expect_counted NAME GOT WANTED: what counts events and not the state that they lead to
expect_counted() {
	check "$1: $2 of $3" near_enough "$2" "$3"
}

# expect_same NAME A B: two numbers of events, either of which can lack what is lost
expect_same() {
	if near_enough "$2" "$3"; then
		ok "$1: $2 and $3"
	else
		expect_counted "$1" "$3" "$2"
	fi
}

# expect_nothing_lost NAME FILTER: by cause, of those that it leaves
expect_nothing_lost() {
	case $(preempt_model) in
	none | voluntary)
		expect_eq "$1" "$(total ".loss | $2 | with_entries(select((.value | numbers) > 0)) |
			to_entries | map(\"\\(.key) \\(.value)\") | join(\", \")")" ""
		;;
	esac
}

# become NAME QUERY WANTED: the totals come to that, and within two minutes. totals.json has those of
# the snapshot that follows, since one reads its counters before its gauges.
become() {
	deadline=$(($(date +%s) + 120))
	until tail -n 1 run.json >totals.json && got=$(total ".huge_zero | $2" 2>/dev/null) &&
		near_enough "$got" "$3"; do
		if [ "$(date +%s)" -ge $deadline ]; then
			break
		fi
		usleep 100000
	done
	expect_counted "$1" "$got" "$3"
	lines=$(wc -l <run.json)
	while [ "$(wc -l <run.json)" -le "$lines" ] && [ "$(date +%s)" -lt $deadline ]; do
		usleep 50000
	done
	tail -n 1 run.json >totals.json
}

# balance NAME HOLDERS: and the refcount is one more
balance() {
	become "$1: $2 holders, refcount $(($2 + 1))" '[.holders, .refcount] | @csv' "$2,$(($2 + 1))"
}

zero() {
	total ".huge_zero.$1"
}

drop_slab() {
	echo 2 >/proc/sys/vm/drop_caches
}

write_sysfs $THP/enabled madvise
drop_slab
zeroscope holders --json >holders.json
expect_eq "holders: status without a folio" $? 0
expect_eq "holders: no folio" "$(jq -c '[.refcount, .holders, .pinned_bytes, .processes]' holders.json)" \
	'[0,0,0,[]]'

# Four from before.
hold 4 1 read
zeroscope holders --json >holders.json
expect_eq "holders: status" $? 0
expect_eq "holders: the processes that read" "$(jq -r '.processes[].pid' holders.json | sort)" \
	"$(pids 1 4 | sort)"
expect_eq "holders: refcount, pinned, age" \
	"$(jq -c '[.refcount, .pinned_bytes, .processes[0].comm, .processes[0].age_seconds]' holders.json)" \
	"[5,$(cat $THP/hpage_pmd_size),\"zero-holder\",null]"
vmstat_allocated=$(vmstat_get thp_zero_page_alloc)
start_run -i 200ms || { not_ok "run" "not attached"; exit; }
balance "attached after four had read" 4
expect_eq "the oldest is from before" "$(zero oldest_at_least)" true

hold 8 1 read
balance "eight more" 12
expect_counted "references taken" "$(zero references_taken)" 8
expect_eq "no reader has any of it in its RSS" \
	"$(for pid in $(pids 5 12); do awk '/^AnonHugePages/ { s += $2 } END { print s }' "/proc/$pid/smaps"; done |
		sort -u)" 0
zeroscope holders >holders.txt
expect_eq "holders: known ages, and before start" \
	"$(grep -c 'zero-holder *[0-9][0-9.]* [a-z]* ' holders.txt),$(grep -c 'before start' holders.txt)" 8,4
diag "$(cat holders.txt)"
# It learns the flag of holders from a child that reads once.
become "holders: takes one reference and gives it back" '[.references_taken, .puts] | @csv' 9,1
# shellcheck disable=SC2046 # words
kill $(pids 5 8)
balance "half of them end" 8
expect_eq "their holds" "$(zero hold.count)" 5
# shellcheck disable=SC2046
kill -KILL $(pids 1 4)
balance "those from before are killed" 4
expect_eq "they have no hold time" "$(zero hold.count),$(zero puts)" 5,9
expect_eq "the oldest is known" "$(zero oldest_at_least)" false

hold 1 2 read fork
balance "fork after the read" 6
hold 1 2 fork read
balance "fork before the read" 8
hold 1 1 read exec
balance "exec gives it back" 8
hold 1 1 read exec read
balance "and the new program takes its own" 9
hold 1 1 read vfork
balance "vfork takes none" 10
gets=$(zero gets) taken=$(zero references_taken)
hold 1 1 threads=16
balance "sixteen threads take one" 11
expect_counted "one reference taken" $(($(zero references_taken) - taken)) 1
expect_eq "by sixteen gets" $(($(zero gets) - gets)) 16

echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/small
echo 32M >/sys/fs/cgroup/small/memory.max
taken=$(zero references_taken)
(
	echo 0 >/sys/fs/cgroup/small/cgroup.procs
	exec $holder read eat
)
expect_eq "out of memory: killed" $? 137
become "out of memory: it had taken one" .references_taken $((taken + 1))
balance "out of memory: given back" 11

repetitions=${LEDGER_REPETITIONS:-50}
taken=$(zero references_taken)
$holder again="$repetitions"
become "$repetitions readers one after the other" .references_taken $((taken + repetitions))
balance "no drift" 11
expect_same "before + taken = holders + puts" $((4 + $(zero references_taken))) $((11 + $(zero puts)))

expect_nothing_lost "nothing lost" .

# Refused while it is held, by a request and by kswapd, which takes the memory away.
drop_slab
become "the shrinker is refused" '.reclaim_refusals > 0' true
refused=$(zero reclaim_refusals)
woken=$(vmstat_get pageoutrun)
free=$(awk '$1 == "MemFree:" { print $2 }' /proc/meminfo)
reserve=$(cat /proc/sys/vm/min_free_kbytes)
echo $((free / 2)) >/proc/sys/vm/min_free_kbytes
echo 1000 >/proc/sys/vm/watermark_scale_factor
mkdir fill
mount -t tmpfs -o size=95% none fill
i=0
while [ "$(vmstat_get pageoutrun)" = "$woken" ] &&
	[ "$(awk '$1 == "MemFree:" { print $2 }' /proc/meminfo)" -gt $((free / 2)) ] &&
	dd if=/dev/zero of=fill/$i bs=1M count=16 2>/dev/null; do
	i=$((i + 1))
done
become "and under memory pressure" ".reclaim_refusals > $refused" true
umount fill
echo 10 >/proc/sys/vm/watermark_scale_factor
echo "$reserve" >/proc/sys/vm/min_free_kbytes
expect_eq "nothing was freed" "$(zero reclaims)" 0
zeroscope holders --json >holders.json
expect_eq "holders: tells the refusal" "$(jq '.last_refusal_seconds != null' holders.json)" true

# shellcheck disable=SC2046
kill -KILL $(pids 9 99) 2>/dev/null
balance "all are killed" 0
drop_slab
become "reclaimed" '[.refcount, .reclaims, .lifetime.count] | @csv' 0,1,0
$holder read
become "allocated again" '[.refcount, .allocations] | @csv' 1,1
drop_slab
become "its lifetime" '[.refcount, .reclaims, .lifetime.count] | @csv' 0,2,1
stop_run
expect_eq "run ends well" $run_status 0
expect_eq "allocations are vmstat's" "$(zero allocations)" \
	$(($(vmstat_get thp_zero_page_alloc) - vmstat_allocated))
expect_eq "no allocation failed" "$(zero allocation_failures)" 0
expect_same "all holds have ended" "$(zero hold.count)" "$(zero references_taken)"
expect_nothing_lost "nothing lost but what there was no memory for" 'del(.storage_full)'
diag "lost: $(total .loss | tr -d " \n")"
expect_eq "the numbers never kept differing" \
	"$(jq -s 'map(select(.huge_zero.holders_reason)) | length' run.json)" 0
diag "$(total '.probes[] | select(.name | test("zero")) | .name + " " + .tier')"
