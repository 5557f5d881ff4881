# SPDX-License-Identifier: GPL-2.0-only
# A refusal is one sentence with a remedy and the right status, and whatever ends the tool leaves
# no program, map or link behind and no half line in its output.
# kernel: debian-6.1 debian-6.12 debian-7
# cmdline: init_on_alloc=0
# memory: 2048
# timeout: 900
# files: /usr/bin/env:/usr/local/bin/gnu-env /usr/bin/jq /usr/bin/setpriv /usr/sbin/bpftool tests/vm/guest/measure.sh
. /root/measure.sh

bpftool=/usr/sbin/bpftool

# objects: how many programs, maps and links the kernel has
objects() {
	for what in prog map link; do
		$bpftool $what show | grep -c '^[0-9]*:'
	done | xargs
}

before=$(objects)

# nothing_left NAME: what a program held is freed by the kernel some time after it
nothing_left() {
	n_tries=0
	n_now=$(objects)
	while [ "$n_now" != "$before" ] && [ $n_tries -lt 50 ]; do
		sleep 0.2
		n_tries=$((n_tries + 1))
		n_now=$(objects)
	done
	expect_eq "$1: nothing left behind" "$n_now" "$before"
}

# refused NAME STATUS PATTERN COMMAND…: one sentence that matches, that status, nothing left
refused() {
	r_name=$1 r_want=$2 r_pattern=$3
	shift 3
	"$@" >out 2>err
	r_got=$?
	expect_eq "$r_name: status" $r_got "$r_want"
	expect_match "$r_name: the sentence" "$(cat err)" "$r_pattern"
	expect_eq "$r_name: one line" "$(wc -l <err)" 1
	expect_eq "$r_name: nothing on stdout" "$(wc -c <out)" 0
	nothing_left "$r_name"
}

refused "not root" 3 'CAP_BPF.*CAP_PERFMON.*setcap' \
	/usr/bin/setpriv --reuid 65534 --regid 65534 --clear-groups zeroscope run -d 1s
refused "CAP_BPF missing" 3 'CAP_BPF' /usr/bin/setpriv --bounding-set -bpf,-sys_admin zeroscope run -d 1s
refused "CAP_PERFMON missing" 3 'CAP_PERFMON' \
	/usr/bin/setpriv --bounding-set -perfmon,-sys_admin zeroscope run -d 1s
# Sessions of trampolines came with 7.0; the kfunc that tells their ends apart is older.
case $(uname -r) in
[0-6].*)
	refused "a tier that this kernel lacks" 3 'fsession' zeroscope run --tier fsession -d 1s
	;;
*) skip "a tier that this kernel lacks" "this kernel has every tier" ;;
esac
refused "--interval 12abc" 2 '12abc.*500us' zeroscope run --interval 12abc
refused "-i -1" 2 'interval' zeroscope run -i -1
refused "unknown option" 2 '--frobnicate' zeroscope run --frobnicate
refused "unknown kind" 2 'banana' zeroscope load --kind banana
if [ -d "$THP/hugepages-64kB" ]; then
	refused "impossible order" 2 'order' zeroscope load --kind mthp --order 19
else
	refused "a kind that this kernel lacks" 3 'no mTHP sizes' zeroscope load --kind mthp --order 19
fi
refused "no such cgroup" 1 'no cgroup' zeroscope run -c /nowhere -d 1s
refused "no such process" 1 'no process has the id 4194303.*--comm' zeroscope run -p 4194303 -d 1s
refused "a --btf that is missing" 1 'nowhere' zeroscope run --btf /nowhere -d 1s
refused "a --btf that is something else" 1 '/etc/passwd is not a BTF file' \
	zeroscope run --btf /etc/passwd -d 1s
refused "record without a file" 2 'FILE' zeroscope record

if echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; then
	refused "ftrace turned off" 3 'ftrace_enabled=0.*sysctl kernel.ftrace_enabled=1' \
		zeroscope run -d 1s
	refused "ftrace turned off, --tier kprobe" 3 \
		'ftrace_enabled=0.*sysctl kernel.ftrace_enabled=1' zeroscope run --tier kprobe -d 1s
	echo 1 >/proc/sys/kernel/ftrace_enabled
