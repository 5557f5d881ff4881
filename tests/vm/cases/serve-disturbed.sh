# SPDX-License-Identifier: GPL-2.0-only
# The exporter while the machine changes under it: cgroups come and go, the run time of its programs
# is sampled by a child that has the right to, the clock jumps, a CPU leaves and comes back, memory
# gets short. What it says stays exact. A guest of its own: others need not follow on all this.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# memory: 2304
# files: build/zeroscope /usr/bin/setpriv /usr/bin/jq /usr/sbin/bpftool

CG=/sys/fs/cgroup
ip link set lo up
grep -qs '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/false' >>/etc/passwd

# scrape: into the file metrics
scrape() {
	wget -q -O metrics http://127.0.0.1:10409/metrics
}

# value SERIES: of the last scrape
value() {
	awk -v series="$1" '$1 == series { print $2 }' metrics
}

# load_in GROUP COUNT
load_in() {
	mkdir -p "$CG/$1"
	(
		echo 0 >"$CG/$1/cgroup.procs"
		exec zeroscope load --kind thp --count "$2" >load.log
	) || cat load.log
	all=$((all + $2))
}

# above SERIES VALUE: wait until it is; each try is a load
above() {
	tries=0
	until scrape && [ "$(value "$1" | tr -d .)" -gt "$2" ]; do
		[ $((tries += 1)) -lt 600 ] || return
		load_in worker 10
	done
}

is_exact() {
	scrape || return
	expect_eq "$1: clears are those of load" \
		"$(value 'zeroscope_clears_total{order="9",page_kind="thp",numa="local"}')" "$all"
	expect_eq "$1: the kernel counts as many" \
		"$(value 'zeroscope_coverage_kernel_folios_total{what="thp"}')" \
		"$(value 'zeroscope_coverage_seen_folios_total{what="thp"}')"
	expect_eq "$1: nothing is lost" \
		"$(awk '/^zeroscope_lost_events_total/ { n += $2 } END { print n }' metrics)" 0
}

# field PID WORD: of its /proc status
field() {
	awk -v word="$2:" '$1 == word { print $2 }' "/proc/$1/status"
}

# child_of PID
child_of() {
	awk -v parent="$1" '$1 == "PPid:" && $2 == parent { split(FILENAME, part, "/"); print part[3] }' \
		/proc/[0-9]*/status 2>/dev/null
}

# bpftool looks for the holders of programs by one of its own, named iter.
programs() {
	bpftool prog -j | jq '[.[] | select(.type == "tracing" and .name != "iter")] | length'
}

all=0
before=$(programs)
mkdir -p "$CG/worker"
/usr/local/bin/zeroscope serve --bpf-stats --cgroup-series 3 2>serve.log &
server=$!
check "it starts" wait_for_line serve.log '^attached: '

# Made after everything was given up, and gone before anybody asked.
load_in late/inner 20
rmdir "$CG/late/inner"
is_exact "a cgroup made later"
expect_eq "it has its path" "$(value 'zeroscope_cgroup_clears_total{cgroup="/late/inner"}')" 20
load_in late/inner 5
rmdir "$CG/late/inner"
is_exact "one made anew"
expect_eq "goes on with the series of that path" \
	"$(value 'zeroscope_cgroup_clears_total{cgroup="/late/inner"}')" 25
for n in 1 2 3 4; do
	load_in "many$n" "$n"
done
is_exact "more than have a label"
expect_eq "the rest is one" "$(value 'zeroscope_cgroup_clears_total{cgroup="other"}')" 7
expect_eq "of as many groups" "$(value zeroscope_cgroups_folded)" 2

check "the run time of the programs is sampled" above zeroscope_bpf_measured_seconds_total 0
check "for a second of a minute" \
	awk '$1 == "zeroscope_bpf_measured_seconds_total" { exit !($2 >= 1 && $2 < 60) }' metrics
run=$(value zeroscope_bpf_run_seconds_total)
check "in which they ran" awk -v run="$run" 'BEGIN { exit !(run > 0 && run < 1) }'
sampler=$(child_of "$server")
expect_eq "a child can turn it on, and has no other right" "$(field "$sampler" CapEff)" 0000000000200000
expect_eq "nor can get any" "$(field "$sampler" CapBnd)" 0000000000000000
expect_eq "its system calls are filtered" "$(field "$sampler" Seccomp)" 2
expect_eq "it is nobody" "$(field "$sampler" Uid)" 65534
expect_eq "the server has no right" "$(field "$server" CapEff)" 0000000000000000

diag "$(grep -E '^(VmRSS|RssAnon|RssFile)' "/proc/$server/status" | tr -s '\n\t ' ' ')"
expect_between "its memory in KiB, programs and kernel types included" \
	"$(field "$server" VmRSS)" 1 10240

attached=$(value zeroscope_measured_seconds_total)
date -s @$(($(date +%s) + 86400)) >date.log
load_in worker 10
is_exact "a clock put forward by a day"
date -s @$(($(date +%s) - 2 * 86400)) >date.log
load_in worker 10
is_exact "and back by two"
check "time attached goes on as it did" awk -v before="$attached" \
	'$1 == "zeroscope_measured_seconds_total" { exit !($2 > before && $2 < before + 7200) }' metrics

echo 0 >/sys/devices/system/cpu/cpu1/online
load_in worker 10
is_exact "a CPU that left"
echo 1 >/sys/devices/system/cpu/cpu1/online
load_in worker 10
is_exact "and came back"

# Nine tenths of what there is.
count=$(awk '/^MemAvailable:/ { print int($2 / 2048 * 0.9) }' /proc/meminfo)
zeroscope load --kind thp --count "$count" --hold 4s >hold.log 2>&1 &
holder=$!
tries=0
until [ "$(awk '/^AnonHugePages:/ { print int($2 / 2048) }' /proc/meminfo)" -ge $((count - 5)) ] ||
	[ $((tries += 1)) -gt 300 ]; do
	usleep 100000
done
check "scrapes are answered while memory is short" scrape
wait "$holder"
all=$((all + count))
is_exact "memory was short"

kill -KILL "$server"
tries=0
while [ -d "/proc/$sampler" ] || [ "$(programs)" != "$before" ]; do
	[ $((tries += 1)) -lt 100 ] || break
	usleep 100000
done
[ "$(programs)" = "$before" ] || bpftool prog
expect_eq "killed, it leaves no program" "$(programs)" "$before"
check "and no child" test ! -d "/proc/$sampler"
expect_eq "the log says nothing else" "$(grep -Evc '^(listening|attached): ' serve.log)" 0

# What turns the sampling on takes a right that nothing else takes here.
/usr/bin/setpriv --bounding-set -sys_admin /usr/local/bin/zeroscope serve --bpf-stats 2>serve.log &
server=$!
check "without CAP_SYS_ADMIN it starts" wait_for_line serve.log '^attached: '
expect_match "and says what is not measured" "$(cat serve.log)" 'run time.*not measured.*CAP_SYS_ADMIN'
check "it is scraped" scrape
expect_eq "the run time is not told" "$(value zeroscope_bpf_run_seconds_total)" ''
expect_eq "nor is there a child" "$(child_of "$server")" ''
kill -TERM "$server"
wait "$server"
expect_eq "and ends well" $? 0
