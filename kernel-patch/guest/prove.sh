#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The part of kernel-patch/prove that runs inside the virtual machine: prove.sh CASE [ARGUMENT…]
# A line that begins with "ok" is something seen to be true, one with "FAIL" is not; figures are
# "figure NAME VALUE".
# shellcheck disable=SC2046,SC2086,SC2231,SC2010,SC2317,SC2012 # no path here has blanks

THP=/sys/kernel/mm/transparent_hugepage
TRACE=/sys/kernel/tracing
STATUS=0

ok() { echo "ok: $*"; }
bad() { echo "FAIL: $*"; STATUS=1; }
figure() { echo "figure $1 $2"; }
# is WHAT SEEN EXPECTED
is() { if [ "$2" = "$3" ]; then ok "$1 = $2"; else bad "$1 is $2, not $3"; fi; }
vmstat() { sed -n "s/^$1 //p" /proc/vmstat; }
quiet() { "$@" >/dev/null; }
run() { "$@" || STATUS=1; }
symbol() { awk -v s="$1" '$3 == s { print $1; exit }' /proc/kallsyms; }

mounts() {
	mount -t debugfs none /sys/kernel/debug 2>/dev/null
	mount -t tracefs none $TRACE 2>/dev/null
	mkdir -p /config && mount -t configfs none /config 2>/dev/null
}

# only_size KIB: the one size of anonymous folios that is allowed
only_size() {
	for size in $THP/hugepages-*/enabled; do echo never >"$size"; done
	echo always >"$THP/hugepages-${1}kB/enabled"
}

