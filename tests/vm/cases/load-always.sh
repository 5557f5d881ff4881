# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Where every size of huge page is on for everybody, load still gets the one order it was asked
# for, and nothing of its own but the arena becomes huge while it faults.
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: tests/vm/guest/clear-trace.sh
. /root/clear-trace.sh

echo always >"$THP/enabled"
echo always >"$THP/shmem_enabled"
for size in "$THP"/hugepages-*; do
	[ ! -e "$size/enabled" ] || echo always >"$size/enabled"
	[ ! -e "$size/shmem_enabled" ] || echo always >"$size/shmem_enabled"
done

# always_gives NAME ORDER FOLIOS CLEARS OPTION…: the program's own start-up gets huge pages here,
# before it can decline, so only its threads are counted.
always_gives() {
	trace_clears_begin
	always_name=$1 always_order=$2 always_folios=$3 always_clears=$4
	shift 4
	check_status "$always_name: status" 0 load_result "$@"
	trace_clears_end
	cat load.json clears
	expect_eq "$always_name: folios" "$(values folios_by_order)" "$always_order=$always_folios "
	expect_eq "$always_name: clears traced in load's threads" "$(traced_in_load)" "$always_clears"
}

always_gives "64 THPs" 9 64 64 --kind thp --threads 4
always_gives "50 mTHP of order 2" 2 50 50 --kind mthp --order 2 --count 50 --threads 2
always_gives "50 mTHP of order 4" 4 50 50 --kind mthp --order 4 --count 50 --touch last
always_gives "50 mTHP of order 8" 8 50 50 --kind mthp --order 8 --count 50 --touch random
always_gives "8 shmem" 9 8 0 --kind shmem --count 8
always_gives "50 shmem of order 4" 4 50 0 --kind shmem --order 4 --count 50
always_gives "8 hugetlb" 9 8 8 --kind hugetlb --reserve --count 8
