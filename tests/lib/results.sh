# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests reported: parsing, judging skips, printing, counting.  Sourced by run.
#
# A result is one line "STATUS<TAB>WHERE<TAB>TEST<TAB>SECONDS<TAB>REASON" in a job's file
# "results": STATUS pass, fail or skip; WHERE the kernel with its variant, or host; TEST
# "vm/case: name".

PASSED=0
FAILED=0
SKIPPED=0
HEADING=
FAILURES=()
SKIP_WHERE=()
SKIP_TEST=()
SKIP_REASON=()
SKIP_SEEN=()
SKIP_MISSED=()

# parse_tap PREFIX WHERE STATUS SECONDS: TAP on standard input → results on standard output.
# With STATUS "ended" the stream is complete only with a "# finished" line, otherwise STATUS is
# the exit status of a program that printed a plan.
parse_tap() {
	awk -v prefix="$1" -v where="$2" -v status="$3" -v seconds="$4" '
		function flush() {
			if (name != "")
				printf "%s\t%s\t%s: %s\t%s\t%s\n", state, where, prefix, name, seconds, reason
			name = ""
		}
		function failure(what, why) {
			printf "fail\t%s\t%s: %s\t%s\t%s\n", where, prefix, what, seconds, why
			bad++
		}
		{ gsub(/\t/, " "); sub(/\r$/, "") }
		/^1\.\.[0-9]+/ { planned += substr($0, 4); has_plan = 1; next }
		/^(not )?ok( |$)/ {
			flush()
			state = /^not/ ? "fail" : "pass"
			sub(/^(not )?ok *[0-9]* *(- *)?/, "")
			reason = ""
			at = index($0, "# ")
			name = at ? substr($0, 1, at - 1) : $0
			if (at)
				reason = substr($0, at + 2)
			if (reason ~ /^(SKIP|skip)/) {
				state = "skip"
				sub(/^(SKIP|skip) */, "", reason)
				# CMocka puts the name behind the directive.
				if (name == "") {
					name = reason
					reason = "skipped by the test"
				}
			}
			sub(/ +$/, "", name)
			if (name == "")
				name = "test " (count + 1)
			count++
			bad += state == "fail"
			next
		}
		/^# finished$/ { finished = 1; next }
		/^# / && name != "" && state == "fail" {
			reason = reason (reason == "" ? "" : "; ") substr($0, 3)
		}
		END {
			flush()
			if (status == "ended") {
				if (!finished)
					failure("runs to its end", "it stopped before its end")
				else if (!count)
					failure("reports something", "it reported no result")
			} else if (has_plan && count < planned) {
				failure("runs to its end", "status " status " after " count " of " planned " tests")
			} else if (status != 0 && !bad) {
				failure("ends well", "status " status " though no test failed")
			} else if (!count) {
				failure("reports something", "it reported no result")
			}
		}'
}

load_expected_skips() {
	local where test reason

	[[ -e $EXPECTED_SKIPS ]] || return 0
	while IFS=$'\t' read -r where test reason; do
		[[ -n $where && $where != \#* ]] || continue
		[[ -n $reason ]] || {
			printf 'run: %s: expected "kernel<TAB>test<TAB>reason pattern" in: %s\n' \
				"$EXPECTED_SKIPS" "$where $test" >&2
			exit 2
		}
		SKIP_WHERE+=("$where")
		SKIP_TEST+=("$test")
		SKIP_REASON+=("$reason")
		SKIP_SEEN+=('')
		SKIP_MISSED+=('')
	done <"$EXPECTED_SKIPS"
}

# listed INDEX WHERE TEST: does that line of expected-skips speak of this test?
listed() {
	# shellcheck disable=SC2053 # patterns on the right are meant
	[[ ($2 == ${SKIP_WHERE[$1]} || $2 == ${SKIP_WHERE[$1]}' '*) && $3 == ${SKIP_TEST[$1]} ]]
}

# skip_expected WHERE TEST REASON
skip_expected() {
	local index

	for index in "${!SKIP_WHERE[@]}"; do
		listed "$index" "$1" "$2" || continue
		[[ $3 =~ ${SKIP_REASON[$index]} ]] || continue
		SKIP_SEEN[index]=1
		return 0
	done
	return 1
}

# Remember that a test passed or failed although a line expects it to be skipped.
note_missed_skip() {
	local index

	for index in "${!SKIP_WHERE[@]}"; do
		listed "$index" "$1" "$2" && SKIP_MISSED[index]="$2 [$1]"
	done
	return 0
}

# report_result STATUS WHERE TEST SECONDS REASON
report_result() {
	local status=$1 where=$2 test=$3 seconds=$4 reason=$5 place='' heading

	[[ $where == host ]] || place=" [$where]"
	heading="${test%%: *}$place ($seconds s)"
	[[ $heading == "$HEADING" ]] || printf '── %s\n' "$heading"
	HEADING=$heading
	case $status in
	skip)
		if skip_expected "$where" "$test" "$reason"; then
			SKIPPED=$((SKIPPED + 1))
			printf 'skip  %s%s: %s\n' "$test" "$place" "$reason"
			return
		fi
		status=fail
		reason="skipped, but not listed in expected-skips: $reason"
		;;
	*) note_missed_skip "$where" "$test" ;;
	esac
	if [[ $status == pass ]]; then
		PASSED=$((PASSED + 1))
		printf 'pass  %s%s\n' "$test" "$place"
		return
	fi
	FAILED=$((FAILED + 1))
	FAILURES+=("$test$place: $reason")
	printf 'FAIL  %s%s: %s\n' "$test" "$place" "$reason"
}

# worth_showing DIRECTORY LOG: the log of a case whose tests all passed is not
worth_showing() {
	[[ -n $VERBOSE ]] || ! grep -qxF "$2" "$1/cases" 2>/dev/null ||
		grep -qP "^(fail|skip)\t[^\t]*\tvm/\Q$2\E:" "$1/results"
}

# report_job NUMBER: print and count the results, with the log of what failed
report_job() {
	local directory=$WORK/$1 failed_before=$FAILED line log

	if [[ ! -s $directory/results ]]; then
		report_result fail host "$(cat "$directory/title")" 0 'the runner got no result'
	fi
	while IFS=$'\t' read -r -a line; do
		report_result "${line[0]}" "${line[1]}" "${line[2]}" "${line[3]:-0}" "${line[4]:-}"
	done < <(sed 's/\t\t/\t \t/g' "$directory/results" 2>/dev/null)
	sed -n 's/^# /note  /p' "$directory/remarks" 2>/dev/null
	((FAILED > failed_before)) || [[ -n $VERBOSE ]] || return 0
	for log in "$directory"/output "$directory"/*.log; do
		[[ -s $log ]] || continue
		worth_showing "$directory" "$(basename "$log" .log)" || continue
		printf '      ┌ log %s\n' "$(basename "$log" .log)"
		tail -n "${LOG_LINES:-60}" "$log" | sed 's/^/      │ /'
	done
	return 0
}

print_summary() {
	local index

	for index in "${!SKIP_WHERE[@]}"; do
		[[ -z ${SKIP_SEEN[$index]} && -n ${SKIP_MISSED[$index]} ]] || continue
		printf 'note  expected to be skipped, but was not: %s\n' "${SKIP_MISSED[$index]}"
	done
	if ((FAILED)); then
		printf '── failed\n'
		printf 'FAIL  %s\n' "${FAILURES[@]}"
	fi
	printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
}
