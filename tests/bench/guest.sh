# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# In the guest: every operation of ops.c, bare and beside each tool. One line for each:
# TOOL<TAB>OPERATION<TAB>INSTRUCTIONS. The host makes the table of it.
# shellcheck source=tests/vm/guest/lib.sh
. /usr/lib/tests/lib.sh

function=folio_zero_user
kernel_has $function || function=clear_huge_page
ulimit -l unlimited
echo never >"$THP/enabled"
for size in "$THP"/hugepages-*kB/enabled; do
	echo never >"$size"
done
# A thread of its own that would wake up now and then.
echo 0 >"$THP/khugepaged/defrag"

row() {
	printf '%s\t%s\t%s\n' "$1" "$2" "$3"
}

# size_for OPERATION: THP alone, or 16 KiB alone, as it needs
size_for() {
	small=madvise large=never
	case $1 in
	thp | preempted) small=never large=madvise ;;
	esac
	echo $small >"$THP/hugepages-16kB/enabled"
	echo $large >"$THP/hugepages-2048kB/enabled"
}

# measured TOOL OPERATION…: refuses to report while anything else has the processor
measured() {
	tool=$1
	shift
	for operation; do
		size_for "$operation"
		loop=$(ops loop)
		case $loop in
		0.99* | 1.00*) ;;
		*)
			row "$tool" "$operation" "busy"
			echo "beside $tool an instruction takes $loop ns: something else runs" >&2
			continue
			;;
		esac
		row "$tool" "$operation" "$(ops "$operation")"
	done
}

# stats TOOL: ns and runs of each program while it is counted
stats() {
	bpftool -j prog show | jq -r --arg tool "$1" \
		'.[] | select(.run_cnt > 0) | "\($tool)\tprogram:\(.name)\t\(.run_time_ns) \(.run_cnt)"'
}

# wanted NAME: it is a row that was asked for, or all are
wanted() {
	case " ${TOOLS:-$1} " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# beside NAME READY OPERATIONS COMMAND…
beside() {
	name=$1 ready=$2 operations=$3
	shift 3
	wanted "$name" || return
	"$@" >tool.out 2>&1 &
	pid=$!
	if ! wait_for_line tool.out "$ready" 600; then
		echo "$name did not start: $(tail -n 3 tool.out)" >&2
		kill $pid 2>/dev/null
		return
	fi
	# Its start is over once nothing but the workload runs.
	sleep 3
	# shellcheck disable=SC2086 # a list of words
	measured "$name" $operations
	if [ -n "${counted:-}" ]; then
		echo 1 >/proc/sys/kernel/bpf_stats_enabled
		ops switch >/dev/null
		ops wakeup >/dev/null
		stats "$name"
		echo 0 >/proc/sys/kernel/bpf_stats_enabled
	fi
	kill -INT $pid
	wait $pid
}

row kernel release "$(uname -r)"
row kernel preempt "$(preempt_model)"
all="mthp thp preempted order0 switch wakeup"
# What only the first of all does (page tables, caches of the allocator) is no part of it.
ops mthp >/dev/null
# shellcheck disable=SC2086 # a list of words
measured bare $all

own() {
	counted=1
	beside zeroscope '^attached:' "$all" zeroscope run --json -i 1h
	grep '^attached:' tool.out >&2
	counted=
	case $(uname -r) in
	6.*) ;;
	*)
		beside zeroscope-fentry '^attached:' "mthp thp preempted switch wakeup" \
			zeroscope run --json -i 1h --tier fentry
		beside zeroscope-fsession '^attached:' "mthp thp preempted" \
			zeroscope run --json -i 1h --tier fsession
		;;
	esac
	beside zeroscope-no-gaps '^attached:' "mthp thp preempted switch wakeup" \
		zeroscope run --json -i 1h --no-gaps
	beside zeroscope-allocator '^attached:' "mthp thp order0" zeroscope run --json -i 1h --allocator
	beside zeroscope-fault-share '^attached:' "mthp thp order0" \
		zeroscope run --json -i 1h --fault-share
	idle_second
}

# What the tool itself runs in a second in which nothing happens, at its default interval.
idle_second() {
	wanted zeroscope-idle || return
	zeroscope run --json -i 1s >tool.out 2>&1 &
	pid=$!
	wait_for_line tool.out '^attached:' 600
	sleep 3
	before=$(cut -d' ' -f1 /proc/$pid/schedstat)
	sleep 10
	row zeroscope-idle idle $((($(cut -d' ' -f1 /proc/$pid/schedstat) - before) / 10))
	grep interval tool.out | tail -n 1 | jq -r '"zeroscope-idle\tmap_bytes\t\(.self.map_bytes)"'
	bpftool -j map show | jq -r '.[] | "map\t\(.name)\t\(.bytes_memlock)"' >&2
	kill -INT $pid
	wait $pid
}

others() {
	# Programs that do nothing at the same places: what is left of theirs is the kernel's.
	counted=1
	resched=resched_curr
	! kernel_has __resched_curr || resched=__resched_curr
	beside empty ready "switch wakeup" empty switch fentry:$resched
	counted=
	beside empty-pair ready "mthp" empty pair:$function
	case $(uname -r) in
	6.*) ;;
	*)
		beside empty-fsession ready "mthp" empty fsession:$function
		beside empty-kprobe.session ready "mthp" empty kprobe.session:$function
		;;
	esac
	beside bpftrace ready "mthp thp preempted" bpftrace -e "BEGIN { printf(\"ready\\n\"); }
		kfunc:$function { @s[tid] = nsecs; }
		kretfunc:$function { @h = hist(nsecs - @s[tid]); delete(@s[tid]); }"
	# Their output must come line by line for their readiness to be seen.
	beside funclatency Tracing "mthp thp preempted" stdbuf -oL funclatency "$function"
	counted=1
	beside runqlat Tracing "preempted switch wakeup" stdbuf -oL runqlat
}

own
others