else
	skip "ftrace turned off" "this kernel does not let ftrace be turned off"
fi

# Without CAP_SYSLOG clears are measured all the same.
/usr/bin/setpriv --bounding-set -syslog zeroscope run --json -d 1s >out 2>err
expect_eq "CAP_SYSLOG missing: status" $? 0
expect_match "CAP_SYSLOG missing: attached" "$(cat err)" '^attached: .*(folio_zero_user|clear_huge_page)'

# The kernel's BTF hidden: no tier but kprobe, and only with types from a file.
cp /sys/kernel/btf/vmlinux /tmp/btf
mount -t tmpfs none /sys/kernel/btf
refused "no BTF" 3 'BTF.*--btf' zeroscope run -d 1s
zeroscope run --json --cumulative --btf /tmp/btf >run.json 2>run.err &
run_pid=$!
if wait_for_line run.err '^attached:' 120; then
	zeroscope load --json --kind thp --count 16 >load.json 2>load.err
	stop_run
	expect_eq "types from a file: count" "$(counted thp 9)" 16
	expect_match "types from a file: by kprobe" "$(cat run.err)" '\(kprobe\)'
else
	not_ok "types from a file" "$(cat run.err)"
fi
umount /sys/kernel/btf
nothing_left "types from a file"

# valid_json FILE: every line is whole
valid_json() {
	jq -e . "$1" >/dev/null
}

# Killed at any time: while it loads, while it attaches, while it runs. What it does itself at the
# other signals is the same on each kernel.
case $(uname -r) in
6.12.*) signals="KILL INT TERM" ;;
*) signals=KILL ;;
esac
for signal in $signals; do
	for delay in 0.02 0.1 0.3 0.7 2.5; do
		rm -f pid
		# What a shell starts in the background ignores SIGINT until it says otherwise.
		gnu-env --default-signal=INT \
			sh -c 'echo $$ >pid && exec zeroscope run --json -i 100ms' >out 2>err &
		until [ -s pid ]; do
			usleep 1000
		done
		sleep $delay
		kill -$signal "$(cat pid)"
		wait $!
		status=$?
		[ $signal = KILL ] || [ $status -eq 0 ] || [ $status -ge 128 ] ||
			not_ok "SIG$signal after $delay s" "status $status: $(cat err)"
		check "SIG$signal after $delay s: whole lines" valid_json out
	done
	nothing_left "SIG$signal"
done

# A full disk.
mkdir -p full
mount -t tmpfs -o size=64k none full
dd if=/dev/zero of=full/filler bs=1k count=56 2>/dev/null
zeroscope run --json -i 50ms -d 20s >full/out 2>err
expect_eq "full disk: status" $? 1
expect_match "full disk: the sentence" "$(cat err)" 'No space left'
check "full disk: whole lines" valid_json full/out
rm -f full/out
zeroscope record -o full/rec -i 20ms -d 60s 2>err
expect_eq "full disk: record's status" $? 1
expect_match "full disk: record's sentence" "$(cat err)" 'full/rec: the disk is full'
zeroscope report --json full/rec >out 2>err
expect_eq "full disk: what was recorded is read" $? 0
check "full disk: report is whole" valid_json out
umount full

# A limit on the size of files.
(
	ulimit -f 4
	zeroscope run --json -i 20ms -d 60s >limited 2>err
	echo $? >status
)
expect_eq "file size limit: status" "$(cat status)" 1
expect_match "file size limit: the sentence" "$(cat err)" 'File too large'

# Told on a descriptor that is needed further on.
zeroscope run --json -d 100ms --ready-fd 1 >out 2>err
expect_eq "ready on standard output: status" $? 0
expect_eq "ready on standard output: both lines" "$(sed 's/[:"].*//' out | xargs)" "attached {"

# A reader that goes away.
(
	zeroscope run -i 50ms 2>err
	echo $? >status
) | head -n 3 >out
i=0
while [ ! -s status ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
expect_eq "reader gone: status" "$(cat status)" 0
expect_eq "reader gone: only the attached line" "$(grep -vc '^attached:' err)" 0
expect_eq "reader gone: no escapes" "$(tr -cd '\033' <out | wc -c)" 0
nothing_left "at the end"
