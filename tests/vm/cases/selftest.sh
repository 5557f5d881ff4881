# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# kernel: debian-6.12 debian-6.1 debian-7
# memory: 2048
# files: /usr/bin/jq tests/lib/tap.sh:/root/copied
# What the harness promises to every other case, on each kernel.

expect_eq "a command's failure is seen" "$(sh -c 'exit 7'; echo $?)" 7
expect_eq "the file system is set up" \
	"$(awk '{ print $3 }' /proc/mounts | grep -cxE 'proc|sysfs|devtmpfs|debugfs|tracefs|securityfs|bpf|cgroup2')" 8
check "the kernel has BTF" test -s /sys/kernel/btf/vmlinux
check "the loopback interface is up" ping -c 1 -W 10 127.0.0.1
expect_match "the kernel counts THP faults" "$(vmstat_get thp_fault_alloc)" '^[0-9]+$'
expect_eq "a counter that does not exist reads as nothing" "$(vmstat_get no_such_counter)" ""

check "a file of the tree is copied" grep -q 'tap_line' /root/copied
expect_eq "a program is copied with its libraries" "$(echo '{"a":[1,2]}' | jq -c .a)" "[1,2]"

printf '%s\n' '{"type":"a","x":{"y":[{"z":1},{"z":2.5}]}}' \
	'{"type":"b","x":null,"s":"q\"r","e":[],"t":true}' >lines
expect_eq "json_get reads an element" "$(json_get lines 'x.y[1].z' a)" 2.5
expect_eq "json_get reads null as null" "$(json_get lines x)" null
expect_eq "json_get reads an escaped string" "$(json_get lines s)" 'q\"r'
expect_eq "json_get finds nothing where nothing is" "$(json_get lines y)" ""
expect_eq "json_flat lists every value" "$(json_flat lines | wc -l)" 5
echo '{"a":[1,2}' >broken
check_status "json_get refuses what is no JSON" 1 json_get broken a

(usleep 300000; echo "attached: all") >late &
check "wait_for_line waits for the line" wait_for_line late '^attached:' 60
check_status "wait_for_line gives up" 1 wait_for_line late 'never' 1
check "a setting can be written" write_sysfs "$THP/enabled" never
check_status "a refused write is seen" 1 write_sysfs "$THP/enabled" sometimes
expect_match "the preemption model is known" "$(preempt_model)" '^(none|voluntary|lazy|full)$'
diag "$(uname -r) runs with preemption model $(preempt_model)"

# Left to the harness to end, and the setting above to put back: selftest_after looks.
sleep 100000 &
