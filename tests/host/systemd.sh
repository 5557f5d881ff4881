#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The units are such as systemd understands, the service is exposed no more than 2.0, and what
# systemd passes on to a service works: sockets, readiness, the watchdog.
# shellcheck disable=SC2317 # functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

for tool in systemd-analyze systemd-socket-activate curl; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool; run: packaging/packages test"
done

work=$(mktemp -d)
pids=()
clean_up() {
	local pid

	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	rm -rf "$work"
}
trap clean_up EXIT

service=$work/zeroscope.service
exposed() {
	systemd-analyze security --offline=true --threshold="$1" --no-pager "$service" >"$work/log" 2>&1
}

# What it would start is not installed here, and neither is its manual.
verified() {
	! systemd-analyze verify --man=no "$service" "$work/zeroscope.socket" 2>&1 |
		grep -Ev 'is not executable|^$' | grep -i zeroscope
}

cp "$top/packaging/systemd/"* "$work"
sed -i "s|/usr/bin/zeroscope|$top/build/zeroscope|" "$service"
check "systemd takes the units" verified
check "the service is exposed no more than 2.0" exposed 20
diag "$(tail -n 1 "$work/log")"
sed -i '/^NoNewPrivileges=\|^SystemCallFilter=\|^ProtectSystem=/d' "$service"
check "without its fences it would be" test "$(exposed 20; echo $?)" != 0

make_recordings "$top" "$work/seeds" || {
	not_ok "recordings to test with" "cannot be made"
	finished
	exit
}

# Everything that the service tells, a datagram a line.
cat >"$work/listen.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)
END
/usr/bin/python3 "$work/listen.py" "$work/notify" >"$work/told" &
pids+=($!)
wait_for_line "$work/told" '^bound'

NOTIFY_SOCKET=$work/notify WATCHDOG_USEC=200000 systemd-socket-activate -l "$work/socket" \
	-E NOTIFY_SOCKET -E WATCHDOG_USEC "$top/build/zeroscope" serve --replay "$work/seeds/run" \
	--web.systemd-socket 2>"$work/log" &
pids+=($!)
server=$!
wait_for_line "$work/log" '^Listening on'
check "a socket of systemd is served" curl -s -o "$work/body" --max-time 60 \
	--unix-socket "$work/socket" http://localhost/metrics
check "with metrics" grep -q '^zeroscope_clears_total' "$work/body"
check "systemd hears when it is ready" wait_for_line "$work/told" '^READY=1'
check "and that it lives" wait_for_line "$work/told" '^WATCHDOG=1'
kill -TERM "$server"
check "and that it ends" wait_for_line "$work/told" '^STOPPING=1'
finished
