# SPDX-License-Identifier: GPL-2.0-only
# What doctor says of each kernel, held against what the kernel says of itself: its debugfs, its
# list of traceable functions, and its own kprobe events.
# kernel: debian-6.1 debian-6.12 debian-7
# matrix[debian-6.1]: default
# matrix[debian-6.12]: preempt=none+init_on_alloc=0 preempt=full
# matrix[debian-7]: default
# memory: 2048
# timeout: 900
# files: /usr/bin/jq /usr/sbin/bpftool

# probe NAME QUERY
probe() {
	jq -r --arg n "$1" ".probes[] | select(.name == \$n) | $2" doctor.json
}

# usable_tiers PROBE
usable_tiers() {
	probe "$1" '[.tiers[] | select(.usable) | .tier] | join(" ")'
}

tracing=/sys/kernel/tracing
programs_before=$(bpftool prog show | grep -c '^[0-9]')
functions_before=$(grep -c . $tracing/enabled_functions)

check_status "doctor: clears can be measured" 0 zeroscope doctor --json >doctor.out
sed -n '/"type"/p' doctor.out >doctor.json
expect_eq "one line" "$(wc -l <doctor.json)" 1
expect_eq "measurable" "$(jq -r .measurable doctor.json)" true

# The kernel, by its own words.
expect_eq "release" "$(jq -r .kernel.release doctor.json)" "$(uname -r)"
expect_eq "preemption model" "$(jq -r .kernel.preempt_model doctor.json)" "$(preempt_model)"
expect_eq "where it was read" "$(jq -r .kernel.preempt_source doctor.json)" \
	/sys/kernel/debug/sched/preempt
case $(cat /proc/cmdline) in
*init_on_alloc=0*) alloc=false ;;
*) alloc=true ;; # Debian's default; the guest has no configuration to read, but a log
esac
expect_eq "init_on_alloc" "$(jq -r .kernel.init_on_alloc doctor.json)" "$alloc"
expect_eq "zero folio" "$(jq -r .kernel.huge_zero doctor.json)" refcounted
expect_eq "lockdown" "$(jq -r .kernel.lockdown doctor.json)" none
expect_eq "THP" "$(jq -r .thp.enabled doctor.json)" "$(sed 's/.*\[\(.*\)\].*/\1/' "$THP/enabled")"

# Functions and tiers.
if kernel_has folio_zero_user; then
	clear=folio_zero_user
else
	clear=clear_huge_page
fi
expect_eq "the function that clears" "$(probe clear .target)" "$clear"
if kernel_has clear_highpages_kasan_tagged; then
	expect_eq "allocator" "$(probe allocator .target)" clear_highpages_kasan_tagged
	expect_eq "resched" "$(probe resched .target)" __resched_curr
	tiers="fsession fentry kprobe.session kprobe"
	expect_eq "extents" "$(probe extent .verdict)" inlined
	expect_match "another's clear_pages" "$(probe extent .reason)" 'clear_pages\.constprop\.0'
else
	expect_eq "allocator" "$(probe allocator .target)" get_page_from_freelist
	expect_eq "resched" "$(probe resched .target)" resched_curr
	expect_eq "extents" "$(probe extent .verdict)" absent
	tiers="fentry kprobe.session kprobe"
	kernel_has folio_zero_user || tiers="fentry kprobe"
fi
expect_eq "tiers of the clear" "$(usable_tiers clear)" "$tiers"
case $(preempt_model) in
none | voluntary) best=${tiers%% *} ;;
*)
	# Before v6.14 a session takes one of two instances a CPU, and can find none free.
	best=kprobe
	! kernel_has fprobe_return || best=kprobe.session
	;;
esac
expect_eq "tier that is taken" "$(probe clear .tier)" "$best"
case $(preempt_model) in
none | voluntary) expect_eq "no remark" "$(probe clear .note)" null ;;
*) expect_match "why not the cheaper one" "$(probe clear .note)" "under $(preempt_model)" ;;
esac
for p in gaps zero-get zero-put zero-scan zero-count refcount holders fault-thp fault-hugetlb; do
	expect_eq "$p is attachable" "$(probe $p .attachable)" true
done

# Every function that is said to take a kprobe takes one from the kernel's own tracer, and every
# trampoline's is in the kernel's list.
jq -r '.probes[] | select(.tiers) | .target' doctor.json | sort -u >functions
wrong=
while read -r f; do
	if ! (echo "p:test $f" >$tracing/kprobe_events) 2>/dev/null; then
		wrong="$wrong kprobe:$f"
	fi
	echo >$tracing/kprobe_events
	grep -qx "$f" $tracing/available_filter_functions || wrong="$wrong filter:$f"
done <functions
expect_eq "the kernel's tracer agrees" "$wrong" ""

# The trials leave nothing.
expect_eq "no program is left" "$(bpftool prog show | grep -c '^[0-9]')" "$programs_before"
expect_eq "no kprobe is left" "$(grep -c . $tracing/kprobe_events)" 0
expect_eq "no function is left traced" "$(grep -c . $tracing/enabled_functions)" \
	"$functions_before"

# The plain form.
zeroscope doctor >doctor.txt
expect_match "plain: clears" "$(cat doctor.txt)" "^  clear +$clear +by $best"
expect_match "plain: the result" "$(cat doctor.txt)" "^Clears can be measured here: $clear by $best\."
expect_eq "plain: at most 100 columns" "$(awk 'length > 100' doctor.txt)" ""

# A tier that the kernel does not have, asked for by name.
case $tiers in
*fsession*) ;;
*)
	check_status "a tier that is not there: status" 3 zeroscope run -d 1s --tier fsession \
		>forced.out 2>forced.err
	sed -n '/^zeroscope: /p' forced.err >forced.said
	expect_match "a tier that is not there" "$(cat forced.said)" 'does not know fsession'
	;;
esac
