# SPDX-License-Identifier: GPL-2.0-only
# The pod of packaging/kubernetes: the exporter with exactly the capabilities and mounts of the
# manifest, on a root file system that is read-only, measures what it measures outside. Without one
# of the two that it cannot do without it says so and ends.
# kernel: debian-6.12
# cmdline: init_on_alloc=0
# memory: 2048
# files: build/zeroscope build/tests/guest/zero-holder /usr/bin/setpriv /usr/bin/unshare packaging/kubernetes/zeroscope.yaml

ip link set lo up
grep -qs '^nobody:' /etc/passwd || echo 'nobody:x:65534:65534::/:/bin/false' >>/etc/passwd
manifest=/root/zeroscope.yaml
capabilities=$(awk '/^ *add:$/ { on = 1; next } on && /^ *- / { print tolower($2) } on && /: /{ exit }' "$manifest" | xargs)
mounts=$(sed -n 's/^ *mountPath: //p' "$manifest" | xargs)
diag "capabilities: $capabilities; mounts: $mounts"

# What a runtime makes of a pod: a root file system that cannot be written, proc and sysfs of its
# own, the mounts asked for, the capabilities asked for, and no way to more.
cat >pod.sh <<'END'
root=$1 capabilities=$2 mounts=$3
shift 3
mkdir -p "$root"
mount -t tmpfs tmpfs "$root"
for directory in bin sbin lib lib64; do
	ln -s "usr/$directory" "$root/$directory"
done
mkdir -p "$root/usr" "$root/proc" "$root/sys" "$root/etc" "$root/dev" "$root/tmp"
cp /etc/passwd /etc/group "$root/etc"
mount --bind /usr "$root/usr"
mount -o remount,bind,ro "$root/usr"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
for mount in $mounts; do
	mount --bind "$mount" "$root$mount" || exit
	mount -o remount,bind,ro "$root$mount" || exit
done
mount -o remount,ro "$root"
set -- "--bounding-set=-all$(printf ',+%s' $capabilities)" --inh-caps=-all --no-new-privs "$@"
exec chroot "$root" /usr/bin/setpriv "$@"
END

# pod NAME CAPABILITIES MOUNTS COMMAND…
pod() {
	name=$1
	shift
	/usr/bin/unshare --mount --cgroup --ipc --uts --propagation private \
		sh "$PWD/pod.sh" "$PWD/$name" "$@"
}

without() {
	word=$1
	shift
	echo "$*" | xargs -n 1 | grep -vx "$word" | xargs
}

get() {
	wget -q -O "$1" "http://127.0.0.1:$2/metrics"
}

value() {
	sed -n "s/^$2 //p" "$1" | head -n 1
}

expect_eq "the capabilities are those that attaching and giving them up take" "$capabilities" \
	"bpf perfmon syslog setuid setgid setpcap"
# A holder from before.
zero-holder read hold >holder.log 2>&1 &
check "somebody holds the huge zero folio" wait_for_line holder.log "^held "
mkdir -p /sys/fs/cgroup/kubepods
pod root "$capabilities" "$mounts" /usr/local/bin/zeroscope serve --web.listen-address=:10409 \
	--web.allow-insecure --cgroup-series 5 2>pod.log &
check "it attaches in the pod" wait_for_line pod.log '^attached: ' 120
server=$(pidof zeroscope)
/usr/local/bin/zeroscope serve --web.listen-address=127.0.0.1:10410 --cgroup-series 5 2>host.log &
check "and outside" wait_for_line host.log '^attached: ' 120
expect_eq "by the same tiers" "$(grep ^attached: pod.log)" "$(grep ^attached: host.log)"
expect_eq "it says nothing else" "$(grep -Evc '^(listening|attached): ' pod.log)" 0
check_status "its root cannot be written" 1 touch "/proc/$server/root/tmp/x"
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	expect_eq "no capability in $set" "$(awk "/^$set/ { print \$2 }" "/proc/$server/status")" \
		0000000000000000
done
expect_eq "it is nobody" "$(awk '/^Uid:/ { print $2 }' "/proc/$server/status")" 65534
sh -c 'echo $$ >/sys/fs/cgroup/kubepods/cgroup.procs; exec zeroscope load --kind thp --count 60' \
	>load.log || cat load.log
get pod.txt 10409
get host.txt 10410
for series in 'zeroscope_clears_total{order="9",page_kind="thp",numa="local"}' \
	'zeroscope_coverage_seen_folios_total{what="thp"}' \
	'zeroscope_coverage_kernel_folios_total{what="thp"}'; do
	expect_eq "$series: those of load" "$(value pod.txt "$series")" 60
done
expect_eq "by the cgroup they were in" \
	"$(sed -n '/cgroup="other"/d; s/^zeroscope_cgroup_clears_total{.*} //p' pod.txt)" 60
expect_eq "the holder from before is seen" "$(value pod.txt zeroscope_huge_zero_holders)" \
	"$(value host.txt zeroscope_huge_zero_holders)"
expect_match "one at least" "$(value pod.txt zeroscope_huge_zero_holders)" '^[1-9]'
expect_eq "the reference count" "$(value pod.txt zeroscope_huge_zero_refcount)" \
	"$(value host.txt zeroscope_huge_zero_refcount)"
expect_eq "the kernel is known as outside" "$(grep ^zeroscope_kernel pod.txt)" \
	"$(grep ^zeroscope_kernel host.txt)"
expect_eq "and so are the series" "$(sed 's/ [^ ]*$//' pod.txt | sort | md5sum)" \
	"$(sed 's/ [^ ]*$//' host.txt | sort | md5sum)"
kill -TERM "$server"

for capability in bpf perfmon; do
	check_status "without CAP_$capability it ends with status 3" 3 \
		pod "no-$capability" "$(without $capability "$capabilities")" "$mounts" \
		/usr/local/bin/zeroscope serve --web.listen-address=127.0.0.1:0 2>"$capability.log"
	expect_match "and says what is missing" "$(cat "$capability.log")" \
		"^zeroscope: .*CAP_$(echo $capability | tr '[:lower:]' '[:upper:]')"
	expect_eq "in one line" "$(wc -l <"$capability.log")" 1
done

# Then it must take the tier that is safe under every model, and this kernel refuses kprobes to
# whoever has CAP_PERFMON alone (kernel.perf_event_paranoid is 3).
pod no-debug "$capabilities" "$(without /sys/kernel/debug "$mounts")" \
	/usr/local/bin/zeroscope serve --web.listen-address=127.0.0.1:0 2>no-debug.log &
check "without debugfs it attaches, too" wait_for_line no-debug.log '^attached: ' 120
expect_match "clears by sessions" "$(cat no-debug.log)" 'folio_zero_user .kprobe\.session.'
expect_match "and what has no use for them by trampolines" "$(cat no-debug.log)" \
	'mm_get_huge_zero_folio .fentry.'