case_content() {
	echo always >$THP/enabled
	only_size 2048
	prove dirty 256M
	run prove faults thp 2M 12
	for dir in $THP/hugepages-*; do
		[ -e "$dir/enabled" ] || continue
		kib=${dir##*-} kib=${kib%kB}
		[ "$kib" -lt 2048 ] || continue
		only_size "$kib"
		prove dirty 64M
		before=$(cat "$dir/stats/anon_fault_alloc")
		run prove faults mthp "${kib}K" 12
		[ $(($(cat "$dir/stats/anon_fault_alloc") - before)) -ge 12 ] ||
			bad "the faults of $kib KiB did not get folios of that size"
	done
	only_size 2048
	prove dirty 256M
	echo 8 >/proc/sys/vm/nr_hugepages
	run prove faults hugetlb 2M 24
	run prove faults memfd 2M 24
	if [ -n "$1" ]; then
		prove dirty 1200M
		echo 1 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
		run prove faults hugetlb 1G 2
		run prove faults memfd 1G 2
	fi
	run prove zeropage 64
}

# count_extents COMMAND…: extents, begins and ends, and pages that they add up to
count_extents() {
	echo 0 >$TRACE/tracing_on
	echo >$TRACE/trace
	echo 16384 >$TRACE/buffer_size_kb
	echo 1 >$TRACE/events/kmem/mm_folio_zero_begin/enable
	echo 1 >$TRACE/events/kmem/mm_folio_zero_extent/enable
	echo 1 >$TRACE/events/kmem/mm_folio_zero_end/enable
	echo 1 >$TRACE/tracing_on
	"$@" || STATUS=1
	echo 0 >$TRACE/tracing_on
	echo 0 >$TRACE/events/kmem/enable
	grep -v '^#' $TRACE/trace >/tmp/trace
	EXTENTS=$(grep -c mm_folio_zero_extent: /tmp/trace)
	BEGINS=$(grep -c mm_folio_zero_begin: /tmp/trace)
	ENDS=$(grep -c mm_folio_zero_end: /tmp/trace)
	PAGES=$(sed -n 's/.*mm_folio_zero_extent:.*nr_pages=//p' /tmp/trace | awk '{ n += $1 } END { print n + 0 }')
}

# extents of 2M THP (fault on the first page), and of 1G if asked for
case_extents() {
	echo always >$THP/enabled
	only_size 2048
	count_extents prove touch 2M 4
	is 'begins of 4 THP' "$BEGINS" 4
	is 'ends of 4 THP' "$ENDS" 4
	is 'pages of 4 THP' "$PAGES" 2048
	figure extents_2M $((EXTENTS / 4))
	[ -z "$2" ] || is 'extents of 4 THP' "$EXTENTS" "$2"
	[ -n "$1" ] || return 0
	echo 1 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	count_extents prove faults hugetlb 1G 1
	is 'pages of 1 GiB' "$PAGES" 262144
	figure extents_1G "$EXTENTS"
	[ -z "$3" ] || is 'extents of 1 GiB' "$EXTENTS" "$3"
	# Right, left, neighbourhood: the last extent is the one with the fault in it.
	sed -n 's/.*mm_folio_zero_extent: //p' /tmp/trace | tail -n 1
}

case_zerofolio() {
	pointer=$(symbol __persistent_huge_zero_folio)
	is 'allocations' "$(vmstat thp_zero_page_alloc)" 1
	is 'references to the folio' "$(prove refcount "$pointer")" 1
	ls /sys/kernel/debug/shrinker >/tmp/shrinkers
	if grep -q '^thp-zero' /tmp/shrinkers; then bad 'the shrinker is there'; else ok 'no shrinker'; fi
	grep -q '^thp-deferred_split' /tmp/shrinkers || bad 'the deferred split shrinker is missing'
	run prove zeropage 1000
	echo 3 >/proc/sys/vm/drop_caches
	is 'allocations after 1000 read faults' "$(vmstat thp_zero_page_alloc)" 1
	is 'references after 1000 read faults' "$(prove refcount "$pointer")" 1
	run prove kcore 5M
}

# a machine on which THP is off at boot must not pay, and still get a zero folio later
case_small() {
	is 'allocations' "$(vmstat thp_zero_page_alloc)" 0
	is 'references to the folio' "$(prove refcount "$(symbol __persistent_huge_zero_folio)")" none
	if ls /sys/kernel/debug/shrinker | grep -q '^thp-zero'; then ok 'the shrinker is there'
	else bad 'the shrinker is missing'; fi
	brd
	run prove zeroout /dev/ram0 32M 4096 20M
	echo always >$THP/enabled
	echo 1 >$THP/use_zero_page
	run prove zeropage 4
	is 'allocations after a read fault' "$(vmstat thp_zero_page_alloc)" 1
}

brd() { [ -b /dev/ram0 ] || bad 'there is no ram disk'; }

# null_blk NAME KEY VALUE …: make one
null_blk() {
	dir=/config/nullb/$1
	mkdir "$dir"
	shift
	while [ $# -gt 0 ]; do
		echo "$2" >"$dir/$1" || bad "null_blk refuses $1=$2"
		shift 2
	done
	echo 1 >"$dir/power"
}

case_block() {
	brd
	null_blk nullb0 memory_backed 1 size 128 blocksize 512
	null_blk nullb1 size 4096 blocksize 4096
	dd if=/dev/zero of=/tmp/image bs=1M count=64 2>/dev/null
	losetup /dev/loop0 /tmp/image
	pointer=$(symbol __persistent_huge_zero_folio)
	for range in '0 64M' '4096 8M' '512 1M' '1M 2097664' '3145728 34603008' '12288 512' '512 9437184'; do
		set -- $range
		run prove zeroout /dev/nullb0 96M "$1" "$2"
		run prove zeroout /dev/loop0 64M $(($(echo "$1" | sed 's/M/*1048576/') / 4096 * 4096)) 8M
		run prove zeroout /dev/ram0 64M $(($(echo "$1" | sed 's/M/*1048576/') / 4096 * 4096)) 8M
	done
	[ -n "$pointer" ] || return 0
	run prove zero /dev/nullb1 4M 10000
	is 'references after 10000 zeroouts' "$(prove refcount "$pointer")" 1
	run prove zeropage 4
}

# filesystem NAME BLOCK DEVICE MKFS…
filesystem() {
	name=$1 block=$2 device=$3
	shift 3
	prove fillfile "$device" 400M
	"$@" "$device" >/tmp/mkfs 2>&1 || { bad "mkfs: $(tail -n 1 /tmp/mkfs)"; return; }
	mkdir -p /fs
	mount -t "$name" "$device" /fs || { bad "cannot mount $name"; return; }
	run prove dio /fs/file "$block"
	umount /fs
}

# filesystems_on DEVICE: which holds what was written to it, for mkfs discards nothing
filesystems_on() {
	filesystem xfs 4096 "$1" mkfs.xfs -q -f -K -b size=4096
	filesystem xfs 65536 "$1" mkfs.xfs -q -f -K -b size=65536
	filesystem ext4 4096 "$1" mkfs.ext4 -q -F -E nodiscard -b 4096
}

# One device after the other, for each holds its 400M in memory. The ram disk keeps them, and is
# larger than what is written to it.
case_filesystems() {
	null_blk nullb0 memory_backed 1 size 400 blocksize 512
	filesystems_on /dev/nullb0
	echo 0 >/config/nullb/nullb0/power
	rmdir /config/nullb/nullb0
	truncate -s 400M /tmp/image
	losetup /dev/loop0 /tmp/image
	filesystems_on /dev/loop0
	losetup -d /dev/loop0
	rm /tmp/image
	brd
	filesystems_on /dev/ram0
}

# virtio-blk with an IOMMU platform goes through the DMA API, and swiotlb=force through bounces
case_swiotlb() {
	run prove zeroout /dev/vda 64M 4096 33M
	is 'swiotlb' "$(grep -c . /sys/kernel/debug/swiotlb/io_tlb_used 2>/dev/null)" 1
}

# how long a killed BLKZEROOUT takes to end on a device of 50 MB/s
case_kill() {
	null_blk nullb0 size 65536 blocksize 4096 mbps 50 queue_mode 2 hw_queue_depth 64
	for _ in 1 2 3; do
		seconds=$(prove kill /dev/nullb0 32G 1000) || bad "$seconds"
		figure kill_seconds "$seconds"
	done
}

# bios and segments of one GiB, counted by the kernel's function profiler
case_bios() {
	null_blk nullb0 size 4096 blocksize 4096
	echo 'bio_add_page __blkdev_issue_zero_pages bio_alloc_bioset bvec_alloc submit_bio' >$TRACE/set_ftrace_filter
	echo 1 >$TRACE/events/block/block_bio_queue/enable
	echo >$TRACE/trace
	echo 1 >$TRACE/tracing_on
	echo 1 >$TRACE/function_profile_enabled
	run prove zero /dev/nullb0 1G 1
	echo 0 >$TRACE/function_profile_enabled
	echo 0 >$TRACE/events/block/block_bio_queue/enable
	figure bios "$(grep -c 'block_bio_queue:' $TRACE/trace)"
	figure bio_add_page "$(cat $TRACE/trace_stat/function* | awk '$1 == "bio_add_page" { n += $2 } END { print n + 0 }')"
	figure segment_arrays "$(cat $TRACE/trace_stat/function* | awk '$1 == "bvec_alloc" { n += $2 } END { print n + 0 }')"
	echo >$TRACE/set_ftrace_filter
	bvecs
}

# bvecs of the same GiB: calls of bio_add_page() that found room, as many as the buffer has seen
bvecs() {
	echo "r:z/added bio_add_page bytes=\$retval:s32" >$TRACE/kprobe_events
	echo 'bytes != 0' >$TRACE/events/z/added/filter
	echo >$TRACE/trace
	echo 1 >$TRACE/events/z/added/enable
	run prove zero /dev/nullb0 1G 1
	echo 0 >$TRACE/events/z/added/enable
	is 'missed returns of bio_add_page()' "$(awk '{ n += $3 } END { print n + 0 }' $TRACE/kprobe_profile)" 0
	figure bvecs "$(cat $TRACE/per_cpu/cpu*/stats | awk '/^(entries|overrun):/ { n += $2 } END { print n + 0 }')"
	echo >$TRACE/kprobe_events
}

# profile FUNCTION COMMAND…: how often the command called the function
profile() {
	echo "$1" >$TRACE/set_ftrace_filter
	echo 0 >$TRACE/function_profile_enabled
	echo 1 >$TRACE/function_profile_enabled
	function=$1
	shift
	"$@" >/dev/null || STATUS=1
	echo 0 >$TRACE/function_profile_enabled
	cat $TRACE/trace_stat/function* | awk -v f="$function" '$1 == f { n += $2 } END { print n + 0 }'
	echo >$TRACE/set_ftrace_filter
}

# waker LABEL KIND SIZE COUNT ROUNDS: how late a real-time task is that wants to run every
# millisecond
waker() {
	set -- "$1" $(prove waker "$2" "$3" "$4" 1000 "$5")
	figure "waker_samples_$1" "$2"
	figure "waker_p50_$1" "$3"
	figure "waker_p90_$1" "$4"
	figure "waker_p99_$1" "$5"
	figure "waker_max_$1" "$6"
}

# watched COMMAND…: zeroscope's totals of what the command did, in /tmp/tool.json
watched() {
	zeroscope run --json --cumulative -i 1000s >/tmp/tool.json 2>/tmp/tool.err &
	pid=$!
	until grep -q '^attached:' /tmp/tool.err; do
		kill -0 $pid 2>/dev/null || { bad "zeroscope ended: $(cat /tmp/tool.err)"; return; }
		usleep 10000
	done
	"$@"
	kill -INT $pid
	wait $pid
}

# What zeroscope says of the same: the delays that it saw while 1 GiB was cleared
tool() {
	watched quiet prove waker hugetlb 1G 1 1000 1
	tail -n 1 /tmp/tool.json | sed 's/^/tool '"$1"' /'
}

# seen FILTER: of the last line that zeroscope wrote
seen() { tail -n 1 /tmp/tool.json | jq -r "$1"; }

# read faults, and what frees the folio where it is not persistent
zero_and_free() {
	quiet zeroscope load --read --count 4
	echo 3 >/proc/sys/vm/drop_caches
}

# what the tool makes of this kernel: extents by the tracepoint, and whose zero folio it is
case_zeroscope() {
	extents=512 kind=refcounted
	[ -z "$(symbol clear_pages)" ] || extents=2
	[ -z "$(symbol __persistent_huge_zero_folio)" ] || kind=persistent
	zeroscope doctor >/tmp/doctor || bad 'doctor found nothing to measure'
	sed -n '/zero folio/p; /tp_btf/p' /tmp/doctor
	grep -q "zero folio  *$kind:" /tmp/doctor || bad "doctor does not call the zero folio $kind"
	watched quiet zeroscope load --kind thp --count 16
	is 'probe of extents' "$(seen '.probes[] | select(.name == "mm_folio_zero_extent") | .tier')" tp_btf
	is 'clears' "$(seen '[.clears[] | select(.order == 9) | .count] | add')" 16
	is 'extents of 16 THP' "$(seen '.extents[] | select(.order == 9) | .count')" $((16 * extents))
	is 'their pages' "$(seen '.extents[] | select(.order == 9) | .pages.sum')" 8192
	is 'allocator clears' "$(seen '.allocator')" null
	is 'zero folio' "$(seen .kernel.huge_zero)" $kind
	[ $kind = refcounted ] || return 0
	echo 3 >/proc/sys/vm/drop_caches
	watched zero_and_free
	is 'zero folios allocated, freed' "$(seen '.huge_zero | "\(.allocations) \(.reclaims)"')" '1 1'
	is 'their lifetimes' "$(seen .huge_zero.lifetime.count)" 1
	is 'probe of the allocation' \
		"$(seen '.probes[] | select(.name == "huge_zero_folio_alloc") | .attached')" true
}

late_2M() { waker "2M" thp 2M 128 2 | sed "s/^figure /figure $1./"; }

# Where an extent is what one waits for, there are few waits in a GiB.
late_1G() {
	rounds=3
	[ "$1" != full ] && [ -n "$(symbol clear_pages)" ] || rounds=1
	waker "1G" hugetlb 1G 1 $rounds | sed "s/^figure /figure $1./"
}

# each_model FUNCTION GIB…: under each preemption model, which is in $model, with 2 MiB pages and, if
# GIB is not empty, one of 1 GiB to be had
each_model() {
	echo always >$THP/enabled
	only_size 2048
	[ -z "$2" ] || echo 1 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	for model in none voluntary full; do
		echo $model >/sys/kernel/debug/sched/preempt || bad "no preemption model $model"
		"$@"
	done
}

late_model() {
	figure "$model.clock" "$(prove cost thp 2M 1 | cut -d' ' -f2)"
	late_2M $model
	[ -z "$1" ] || late_1G $model
}

bench_model() {
	set -- "$1" "$2" $(prove cost thp 2M 64)
	figure "$model.fault_2M" "$3"
	figure "$model.clock" "$4"
	count_extents prove touch 2M 4
	figure "$model.extents_2M" $((EXTENTS / 4))
	figure "$model.resched_2M" $(($(profile __cond_resched prove touch 2M 64) / 64))
	late_2M $model
	[ -n "$1" ] || return 0
	figure "$model.fault_1G" "$(prove cost hugetlb 1G 1 | cut -d' ' -f1)"
	count_extents quiet prove waker hugetlb 1G 1 1000000 1
	figure "$model.extents_1G" "$EXTENTS"
	figure "$model.resched_1G" "$(profile __cond_resched prove waker hugetlb 1G 1 1000000 1)"
	late_1G $model
	[ -z "$2" ] || tool "$model"
}

# late [GIB]: how late the real-time task is, and bios
case_late() {
	each_model late_model "$1"
	case_bios
}

# bench [GIB [TOOL]]: the figures of the cover letter, with 1 GiB pages and zeroscope's view if asked
# for. Where the clock counts instructions, a nanosecond is one.
case_bench() {
	each_model bench_model "$1" "$2"
	case_bios
	case_zerocost
}

# instructions of BLKZEROOUT by GiB
case_zerocost() {
	[ -b /dev/nullb0 ] || null_blk nullb0 size 4096 blocksize 4096
	set -- $(prove zerocost /dev/nullb0 1G 4)
	figure zeroout_1G "$1"
}

case_attach() {
	for f in clear_pages folio_zero_user folio_zero_extent; do
		if grep -qx "$f" $TRACE/available_filter_functions; then ok "$f can be traced"
		else bad "$f cannot be traced"; fi
	done
	echo 'p:z/clear_pages clear_pages n=%si:u32' >$TRACE/kprobe_events || bad 'no kprobe on clear_pages'
	echo always >$THP/enabled
	only_size 2048
	echo >$TRACE/trace
	echo 1 >$TRACE/events/z/clear_pages/enable
	prove touch 2M 4
	echo 0 >$TRACE/events/z/clear_pages/enable
	is 'calls of clear_pages() with 509 pages for 4 THP' "$(grep -c 'n=509$' $TRACE/trace)" 4
	echo >$TRACE/kprobe_events
	echo 'p:z/get mm_get_huge_zero_folio' >$TRACE/kprobe_events || bad 'no kprobe on mm_get_huge_zero_folio'
	echo >$TRACE/trace
	echo 1 >$TRACE/events/z/get/enable
	run prove zeropage 64
	echo 0 >$TRACE/events/z/get/enable
	gets=$(grep -c ': get: ' $TRACE/trace)
	if [ "$gets" -ge 64 ]; then ok "events of mm_get_huge_zero_folio() for 64 read faults = $gets"
	else bad "mm_get_huge_zero_folio() was seen $gets times in 64 read faults"; fi
	echo >$TRACE/kprobe_events
}

export PATH=/prove:$PATH
mounts
case=$1
shift
"case_$case" "$@"
exit $STATUS
