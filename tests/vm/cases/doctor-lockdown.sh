# SPDX-License-Identifier: GPL-2.0-only
# Lockdown is named, with its mode, where it stands in the way and only there.
# kernel: debian-6.12
# matrix: lockdown=confidentiality lockdown=integrity
# timeout: 600
# files: /usr/bin/jq build/zeroscope:/root/zeroscope

status=0
zeroscope doctor --json >doctor.json 2>doctor.err || status=$?
mode=$(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown)
expect_eq "the mode" "$(jq -r .kernel.lockdown doctor.json)" "$mode"
expect_eq "nothing on stderr" "$(cat doctor.err)" ""
expect_eq "the preemption model comes from the kernel's messages" \
	"$(jq -r .kernel.preempt_source doctor.json)" "the kernel's messages (Dynamic Preempt)"

# Not by mode but by what the kernel does: integrity lets programs read.
if [ "$mode" = integrity ]; then
	expect_eq "status" "$status" 0
	expect_eq "measurable" "$(jq -r .measurable doctor.json)" true
else
	expect_eq "status" "$status" 3
	expect_eq "verdict" \
		"$(jq -r '.probes[] | select(.name == "clear") | .verdict' doctor.json)" lockdown
	expect_match "reason" "$(jq -r .reason doctor.json)" 'locked down \(confidentiality\)'
	expect_match "remedy" "$(jq -r .remedy doctor.json)" 'make demo'
	run=0
	zeroscope run -d 1s >run.out 2>run.err || run=$?
	expect_eq "run: status" "$run" 3
	expect_match "run: reason" "$(cat run.err)" '^zeroscope: .*locked down \(confidentiality\)'
	expect_eq "run: one sentence" "$(wc -l <run.err)" 1
	expect_eq "run: no output" "$(cat run.out)" ""
	run=0
	/root/zeroscope serve >serve.out 2>serve.err || run=$?
	expect_eq "serve: status" "$run" 3
	expect_eq "serve: the same sentence, and no other" "$(cat serve.err)" "$(cat run.err)"
fi
