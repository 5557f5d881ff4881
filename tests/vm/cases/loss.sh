# SPDX-License-Identifier: GPL-2.0-only
# What has no room is counted where it belongs: each table is filled up while the tool runs, and
# memory for the storage of tasks is refused to it. The count of clears stays exact, the rest is
# storage_full, and the result is a floor. (The ring buffer's overflow is in slow.sh.)
# kernel: debian-6.1 debian-6.12 debian-7
# memory: 2048
# timeout: 900
# files: /usr/bin/jq /usr/sbin/bpftool tests/vm/guest/measure.sh build/tests/guest/zero-holder
. /root/measure.sh

bpftool=/usr/sbin/bpftool

# fill MAP ENTRIES VALUE-BYTES: with keys that are no address
fill() {
	id=$($bpftool -j map show | jq ".[] | select(.name == \"$1\") | .id")
	awk -v id="$id" -v n="$2" -v bytes="$3" 'BEGIN {
		for (b = 0; b < bytes; b++)
			value = value (b ? " 00" : " 01")
		for (i = 1; i <= n; i++)
			printf "map update id %d key hex %02x %02x 00 00 00 00 00 00 value hex%s\n", id, i % 256, i / 256, value
	}' >batch
	# It stops at the entry that finds no room.
	$bpftool batch file batch >batch.out 2>&1
	grep -q 'No space\|Argument list too long\|processed' batch.out
}

# blamed NAME COUNT: all of it on storage_full, at least so much, and the result is a floor
blamed() {
	expect_between "$1: storage_full" "$(total .loss.storage_full)" "$2" 100000
	expect_eq "$1: no other cause" \
		"$(total '[.loss.recursion, .loss.missed // 0, .loss.unmatched, .loss.dropped] | add')" 0
	expect_eq "$1: the result is a floor" "$(total .floor)" true
	diag "$1: $(total '.loss | tojson')"
}

# The table of those who hold the huge zero folio: one of them finds no room.
start_run -i 600s || not_ok "run" "not attached"
check "holders: filled" fill zero_holders 16390 8
zero-holder read
stop_run
blamed "holders" 1
expect_eq "holders: the get is counted, the reference has no room" \
	"$(total '[.huge_zero.gets, .huge_zero.references_taken, .loss.storage_full] | @csv')" 1,0,1

# Open calls of the allocator, which on some kernels leaves nothing to do at the fault.
at_fault=24
kernel_has clear_highpages_kasan_tagged && at_fault=0
start_run -c /measured --allocator --tier fentry -i 600s || not_ok "run" "not attached"
check "allocator: filled" fill allocator_calls 4100 16
load_in_cgroup --kind thp --count 24
stop_run
blamed "allocator" 1
expect_eq "allocator: the clears themselves are all there" "$(counted thp 9),$(histogrammed)" \
	"$at_fault,$at_fault"
expect_eq "allocator: what was timed and what was not make all" "$(total '
	([.allocator[]? | select(.order == 9) | .wall.count] | add // 0) as $n |
	$n + .loss.storage_full >= 24 and $n < 24')" true

# Open clears, where a kernel brings no types: a table instead of task storage.
cp /sys/kernel/btf/vmlinux btf
mount -t tmpfs none /sys/kernel/btf
start_run -c /measured --btf btf -i 600s || not_ok "run" "not attached"
check "open clears: filled" fill opens 16390 64
load_in_cgroup --kind hugetlb --count 24 --reserve
stop_run
umount /sys/kernel/btf
blamed "open clears" 24
expect_eq "open clears: count, and what was timed" "$(counted hugetlb 9),$(histogrammed)" 24,0
expect_eq "open clears: histogram + loss = count" $(($(histogrammed) + $(lost))) 24

# Task storage is charged to the group in which the tool started: one without room refuses it.
# The tool itself, which has nothing to do meanwhile, is not to be killed for it.
group=/sys/fs/cgroup/tool
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p $group
echo 0 >$group/cgroup.procs
echo -1000 >/proc/self/oom_score_adj
start_run -c /measured --no-gaps -i 600s || not_ok "run" "not attached"
echo 0 >/sys/fs/cgroup/cgroup.procs
echo 0 >/proc/self/oom_score_adj
echo 64k >$group/memory.max
load_in_cgroup --kind hugetlb --count 128 --threads 64 --reserve
echo max >$group/memory.max
stop_run
case $(uname -r) in
6.1.*)
	# It takes this memory as if from the reserve, which no limit of a group holds up.
	skip "task storage: storage_full" "this kernel charges it beyond a group's limit"
	;;
*) blamed "task storage" 1 ;;
esac
expect_eq "task storage: count" "$(counted hugetlb 9)" "$(jq -r '.clears_expected["9"]' load.json)"
expect_eq "task storage: histogram + loss = count" $(($(histogrammed) + $(lost))) "$(counted hugetlb 9)"
