#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
# What the exporter serves, of a recording: every format as other people's parsers read it, and
# what HTTP clients get that ask for something else.
# shellcheck disable=SC2317 # functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

zeroscope=$top/build/zeroscope
body=$top/tests/host/exposition/check.py
for tool in curl promtool protoc /usr/bin/python3; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool; run: packaging/packages test"
done

work=$(mktemp -d)
server=
clean_up() {
	[ -z "$server" ] || stop "$server" TERM
	rm -rf "$work"
}
trap clean_up EXIT

make_recordings "$top" "$work/seeds" || {
	not_ok "recordings to test with" "cannot be made"
	finished
	exit
}
# All of it is there from the first scrape on: a snapshot's form, with one frame.
recording=$work/seeds/run

# start OPTION…: the server is $server, its first address $address
start() {
	# What the one before has said is not to be waited for.
	rm -f "$work/log"
	"$zeroscope" serve --replay "$recording" --web.listen-address 127.0.0.1:0 "$@" \
		2>"$work/log" &
	server=$!
	wait_for_line "$work/log" '^attached: ' || return
	address=$(sed -n 's/^listening: //p' "$work/log" | head -n 1)
}

end() {
	stop "$server" "$1"
	local status=$?
	server=
	return $status
}

# get PATH OPTION…: the body is in $work/body, the headers in $work/headers
get() {
	local path=$1

	shift
	curl --silent --show-error --max-time 30 -o "$work/body" -D "$work/headers" "$@" \
		"http://$address$path"
}

# code PATH OPTION…: the status alone
code() {
	get "$@" -w '%{http_code}'
}

once() {
	"$zeroscope" serve --replay "$recording" --once "$work/once.prom" "$@"
}

once_is_the_report() {
	"$zeroscope" report --json --cumulative "$recording" >"$work/json" &&
		"$body" json "$work/once.prom" "$work/json"
}

is_recording() {
	"$zeroscope" report "$1" >"$work/report" && grep -q '^Total of' "$work/report"
}

# status WORD: a line of the server's /proc status
status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$server/status"
}

nothing_left_behind() {
	local files=("$work"/once*)

	[ "${files[*]}" = "$work/once.prom" ]
}

has_header() {
	grep -qi "^$1"$'\r$' "$work/headers"
}

check "--once writes a file" once
check "promtool accepts it" promtool check metrics <"$work/once.prom"
check "so do we" "$body" text "$work/once.prom"
check "it says what report says" once_is_the_report
expect_between "it keeps to the budget" "$(grep -vc '^#' "$work/once.prom")" 100 1000
check "--series=full, too" once --series=full
check "promtool accepts the full file" promtool check metrics <"$work/once.prom"
check "which says what report says, too" once_is_the_report
check "and nothing else is left behind" nothing_left_behind
check_status "a directory that is not there is one sentence" 1 \
	"$zeroscope" serve --replay "$recording" --once "$work/nowhere/x.prom"

# Totals that do not move: one frame.
start && get /snapshot && cp "$work/body" "$work/frame"
check "a snapshot is a recording" is_recording "$work/frame"
end TERM
recording=$work/frame

