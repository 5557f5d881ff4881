# SPDX-License-Identifier: GPL-2.0-only
# What only a kernel with kernel-patch/ tells: the extents of a clear, by its tracepoint and in the
# number that its arithmetic demands, and a huge zero folio that is never freed and has no ledger.
# kernel: patched
# cmdline: init_on_alloc=0 hugepagesz=1G hugepages=1 default_hugepagesz=2M
# memory: 5120
# timeout: 900
# files: /usr/bin/jq tests/vm/guest/measure.sh build/tests/guest/zero-holder
. /root/measure.sh

model_file=/sys/kernel/debug/sched/preempt

# extents ORDER: number, pages, the largest power of two that holds the pages of each
extents() {
	total "[.extents[]? | select(.order == $1) | .count, .pages.count, .pages.sum] | @csv"
}

# measure_extents NAME ORDER FOLIOS EXTENTS-A-FOLIO LOAD-OPTION…
measure_extents() {
	name=$1 order=$2 folios=$3 each=$4
	shift 4
	start_run -c /measured || { not_ok "$name" "not attached"; return; }
	load_in_cgroup --order "$order" --count "$folios" "$@"
	status=$?
	stop_run
	expect_eq "$name: load" $status 0
	[ $status -eq 0 ] || diag "$(cat load.err)"
	expect_eq "$name: run ends well" "$run_status" 0
	expect_eq "$name: clears" "$(total '[.clears[].count] | add')" "$folios"
	expect_eq "$name: extents, and all pages are in them" "$(extents "$order")" \
		"$((folios * each)),$((folios * each)),$((folios << order))"
	expect_eq "$name: bytes" "$(total "[.clears[] | select(.order == $order) | .bytes] | add")" \
		$((folios << (order + 12)))
	# An extent that is interrupted where it can be is counted and not timed.
	case $model in
	none | voluntary) expect_eq "$name: each is timed" "$(total '.extents[0].wall.count')" $((folios * each)) ;;
	esac
	expect_eq "$name: an extent lasts no longer than its clear" \
		"$(total '([.extents[].wall.sum] | add) <= ([.clears[].wall.sum] | add)')" true
	expect_eq "$name: nothing lost" "$(lost)" 0
	diag "$name: $(extents "$order"), by pages $(total "[.extents[] | select(.order == $order) | .pages.buckets] | tojson")"
}

expect_eq "the tracepoint is what is attached" "$(zeroscope run --json -d 100ms 2>/dev/null |
	jq -r '.probes[] | select(.name | test("extent")) | "\(.attached) \(.tier)"' | tail -n 1)" \
	"true tp_btf"
for model in voluntary full; do
	echo $model >$model_file
	# What lies right of the fault, nothing left of it, and the neighbourhood of five pages, or
	# of three at the end of the folio, last.
	measure_extents "$model, 2 MiB from the first page" 9 16 2 --kind thp --touch first
	measure_extents "$model, 2 MiB from the last page" 9 16 2 --kind thp --touch last
	# Where nothing can preempt it, an extent is 32 MiB at most: 262141 / 8192, rounded up, and 1.
	[ $model = voluntary ] && gigantic=33 || gigantic=2
	measure_extents "$model, 1 GiB" 18 1 $gigantic --kind hugetlb --touch first
done
echo voluntary >$model_file

# It is named, and nothing is said about references that nobody counts.
start_run || { not_ok "zero folio" "not attached"; exit; }
zero-holder read
zero-holder again=3
zeroscope holders >holders.txt 2>holders.err
status=$?
zeroscope holders --json >holders.json 2>holders.err
stop_run
expect_eq "persistent: it is named" "$(total .kernel.huge_zero)" persistent
expect_eq "persistent: no lifetimes, holds or references" \
	"$(total '.huge_zero // {} | [.refcount, .holders, .gets, .references_taken, .puts, .allocations,
		.reclaims, .reclaim_refusals, .hold, .lifetime, .oldest_seconds] | map(select(. != null)) | length')" 0
expect_eq "persistent: holders ends well" "$status" 0
expect_match "persistent: holders names it" "$(cat holders.txt)" persistent
expect_eq "persistent: holders has no count" "$(jq -c '[.refcount, .holders]' holders.json)" '[null,null]'
diag "$(head -n 3 holders.txt)"
