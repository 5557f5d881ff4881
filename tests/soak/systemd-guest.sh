#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Runs in a guest that systemd has booted, as a service of its own: see tests/soak/systemd.
# shellcheck disable=SC2317 # functions are called by the name of their check

# port NAME: the device of the virtio port with that name
port() {
	local entry

	for entry in /sys/class/virtio-ports/*; do
		[ "$(cat "$entry/name")" != "$1" ] || echo "/dev/${entry##*/}"
	done
}

ended() {
	echo "exit $?" >"$(port status)"
	systemctl poweroff --force --force
}
trap ended EXIT

exec >"$(port stdout)" 2>&1
# shellcheck source=tests/lib/tap.sh
. /usr/lib/tests/tap.sh

# scrape: the metrics, into the file metrics
scrape() {
	exec 4<>/dev/tcp/127.0.0.1/10409 || return
	printf 'GET /metrics HTTP/1.0\r\n\r\n' >&4
	cat <&4 >/tmp/metrics
	exec 4<&-
	grep -q '^zeroscope_clears_total' /tmp/metrics
}

value() {
	sed -n "s/^$1 //p" /tmp/metrics | tr -d '\r'
}

show() {
	systemctl show --value -p "$1" zeroscope.service
}

# until_is PROPERTY VALUE
until_is() {
	local tries=0

	until [ "$(show "$1")" = "$2" ]; do
		((tries++ < 600)) || { show "$1"; return 1; }
		sleep 0.5
	done
}

# status WORD: of the process that systemd started
status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(show MainPID)/status"
}

programs() {
	bpftool prog show | grep -cE ' (tracing|kprobe) .*name (clear|gap|zero|resched|switch)'
}

cd /tmp || exit
diag "$(systemctl --version | head -n 1), $(uname -r)"
for unit in zeroscope.service zeroscope.socket; do
	expect_eq "$unit: not enabled by the installation" "$(systemctl is-enabled $unit)" disabled
	expect_eq "$unit: nor started" "$(systemctl is-active $unit)" inactive
done
# An emulated processor is a slow one.
mkdir -p /run/systemd/system/zeroscope.service.d
printf '[Service]\nTimeoutStartSec=infinity\nWatchdogSec=20s\n' \
	>/run/systemd/system/zeroscope.service.d/slow.conf
systemctl daemon-reload

before=$(programs)
check "it starts, and tells when it is ready" systemctl start zeroscope.service
expect_eq "it is active" "$(show ActiveState)" active
expect_match "its log says what is attached" "$(journalctl -u zeroscope.service -o cat)" \
	'^attached: .*folio_zero_user .fentry.'
expect_eq "and what is not is no matter of rights" \
	"$(journalctl -u zeroscope.service -o cat | grep -c CAP_)" 0
for set in CapInh CapPrm CapEff CapAmb; do
	expect_eq "no capability in $set" "$(status $set)" 0000000000000000
done
expect_eq "its system calls are filtered" "$(status Seccomp)" 2
expect_match "it is a user of its own" "$(status Uid)" '^6[0-9]{4}'
check "it is scraped" scrape
zeroscope load --kind thp --count 50 >load.log || cat load.log
scrape
labels='{order="9",page_kind="thp",numa="local"}'
expect_eq "clears are those of load" "$(value "zeroscope_clears_total$labels")" 50
expect_match "the reference count can be read" "$(value zeroscope_huge_zero_refcount)" '^[0-9]+$'
expect_eq "coverage: the kernel's own count" \
	"$(value 'zeroscope_coverage_kernel_folios_total{what="thp"}')" \
	"$(value 'zeroscope_coverage_seen_folios_total{what="thp"}')"
check "programs are attached" test "$(programs)" -gt "$before"
check "SIGHUP is a reload" systemctl reload zeroscope.service
# Twice the watchdog's time: it would have been killed.
sleep 40
expect_eq "the watchdog hears it" "$(show NRestarts)" 0
check "and it still counts" scrape

kill -KILL "$(show MainPID)"
check "killed, it is started again" until_is NRestarts 1
check "and serves" until_is ActiveState active
check "from 0 on" scrape
expect_eq "with the series there" "$(value "zeroscope_clears_total$labels")" 0
check "it stops" systemctl stop zeroscope.service
expect_eq "well" "$(show Result)" success
expect_eq "and leaves no program" "$(programs)" "$before"

echo 'ZEROSCOPE_OPTIONS=--web.systemd-socket' >/etc/default/zeroscope
check "the socket is opened" systemctl start zeroscope.socket
expect_eq "and nothing runs yet" "$(show ActiveState)" inactive
check "the first scrape starts the service" scrape
expect_eq "which is active" "$(show ActiveState)" active
systemctl stop zeroscope.socket zeroscope.service
expect_eq "and leaves no program, either" "$(programs)" "$before"
