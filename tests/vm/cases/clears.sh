# SPDX-License-Identifier: GPL-2.0-only
# Counts of clears are exact: every kind and order against what load itself counted, under every
# preemption model.
# kernel: debian-6.1 debian-6.12 debian-7
# matrix: default
# matrix[debian-6.12]: preempt=none preempt=voluntary preempt=full
# cmdline: init_on_alloc=0 hugepagesz=1G hugepages=1 default_hugepagesz=2M
# smp: 4
# memory: 3072
# timeout: 1200
# qemu: -cpu max,-erms
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

measure "one THP" thp 9 "" --kind thp --count 1
expect_eq "one THP: exactly one" "$(counted thp 9)" 1
# To clear a GiB takes half a minute of emulation.
case $(uname -r) in
6.12.*) many=512 ;;
*) many=64 ;;
esac
measure "$many THPs" thp 9 "" --kind thp --count $many
before=$(vmstat_get thp_fault_alloc)
name="4 x $((many / 2)) THPs"
measure "$name" thp 9 "" --kind thp --count $((2 * many)) --threads 4 --touch random
after=$(vmstat_get thp_fault_alloc)
expect_eq "$name: vmstat" $((after - before)) $((2 * many))
# What was lost is missing from what was seen, by its number.
expect_eq "coverage has no hole" "$(total '
	(.clears_total - ([.coverage[].seen // 0] | add)) as $lost |
	[.coverage[] | select(.what == "thp") | .kernel == .seen + $lost] | all')" true
measure "64 hugetlb 2 MiB" hugetlb 9 "" --kind hugetlb --count 64 --reserve
measure "1 hugetlb 1 GiB" hugetlb 18 "" --kind hugetlb --order 18 --count 1
if [ -d "$THP/hugepages-64kB" ]; then
	measure "200 mTHP 64 KiB" mthp 4 "" --kind mthp --order 4 --count 200
else
	skip "200 mTHP 64 KiB" "this kernel has no mTHP"
fi
measure "16 memfd-hugetlb" hugetlb 9 "" --kind memfd-hugetlb --count 16 --reserve
