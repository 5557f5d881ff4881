# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# --node puts each folio on that node, whatever the CPU.
# cmdline: init_on_alloc=0
# memory: 1024
# numa: 2
# smp: 2
# timeout: 600
# files: tests/vm/guest/clear-trace.sh
. /root/clear-trace.sh

for node in 0 1; do
	for kind in "thp --count 32" "mthp --count 100" "shmem --count 8" \
		"hugetlb --count 16 --reserve" "memfd-hugetlb --count 16 --reserve"; do
		count=${kind#*--count } count=${count%% *}
		# shellcheck disable=SC2086 # a list of options
		check_status "$kind on node $node: status" 0 load_result --kind $kind --node $node --threads 2
		expect_eq "$kind on node $node: placement" "$(values nodes)" "$node=$count "
	done
done
expect_eq "the pools are as before" \
	"$(cat /sys/devices/system/node/node*/hugepages/hugepages-2048kB/nr_hugepages | sort -u)" 0
