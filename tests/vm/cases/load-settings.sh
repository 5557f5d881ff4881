# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Settings that load borrows come back, however it ends; what it may not have, it refuses in one
# sentence, with the status that the manual gives.
# kernel: debian-6.12
# memory: 2048
# timeout: 600

POOL=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
MTHP=$THP/hugepages-64kB/enabled

# chosen FILE: the word in brackets
chosen() {
	sed 's/.*\[\(.*\)\].*/\1/' "$1"
}

# wait_until EXPECTED COMMAND…: until the command prints that, for a minute
wait_until() {
	until_expected=$1
	until_deadline=$(($(date +%s) + 60))
	shift
	until [ "$("$@")" = "$until_expected" ]; do
		[ "$(date +%s)" -lt "$until_deadline" ] || return 1
		usleep 50000
	done
}

for signal in INT TERM HUP KILL; do
	zeroscope load --kind mthp --count 20 --hold 600s --json >held &
	pid=$!
	check "SIG$signal while holding: the memory is there" wait_for_line held '"type":"load"'
	expect_eq "SIG$signal while holding: borrowed" "$(chosen "$MTHP")" madvise
	kill -$signal $pid
	wait $pid
	check "SIG$signal while holding: given back" wait_until never chosen "$MTHP"

	zeroscope load --kind hugetlb --reserve --count 40 --rate 1 --json >slow 2>why &
	pid=$!
	check "SIG$signal while faulting: reserved" wait_until 40 cat "$POOL"
	usleep 1500000
	kill -$signal $pid
	wait $pid
	echo $? >status
	check "SIG$signal while faulting: given back" wait_until 0 cat "$POOL"
	[ $signal = KILL ] || expect_eq "SIG$signal while faulting: status" "$(cat status)" 1
	[ $signal = KILL ] || expect_match "SIG$signal while faulting: why" "$(cat why)" \
		'^zeroscope: interrupted after [0-9]+ of 40 faults$'
done

# Two at a time: one borrows, the other has to leave it alone.
zeroscope load --kind mthp --count 20 --hold 600s --json >held &
pid=$!
wait_for_line held '"type":"load"'
check_status "a borrowed setting is not shared: status" 3 sh -c 'zeroscope load --kind mthp 2>why'
expect_match "a borrowed setting is not shared: why" "$(cat why)" 'another zeroscope load relies on'
stop $pid
expect_eq "the first one gives it back" "$(chosen "$MTHP")" never
echo madvise >"$MTHP"
zeroscope load --kind mthp --count 20 --hold 600s --json >held &
pid=$!
wait_for_line held '"type":"load"'
check_status "a setting that is right already is shared" 0 zeroscope load --kind mthp
stop $pid
expect_eq "what was not changed is not put back" "$(chosen "$MTHP")" madvise
echo never >"$MTHP"

# refused NAME STATUS PATTERN OPTION…
refused() {
	refused_name=$1 refused_status=$2 refused_pattern=$3
	shift 3
	check_status "$refused_name: status" "$refused_status" \
		sh -c 'zeroscope load "$@" >out 2>why' sh "$@"
	expect_match "$refused_name: why" "$(cat why)" "^zeroscope: .*$refused_pattern"
	expect_eq "$refused_name: one line, nothing else" "$(cat out why | wc -l)" 1
}

refused "no hugetlb pages" 3 "0 free of the 64 asked for; .*--reserve" --kind hugetlb
refused "too many hugetlb pages" 3 'room for .* of 100000 ' --kind hugetlb --reserve --count 100000
expect_eq "too many hugetlb pages: given back" "$(cat "$POOL")" 0
refused "impossible order" 2 'available: 2, 3, 4, 5, 6, 7 and 8$' --kind mthp --order 1
refused "hugetlb order" 2 'available: 9 and 18$' --kind hugetlb --order 4
refused "no such node" 2 'no node 7 .*online are 0$' --node 7
refused "mTHP by reading" 2 'small zero page' --kind mthp --read
echo never >"$THP/enabled"
refused "THP off" 3 "$THP/enabled is never; write madvise" --kind thp
echo always >"$THP/enabled"
echo never >"$THP/hugepages-2048kB/enabled"
refused "THP off for this size" 3 "$THP/hugepages-2048kB/enabled is never" --kind thp
echo inherit >"$THP/hugepages-2048kB/enabled"
echo deny >"$THP/shmem_enabled"
refused "shmem denied" 3 "$THP/shmem_enabled is deny" --kind shmem
echo never >"$THP/shmem_enabled"
