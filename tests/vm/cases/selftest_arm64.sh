# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# kernel: debian-6.12-arm64 debian-6.12-arm64-16k
# The harness on the other architecture, and the huge page size that follows from its page size.

expect_eq "the machine is an arm64" "$(uname -m)" aarch64
check "the kernel has BTF" test -s /sys/kernel/btf/vmlinux
expect_match "the kernel counts THP faults" "$(vmstat_get thp_fault_alloc)" '^[0-9]+$'
case $(uname -r) in
*-16k) pmd=33554432 ;;
*) pmd=2097152 ;;
esac
expect_eq "a huge page has the size that follows from the page size" \
	"$(cat "$THP/hpage_pmd_size")" "$pmd"
if command -v zeroscope >/dev/null; then
	expect_match "a tool in the guest is one for it" "$(zeroscope --version)" '^zeroscope '
else
	diag "no zeroscope for arm64 was given, none is in the guest"
fi
