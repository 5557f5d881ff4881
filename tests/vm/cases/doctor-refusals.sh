# SPDX-License-Identifier: GPL-2.0-only
# A capability that is missing is named, and CAP_SYSLOG costs the refcount alone.
# kernel: debian-6.12
# memory: 2048
# timeout: 600
# files: /usr/bin/jq /usr/bin/setpriv

# as STATUS NAME OPTION…: doctor's report under setpriv, into doctor.json
as() {
	as_status=$1
	as_name=$2
	shift 2
	as_got=0
	/usr/bin/setpriv "$@" zeroscope doctor --json >doctor.json 2>doctor.err || as_got=$?
	expect_eq "$as_name: status" "$as_got" "$as_status"
	expect_eq "$as_name: nothing on stderr" "$(cat doctor.err)" ""
}

refcount='.probes[] | select(.name == "refcount")'
clear='.probes[] | select(.name == "clear")'

as 3 "an ordinary user" --reuid 65534 --regid 65534 --clear-groups
expect_eq "an ordinary user: verdict" "$(jq -r "$clear | .verdict" doctor.json)" capability
expect_match "an ordinary user: which" "$(jq -r .reason doctor.json)" 'needs CAP_BPF and CAP_PERFMON'
expect_match "an ordinary user: remedy" "$(jq -r .remedy doctor.json)" \
	'Run it as root, or grant it: setcap cap_bpf,cap_perfmon,cap_syslog\+ep'
expect_eq "an ordinary user: THP is told all the same" "$(jq -r .thp.enabled doctor.json)" \
	"$(sed 's/.*\[\(.*\)\].*/\1/' "$THP/enabled")"
expect_eq "an ordinary user: which function it would be" \
	"$(jq -r "$clear | .target" doctor.json)" folio_zero_user

as 3 "without CAP_BPF" --bounding-set -bpf,-sys_admin
expect_match "without CAP_BPF: which" "$(jq -r .reason doctor.json)" 'needs CAP_BPF,'
as 3 "without CAP_PERFMON" --bounding-set -perfmon,-sys_admin
expect_match "without CAP_PERFMON: which" "$(jq -r .reason doctor.json)" 'needs CAP_PERFMON,'

as 0 "without CAP_SYSLOG" --bounding-set -syslog
expect_eq "without CAP_SYSLOG: clears" "$(jq -r "$clear | .attachable" doctor.json)" true
expect_eq "without CAP_SYSLOG: refcount" "$(jq -r "$refcount | .verdict" doctor.json)" capability
expect_match "without CAP_SYSLOG: which" "$(jq -r "$refcount | .reason" doctor.json)" CAP_SYSLOG
expect_eq "without CAP_SYSLOG: all else" \
	"$(jq -r '[.probes[] | select(.verdict == "capability") | .name] | join(" ")' doctor.json)" \
	refcount

as 0 "three capabilities alone" --bounding-set -all,+bpf,+perfmon,+syslog
expect_eq "three capabilities alone: refcount" \
	"$(jq -r "$refcount | .attachable" doctor.json)" true

echo 2 >/proc/sys/kernel/kptr_restrict
as 0 "kptr_restrict=2" --reuid 0
expect_match "kptr_restrict=2: refcount" "$(jq -r "$refcount | .reason" doctor.json)" \
	'kernel.kptr_restrict=2'
echo 0 >/proc/sys/kernel/kptr_restrict

# Root of a user namespace has every capability, and none that counts.
unshare -U -r zeroscope doctor --json >doctor.json
expect_match "in a user namespace" "$(jq -r .reason doctor.json)" 'user namespace'

# Usage.
check_status "a --btf that is none" 1 zeroscope doctor --btf /etc/hostname
check_status "a tier that is none" 2 zeroscope doctor --tier banana
