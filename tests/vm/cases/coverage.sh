# SPDX-License-Identifier: GPL-2.0-only
# What was seen against what the kernel counted: no hole is made up where everything is seen, also
# when attaching into a running workload, and none is kept quiet where the kernel zeroes elsewhere.
# kernel: debian-6.1 debian-6.12 debian-7
# matrix: default
# matrix[debian-7]: default init_on_alloc=0
# memory: 2048
# timeout: 900
# qemu: -cpu max,-erms
# files: /usr/bin/jq tests/vm/guest/measure.sh
. /root/measure.sh

# thp_row FIELD: of the totals
thp_row() {
	total ".coverage[] | select(.what == \"thp\") | .$1"
}

# Debian's kernels do it unless they are told not to.
alloc=1
grep -q init_on_alloc=0 /proc/cmdline && alloc=0
at_fault=yes
[ $alloc = 1 ] && kernel_has clear_highpages_kasan_tagged && at_fault=no

start_run || not_ok "run" "not attached"
zeroscope load --json --kind thp --count 512 >load.json 2>load.err
stop_run
expect_eq "512 THPs: the kernel counts" "$(thp_row kernel)" 512
case $alloc$at_fault in
0yes)
	expect_eq "seen" "$(thp_row seen)" 512
	expect_eq "nothing to say" "$(thp_row reason)" null
	;;
1yes)
	expect_eq "seen" "$(thp_row seen)" 512
	expect_match "zeroed twice" "$(thp_row reason)" 'zeroed twice.*init_on_alloc=1'
	;;
1no)
	expect_eq "not seen" "$(thp_row seen)" 0
	expect_match "where they are zeroed" "$(thp_row reason)" 'page allocator zeroes them \(init_on_alloc=1\)'
	expect_match "what would change it" "$(thp_row reason)" '--allocator'
	zeroscope run -i 60s >plain 2>run.err &
	run_pid=$!
	wait_for_line run.err '^attached:' 300
	zeroscope load --json --kind thp --count 64 >load.json 2>load.err
	kill -INT "$run_pid"
	wait "$run_pid"
	expect_match "in the plain form as well" "$(tr '\n\302\240' ' ' <plain | tr -s ' ')" \
		'page allocator zeroes them'
	;;
esac

# shmem folios are zeroed page by page, in any case.
before=$(vmstat_get thp_file_alloc)
start_run || not_ok "run" "not attached"
zeroscope load --json --kind shmem --count 8 >load.json 2>load.err || diag "$(cat load.err)"
stop_run
expect_eq "shmem: as the kernel counts" "$(total '.coverage[] | select(.what == "shmem") | .kernel')" \
	$(($(vmstat_get thp_file_alloc) - before))
expect_eq "shmem: not seen" "$(total '.coverage[] | select(.what == "shmem") | .seen')" 0
expect_match "shmem: in words" "$(total '.coverage[] | select(.what == "shmem") | .reason')" \
	'each small page'

# Attached while four threads fault, and stopped while they do.
busy_load() {
	while [ ! -e enough ]; do
		zeroscope load --json --kind thp --count 200 --threads 4 >busy.json 2>busy.err ||
			cat busy.err >&2
		echo round >>rounds
	done
}

# busy_run ROUNDS: measures until the workload has gone round as often as that
busy_run() {
	rm -f rounds
	zeroscope run --json -i 200ms >run.json 2>run.err &
	run_pid=$!
	wait_for_line run.err '^attached:' 300
	: >rounds
	until [ "$(wc -l <rounds)" -ge "$1" ]; do
		sleep 0.1
	done
	kill -INT "$run_pid"
	wait "$run_pid"
	cat run.json >>runs.json
}

if [ $at_fault = yes ]; then
	busy_load &
	busy_run 2
	busy_run 3
	touch enough
	wait
	expect_eq "in a running workload: all that was counted" \
		"$(jq -s '([.[].clears_total] | add) > 600' runs.json)" true
	expect_eq "in a running workload: no hole" \
		"$(jq -c 'select(.loss | add == 0) | .coverage[] | select(.what == "thp" and .reason != null) |
			select(.reason | test("zeroed twice") | not)' runs.json | head -n 3)" ""
	diag "$(jq -sr '[.[].coverage[] | select(.what == "thp")] | [length, (map(.kernel) | add), (map(.seen) | add)] | @csv' runs.json)"
fi
