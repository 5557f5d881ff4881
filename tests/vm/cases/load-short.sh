# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# More folios than memory holds come in windows, each out of memory that load itself had dirtied;
# fewer folios than asked for is a failure that says what there was instead.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# memory: 768
# timeout: 900
# files: tests/vm/guest/clear-trace.sh
. /root/clear-trace.sh

load_traced "600 THPs in 768 MiB" 9 600 600 --kind thp --count 600 --threads 2
expect_between "600 THPs in 768 MiB: windows" "$(value windows)" 2 20
# A store hides the byte that it faults on, where the emulator makes two faults of an exchange.
expect_between "600 THPs in 768 MiB: verified" "$(value verified_bytes)" \
	$((600 * 2097152 - 600)) $((600 * 2097152))
expect_eq "600 THPs in 768 MiB: as the kernel counts" \
	"$(value vmstat.thp_fault_alloc)" 600
load_traced "80000 mTHP in 768 MiB" 2 80000 80000 --kind mthp --order 2 --count 80000 --threads 2
load_traced "500 shmem in 768 MiB" 9 500 0 --kind shmem --count 500
expect_between "500 shmem in 768 MiB: windows" "$(value windows)" 2 20

# A memory cgroup that has no room for all: the rest becomes single pages.
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/small
echo 40M >/sys/fs/cgroup/small/memory.max
trace_clears_begin
check_status "too little room: status" 1 sh -c 'echo 0 >/sys/fs/cgroup/small/cgroup.procs
	exec zeroscope load --kind thp --count 64 --json >load.json 2>why'
trace_clears_end
cat load.json why
flatten
got=$(value folios_by_order.9)
expect_between "too little room: some folios" "$got" 1 20
expect_eq "too little room: the others are single pages" \
	"$(value folios_by_order.0)" $((64 - got))
expect_match "too little room: why" "$(cat why)" \
	"^zeroscope: asked for 64 folios of order 9, got $got, $((64 - got)) of order 0; "
expect_eq "too little room: clears expected" "$(sum clears_expected)" "$got"
expect_eq "too little room: every byte is zero" "$(value nonzero)" 0