documented() {
	local name missing=0

	while IFS= read -r name; do
		grep -q "\`$name\`" "$top/docs/metrics.md" && continue
		echo "$name is not in docs/metrics.md"
		missing=1
	done < <(sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$top/tests/unit/golden/metrics-full.om")
	return $missing
}
check "every metric is documented" documented

check "it starts" start --series=full --native-histograms 4 --cgroup-series 5 \
	--web.listen-address "unix:$work/socket"
expect_eq "it has one thread" "$(status Threads)" 1
for set in CapInh CapPrm CapEff CapAmb; do
	expect_eq "no capability in $set" "$(status $set)" 0000000000000000
done
expect_eq "and can get none" "$(status NoNewPrivs)" 1
expect_eq "its system calls are filtered" "$(status Seccomp)" 2
expect_match "it is not root" "$(status Uid)" '^[1-9]'

# From inside of this very process, by a debugger's means; and in one that has given up nothing.
refused_inside() {
	local inject=$top/build/tests/guest/inject call

	if [ "$(id -u)" != 0 ] || [ "$(uname -m)" != x86_64 ]; then
		skip "calls made from inside" "takes root, on x86-64"
		return
	fi
	sleep 1000 &
	for call in open socket execve map_create map_update prog_load; do
		expect_eq "inside, $call is refused" "$("$inject" "$server" $call)" -1
	done
	for call in open socket map_update prog_load; do
		expect_match "elsewhere, $call is not" "$("$inject" $! $call)" '^([0-9]|-[2-9])'
	done
	stop $! TERM || true
	expect_eq "and the server goes on" "$(code /metrics)" 200
}
refused_inside
check "text is what is not asked otherwise" get /metrics
check "with its type" has_header 'content-type: text/plain; version=0.0.4; charset=utf-8'
cp "$work/body" "$work/text"
check "promtool accepts it" promtool check metrics <"$work/text"
check "so do we" "$body" text "$work/text"
check "OpenMetrics" get /metrics -H 'Accept: application/openmetrics-text;version=1.0.0'
check "with its type" \
	has_header 'content-type: application/openmetrics-text; version=1.0.0; charset=utf-8'
check "their parser and ours accept it" "$body" openmetrics "$work/body"
check "it has exemplars" grep -q ' # {comm="' "$work/body"
check "protobuf" get /metrics -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
check "is what the text is, and its native buckets are the classic ones" \
	"$body" protobuf "$work/body" "$work/text" 4
check "gzip" get /metrics -H 'Accept-Encoding: gzip'
check "with its encoding" has_header 'content-encoding: gzip'
check "is gzip" gzip -t <"$work/body"
expect_eq "a Unix socket" "$(code /-/healthy --unix-socket "$work/socket")" 200
expect_eq "ready" "$(code /-/ready)" 200
expect_eq "a landing page" "$(code /)" 200
expect_match "leads to the metrics" "$(cat "$work/body")" 'href="/metrics"'
expect_eq "HEAD" "$(code /metrics --head)" 200
for path in /x /metrics/ '/metrics%00' '/%6detrics' '/../metrics' '/metrics/../metrics'; do
	expect_eq "nothing at $path" "$(code "$path" --path-as-is)" 404
done
for method in POST PUT DELETE OPTIONS TRACE PATCH X; do
	expect_eq "no $method" "$(code /metrics -X "$method")" 405
done
expect_eq "no body" "$(code /metrics -X GET -d x)" 400
expect_eq "nor one in chunks" "$(code /metrics -X GET -H 'Transfer-Encoding: chunked' -d x)" 400
expect_eq "a header of 1 MiB is refused" \
	"$(head -c 1000000 /dev/zero | tr '\0' a | sed 's/^/X: /' >"$work/big"
	   code /metrics -H @"$work/big" 2>/dev/null)" 431
expect_eq "and the next request is answered" "$(code /metrics)" 200
check "SIGTERM ends it well" end TERM
check "its Unix socket can be taken again" start --web.listen-address "unix:$work/socket"
end TERM

for schema in 3 2 1 0; do
	start --series=full --native-histograms $schema
	get /metrics && cp "$work/body" "$work/text"
	get /metrics -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
	check "native buckets of schema $schema are the classic ones" \
		"$body" protobuf "$work/body" "$work/text" $schema
	end TERM
done

start --web.telemetry-path '/zero&"more"'
expect_eq "another path" "$(code '/zero&"more"')" 200
get /
check "in the page's own terms" grep -qF 'href="/zero&amp;&quot;more&quot;">' "$work/body"
check "it ends well" end TERM

start --web.telemetry-path /zero
expect_eq "and not the usual one" "$(code /metrics)" 404
check "a server that merely prefers protobuf" get /zero -H 'Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,text/plain;version=0.0.4;q=0.5'
check "still gets classic buckets" "$body" text "$work/body"
check "SIGINT ends it well" end INT

start --series=full --web.max-requests 2
check "hostile and slow clients hold up nobody" "$top/tests/host/exposition/hostile.py" "$address"
expect_between "nor is their memory kept, in KiB" "$(status VmRSS | tr -dc 0-9)" 1 \
	$((8192 + 4 * $(nproc --all)))
check "it has not ended, and ends well" end TERM

# refused STATUS OPTION…: it does not start, and says why in one line
refused() {
	local expected=$1 status=0

	shift
	"$zeroscope" serve --replay "$recording" "$@" 2>"$work/log" || status=$?
	cat "$work/log"
	[ $status = "$expected" ] && [ "$(wc -l <"$work/log")" = 1 ]
}
check "an address that others reach is refused" refused 1 --web.listen-address 0.0.0.0:0
check "so is every address" refused 1 --web.listen-address :0
check "no address" refused 2 --web.listen-address nowhere
check "no port" refused 2 --web.listen-address 127.0.0.1:http
check "a socket without a path" refused 2 --web.listen-address unix:
check "metrics in the snapshot's place" refused 2 --web.telemetry-path /snapshot
check "no socket from systemd" refused 1 --web.systemd-socket
check "no recording" refused 1 --replay "$work/nothing"
check "another choice of what was measured" refused 2 --comm dd
# A name that stands for something else than a file keeps doing so.
mkfifo "$work/fifo"
check "--once in place of a pipe" refused 1 --once "$work/fifo"
check "which is still one" test -p "$work/fifo"
finished
