# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A Prometheus to ask: the installed one, or one of another Debian release, and what it answers.

# start_prometheus PROGRAM CONFIG DIRECTORY OPTION…: its address is $prometheus, its process
# $prometheus_pid.
start_prometheus() {
	local program=$1 config=$2 directory=$3

	shift 3
	mkdir -p "$directory"
	prometheus=127.0.0.1:$(/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
	"$program" --config.file="$config" --storage.tsdb.path="$directory/data" \
		--web.listen-address="$prometheus" "$@" >"$directory/log" 2>&1 &
	# shellcheck disable=SC2034 # for the caller
	prometheus_pid=$!
	prometheus_log=$directory/log
}

# query EXPRESSION: the value, empty where there is none
query() {
	curl -s --data-urlencode "query=$1" "http://$prometheus/api/v1/query" |
		jq -r '.data.result[0] | (.value // .histogram)[1] // empty'
}

# wait_for EXPRESSION: until there is a value
wait_for() {
	local deadline=$((SECONDS + 120))

	until [ -n "$(query "$1")" ]; do
		((SECONDS < deadline)) || { cat "$prometheus_log"; return 1; }
		sleep 0.2
	done
}

# other_prometheus TOP VERSION: the path of that version's program, from whichever Debian release
# has it; status 1 where none has, or none can be asked. Kept in the cache, as kernels are.
other_prometheus() (
	# shellcheck source=tests/vm/kernels.sh
	REFRESH='' && . "$1/tests/vm/kernels.sh"
	arch=$(dpkg --print-architecture)
	kept=$CACHE/prometheus-$2
	mkdir -p "$CACHE"
	exec 9>"$CACHE/.prometheus-$2.lock"
	flock 9
	if [[ ! -x $kept/usr/bin/prometheus ]]; then
		apt_refresh "$arch" >&2 || exit 1
		package=$(private_apt "$arch" apt-cache madison prometheus | tr -d ' ' |
			awk -F'|' -v v="$2." 'index($2, v) == 1 { print "prometheus=" $2; exit }')
		[[ -n $package ]] || exit 1
		work=$(mktemp -d "$CACHE/.prometheus-XXXXXX")
		trap 'rm -rf "$work"' EXIT
		download "$arch" "$package" "$work" || exit 1
		rm -rf "$kept"
		mv -T "$work/root" "$kept"
	fi
	echo "$kept/usr/bin/prometheus"
)
