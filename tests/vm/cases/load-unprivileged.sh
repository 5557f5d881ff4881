# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Without privileges load does what it can, tells orders from the pages that one touch mapped, and
# refuses what it cannot have.
# kernel: debian-6.12 debian-6.1
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 600
# files: tests/vm/guest/clear-trace.sh
. /root/clear-trace.sh

echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>/etc/passwd
chmod 0777 .

# as_nobody OPTION…
as_nobody() {
	su nobody -s /bin/sh -c 'zeroscope load --json "$@" >load.json 2>why' -- sh "$@"
}

# nobody_gets NAME ORDER FOLIOS CLEARS OPTION…
nobody_gets() {
	nobody_name=$1 nobody_order=$2 nobody_folios=$3 nobody_clears=$4
	shift 4
	rm -f load.json why
	trace_clears_begin
	check_status "$nobody_name: status" 0 as_nobody "$@"
	trace_clears_end
	cat load.json why
	flatten
	expect_eq "$nobody_name: oracle" "$(value oracle)" pagemap
	expect_eq "$nobody_name: folios" \
		"$(value "folios_by_order.$nobody_order")" "$nobody_folios"
	expect_eq "$nobody_name: clears expected" "$(sum clears_expected)" "$nobody_clears"
	expect_eq "$nobody_name: clears traced" "$(traced_calls)" "$nobody_clears"
}

nobody_gets "40 THPs" 9 40 40 --kind thp --count 40 --threads 2 --touch random
nobody_gets "40 THPs, read again" 9 40 40 --kind thp --count 40 --reread
nobody_gets "100 reads of the zero folio" 9 0 0 --kind thp --count 100 --read
expect_eq "the zero folio is mapped each time" "$(value zero_folio_mappings)" 100
echo 8 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
nobody_gets "8 hugetlb" 9 8 8 --kind hugetlb --count 8
expect_eq "the pool is dirtied without a clear" "$(value dirtied_by)" userfaultfd
echo 0 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
check_status "reserving needs root: status" 3 as_nobody --kind hugetlb --count 8 --reserve
expect_match "reserving needs root: why" "$(cat why)" 'nr_hugepages is 0; run as root'
if [ -e "$THP/hugepages-64kB" ]; then
	check_status "enabling mTHP needs root: status" 3 as_nobody --kind mthp
	expect_match "enabling mTHP needs root: why" "$(cat why)" 'enabled is never; run as root'
	echo madvise >"$THP/hugepages-64kB/enabled"
	nobody_gets "100 mTHP" 4 100 100 --kind mthp --count 100 --touch random
	nobody_gets "100 mTHP, read again" 4 100 100 --kind mthp --count 100 --reread
fi
