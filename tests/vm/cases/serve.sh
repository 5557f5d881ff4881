# SPDX-License-Identifier: GPL-2.0-only
# The exporter on a kernel: what a scrape says is what load did, and what the snapshot that was
# served with it says; it has no rights left, and leaves nothing behind.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# timeout: 900
# memory: 2048
# files: build/zeroscope /usr/bin/jq /usr/sbin/bpftool

ip link set lo up
grep -qs '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/false' >>/etc/passwd

# start NAME OPTION…: a daemon, its log in NAME.log and its process in $server
start() {
	name=$1
	shift
	/usr/local/bin/zeroscope serve "$@" 2>"$name.log" &
	server=$!
	wait_for_line "$name.log" '^attached: '
}

# get NAME PORT PATH: into the file NAME
get() {
	wget -q -O "$1" "http://127.0.0.1:$2$3"
}

# value FILE SERIES
value() {
	sed -n "s/^$2 //p" "$1" | head -n 1
}

# total FILTER: of the snapshot
total() {
	jq -r "$1" snapshot.json
}

# up_to BOUND FILE: the bucket of that bound
up_to() {
	sed -n 's/^zeroscope_clear_duration_seconds_bucket{order="9",page_kind="thp",numa="local",le="\(.*\)"} /\1 /p' "$2" |
		awk -v le="$1" '$1 + 0 == le + 0 { print $2 }'
}

programs() {
	bpftool prog -j | jq '[.[] | select(.type == "tracing" or .type == "kprobe")] | length'
}

labels='{order="9",page_kind="thp",numa="local"}'
before=$(programs)
check "it starts" start one --series=full
first=$server
check "and a second one beside it" start two --web.listen-address 127.0.0.1:10410
get empty 10409 /metrics
expect_eq "the first scrape has the series, at 0" "$(value empty "zeroscope_clears_total$labels")" 0
zeroscope load --kind thp --count 200 >load.log || cat load.log
get metrics 10409 /metrics
get snapshot 10409 /snapshot
zeroscope report --json --cumulative snapshot | tail -n 1 >snapshot.json
expect_eq "clears are those of load" "$(value metrics "zeroscope_clears_total$labels")" 200
expect_eq "the histogram counts them" \
	"$(value metrics "zeroscope_clear_duration_seconds_count$labels")" 200
expect_eq "coverage: the kernel's own count" \
	"$(value metrics 'zeroscope_coverage_kernel_folios_total{what="thp"}')" \
	"$(value metrics 'zeroscope_coverage_seen_folios_total{what="thp"}')"
thp='.clears[] | select(.order == 9 and .page_kind == "thp" and .numa == "local")'
expect_eq "the snapshot says the same count" "$(total "$thp | .wall.count")" 200
expect_eq "and the same sum" "$(total "$thp | .wall.sum * 1e9 | round")" \
	"$(value metrics "zeroscope_clear_duration_seconds_sum$labels" | jq '. * 1e9 | round')"
for exponent in -13 -12 -11 -10 -9 -8; do
	le=$(jq -nr "pow(2; $exponent)")
	expect_eq "and as many up to 2^$exponent s" \
		"$(total "[$thp | .wall.buckets[] | select(.[0] <= $le) | .[1]] | add // 0")" \
		"$(up_to "$le" metrics)"
done
get other 10410 /metrics
expect_eq "the second one counted them, too" "$(value other "zeroscope_clears_total$labels")" 200
expect_between "within its budget" "$(grep -vc '^#' other)" 100 1000
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	expect_eq "no capability in $set" "$(awk "/^$set/ { print \$2 }" "/proc/$first/status")" \
		0000000000000000
done
expect_eq "its system calls are filtered" "$(awk '/^Seccomp:/ { print $2 }' "/proc/$first/status")" 2
expect_eq "it is nobody" "$(awk '/^Uid:/ { print $2 }' "/proc/$first/status")" 65534
expect_match "it tells its maps' size" "$(value metrics zeroscope_bpf_map_bytes)" '^[1-9]'
expect_eq "the log says nothing else" "$(grep -Evc '^(listening|attached): ' one.log)" 0
check "SIGTERM ends it well" stop "$server" TERM
kill -KILL "$first"
wait "$first"
tries=0
until [ "$(programs)" = "$before" ] || [ $((tries += 1)) -gt 600 ]; do
	usleep 100000
done
expect_eq "one that was killed leaves no program" "$(programs)" "$before"
