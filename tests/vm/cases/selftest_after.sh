# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# kernel: debian-6.12 debian-6.1 debian-7
# memory: 2048
# Runs in the same guest as selftest, after it: nothing of that may be left.

expect_eq "no process is left from the case before" \
	"$(cat /proc/[0-9]*/cmdline | tr '\0' ' ' | grep -c 'sleep 10000[0]')" 0
expect_match "the settings are as they were booted" "$(cat "$THP/enabled")" '\[(always|madvise)\]'
expect_eq "the working directory is empty" "$(ls -A)" ""
