# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# load faults what it was asked for and says so rightly: each kind, held against a trace event on
# the clearing function and the kernel's counters.
# kernel: debian-6.12
# cmdline: init_on_alloc=0 hugepagesz=1G hugepages=1
# memory: 3072
# timeout: 900
# files: tests/vm/guest/clear-trace.sh
. /root/clear-trace.sh

# Out of the pool that was made at boot: later, 1 GiB in one piece is a matter of luck.
load_traced "1 hugetlb 1 GiB" 18 1 1 --kind hugetlb --order 18 --count 1
expect_eq "1 GiB of it was dirty" "$(value dirtied_bytes)" 1073741824
# A store hides the byte that it faults on, where the emulator makes two faults of an exchange.
expect_between "1 GiB of it was verified" "$(value verified_bytes)" \
	1073741823 1073741824

before=$(vmstat_get thp_fault_alloc)
load_traced "1 THP" 9 1 1 --kind thp --count 1
load_traced "64 THPs, 4 threads" 9 64 64 --kind thp --threads 4 --touch random
load_traced "5 THPs, 3 threads, last page" 9 5 5 --kind thp --count 5 --threads 3 --touch last
expect_eq "THPs as the kernel counts" $(($(vmstat_get thp_fault_alloc) - before)) 70
expect_eq "THPs were given dirty memory" "$(value dirtied_by)" pages

load_traced "300 reads of the zero folio" 9 0 0 --kind thp --read --count 300 --threads 2
expect_eq "the zero folio is mapped each time" "$(value zero_folio_mappings)" 300

load_traced "20 shmem" 9 20 0 --kind shmem --count 20
expect_eq "shmem as the kernel counts" "$(value vmstat.thp_file_alloc)" 20

load_traced "64 hugetlb 2 MiB" 9 64 64 --kind hugetlb --reserve --threads 2
expect_eq "the pool is dirtied without a clear" "$(value dirtied_by)" userfaultfd
load_traced "16 hugetlb 2 MiB by reading" 9 16 16 --kind hugetlb --reserve --read --count 16
load_traced "16 memfd-hugetlb" 9 16 16 --kind memfd-hugetlb --reserve --count 16
expect_eq "the pool is as before" "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 0

if [ -e "$THP/hugepages-64kB" ]; then
	for pair in 2:40 3:40 4:200 5:40 6:40 7:40 8:40; do
		order=${pair%:*} folios=${pair#*:}
		load_traced "$folios mTHP of order $order" "$order" "$folios" "$folios" \
			--kind mthp --order "$order" --count "$folios" --threads 2 --touch random
		expect_eq "mTHP of order $order as the kernel counts" \
			"$(value "mthp_stats.$order.anon_fault_alloc")" "$folios"
	done
	load_traced "odd number of mTHP" 2 33 33 --kind mthp --order 2 --count 33
else
	check_status "no mTHP in this kernel: status" 3 sh -c 'zeroscope load --kind mthp 2>refusal'
	expect_match "no mTHP in this kernel: why" "$(cat refusal)" 'no mTHP sizes .*6\.8'
fi
if [ -e "$THP/hugepages-64kB/shmem_enabled" ]; then
	load_traced "40 shmem of order 4" 4 40 0 --kind shmem --order 4 --count 40
fi
