# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# How a test script, on the host or in a guest, reports: TAP lines on descriptor 3 where the
# runner listens, on standard output when the script is started by hand.

if (: >&3) 2>/dev/null; then
	tap_fd=3
else
	tap_fd=1
fi

# One line for the runner; with a runner also into the test's log, where it has its context.
tap_line() {
	printf '%s\n' "$*" | tr '\n' ' ' | sed 's/ $//' >&$tap_fd
	echo >&$tap_fd
	[ "$tap_fd" = 1 ] || printf '%s\n' "$*"
}

# ok NAME
ok() {
	tap_line "ok - $1"
}

# not_ok NAME REASON
not_ok() {
	tap_line "not ok - $1 # ${2:-no reason given}"
}

# skip NAME REASON
skip() {
	tap_line "ok - $1 # SKIP ${2:-no reason given}"
}

# diag TEXT…: a remark, shown with the results
diag() {
	tap_line "# $*"
}

# skip_all REASON: nothing of this script can run here
skip_all() {
	skip "all" "$1"
	tap_line "# finished"
	exit 0
}

# finished: the last thing a host script says; the runner says it for a case in a guest
finished() {
	tap_line "# finished"
}

# check NAME COMMAND…: passes if the command succeeds
check() {
	check_name=$1
	shift
	if "$@"; then
		ok "$check_name"
	else
		not_ok "$check_name" "failed with status $?: $*"
	fi
}

# check_status NAME STATUS COMMAND…: passes if the command ends with exactly that status
check_status() {
	check_name=$1
	check_expected=$2
	check_actual=0
	shift 2
	"$@" || check_actual=$?
	expect_eq "$check_name" "$check_actual" "$check_expected"
}

# expect_eq NAME ACTUAL EXPECTED
expect_eq() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1" "got '$2', expected '$3'"
	fi
}

# expect_match NAME TEXT PATTERN: an extended regular expression that some line must match
expect_match() {
	# No pipe: grep closes it at the first match, which with pipefail is a failure.
	if grep -Eq -e "$3" <<-TEXT
		$2
	TEXT
	then
		ok "$1"
	else
		not_ok "$1" "no line of '$(printf '%s' "$2" | head -c 300)' matches '$3'"
	fi
}

# expect_between NAME ACTUAL LOW HIGH: numbers, decimals allowed, both ends included
expect_between() {
	if [ -n "$2" ] && awk -v x="$2" -v lo="$3" -v hi="$4" \
		'BEGIN { exit !(x ~ /^-?[0-9.]+([eE][-+]?[0-9]+)?$/ && x + 0 >= lo && x + 0 <= hi) }'; then
		ok "$1"
	else
		not_ok "$1" "got '$2', expected a number from $3 to $4"
	fi
}

# wait_for_line FILE PATTERN [SECONDS]: until a line of the file matches; status 1 if none does
wait_for_line() {
	wait_deadline=$(($(date +%s) + ${3:-60}))
	until grep -Eqs -e "$2" "$1"; do
		if [ "$(date +%s)" -ge "$wait_deadline" ]; then
			echo "no line '$2' in $1 within ${3:-60} s; it holds:"
			cat "$1" 2>/dev/null
			return 1
		fi
		usleep 50000 2>/dev/null || sleep 0.05
	done
}

# stop PID [SIGNAL]: end a process that this script started and wait for it; its status is returned
stop() {
	kill -"${2:-INT}" "$1" 2>/dev/null
	wait "$1"
}
