#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 1200
# shellcheck disable=SC2016 # what is quoted expands in the guest
# What tests/vm/vm promises: exit statuses, separate and unharmed streams, no leftovers.
set -u

top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"

# vm OPTION… -- COMMAND…: sets status; the streams are in the files out and err
vm() {
	status=0
	"$top/tests/vm/vm" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || status=$?
}

if ! reason=$("$top/tests/vm/vm" --check debian-6.12 2>&1); then
	skip_all "${reason#vm: }"
fi

# One boot for what a single command can show.
head -c 1048576 /dev/urandom >"$scratch/random"
mkdir "$scratch/folder"
echo inside >"$scratch/folder/file"
vm --file "$scratch/random:/tmp/random" --file "$scratch/folder:/srv/folder" --numa 2 --smp 2 \
	--cmdline "init_on_alloc=0 zs.mark=1" -- sh -c '
	cat /tmp/random
	{ echo "argument:$1"; cat /srv/folder/file; cat /sys/devices/system/node/online
	  cat /proc/cmdline; } >/dev/stderr
	exit 7' sh "two  words, a 'quote' and \$HOME"
expect_eq "the command's exit status is passed on" "$status" 7
expect_eq "1 MiB of binary output arrives intact" \
	"$(sha256sum <"$scratch/out")" "$(sha256sum <"$scratch/random")"
expect_match "an argument arrives as it was given" "$(cat "$scratch/err")" \
	"^argument:two  words, a 'quote' and \\\$HOME\$"
expect_match "a folder is copied" "$(cat "$scratch/err")" '^inside$'
expect_match "there are two NUMA nodes" "$(cat "$scratch/err")" '^0-1$'
expect_match "the kernel's command line is extended" "$(cat "$scratch/err")" 'init_on_alloc=0 zs.mark=1'

# The serial ports serve kernels without a virtio console.
vm --cmdline initcall_blacklist=virtio_console_init --file "$scratch/random:/tmp/random" -- \
	'head -c 100000 /tmp/random; ls /dev/vport* >&2; exit 3'
expect_eq "without virtio the status still arrives" "$status" 3
expect_eq "without virtio binary output arrives intact" \
	"$(sha256sum <"$scratch/out")" "$(head -c 100000 "$scratch/random" | sha256sum)"
expect_match "without virtio there is really none" "$(cat "$scratch/err")" 'No such file'

vm --timeout 60 -- 'echo begun; sleep 1000'
expect_eq "a time-out ends with 124" "$status" 124
expect_eq "output before the time-out arrives" "$(cat "$scratch/out")" begun
expect_match "the time-out is named" "$(cat "$scratch/err")" 'did not finish within 60 s'

vm -- 'echo c >/proc/sysrq-trigger'
expect_eq "a panic ends with 125" "$status" 125
expect_match "the panic is quoted" "$(cat "$scratch/err")" '^vm: the guest .* died .*: Kernel panic'

vm --icount -- 'a=$(cut -d. -f1 /proc/uptime); sleep 3600; b=$(cut -d. -f1 /proc/uptime); echo $((b - a))'
expect_between "with --icount an hour of sleep takes no time" "$(cat "$scratch/out")" 3599 3602

vm --kernel /nonexistent/vmlinuz -- true
expect_eq "a missing kernel file ends with 125" "$status" 125
expect_match "the missing kernel is named" "$(cat "$scratch/err")" "no kernel file '/nonexistent/vmlinuz'"
vm --smp two -- true
expect_eq "wrong usage ends with 125" "$status" 125
expect_match "wrong usage says what was expected" "$(cat "$scratch/err")" "whole number, not 'two'"

# Two at a time, one of them ended by a signal: both leave nothing behind.
"$top/tests/vm/vm" -- 'echo up; sleep 1000' >"$scratch/ended" 2>&1 </dev/null &
ended=$!
"$top/tests/vm/vm" --kernel debian-6.1 -- 'uname -r' >"$scratch/other" 2>&1 </dev/null &
other=$!
wait_for_line "$scratch/ended" '^up' 300
check_status "a signal ends it" 143 stop "$ended" TERM
check_status "the one beside it is not disturbed" 0 wait "$other"
expect_match "and ran its own kernel" "$(cat "$scratch/other")" '^6\.1\.'
expect_eq "no temporary file is left" "$(ls -A "$TMPDIR")" ""
expect_eq "no QEMU is left" "$(pgrep -f "qemu-system.*$TMPDIR" | wc -l)" 0
finished
