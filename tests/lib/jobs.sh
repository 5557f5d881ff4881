# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The three kinds of tests as jobs: which there are, and how each is run.  Sourced by run.
#
# A job is a directory $WORK/NUMBER with "kind" and "title", its parameters, and after the run
# "results" (see results.sh), "remarks" and logs.

JOB_COUNT=0

# new_job KIND TITLE: sets JOB to the new job's directory
new_job() {
	JOB=$WORK/$JOB_COUNT
	mkdir "$JOB"
	echo "$1" >"$JOB/kind"
	echo "$2" >"$JOB/title"
	JOB_COUNT=$((JOB_COUNT + 1))
}

list_jobs() {
	local number

	for ((number = 0; number < JOB_COUNT; number++)); do
		cat "$WORK/$number/title"
		[[ ! -e $WORK/$number/cases ]] || sed 's/^/    /' "$WORK/$number/cases"
	done
}

# header FILE KEY DEFAULT: a "# key: value" line of the comment at a script's head
header() {
	local value

	value=$(awk -v key="# $2:" '
		!/^#/ { exit }
		index($0, key) == 1 { sub(/^[^:]*: */, ""); print; exit }' "$1")
	echo "${value:-$3}"
}

run_job() {
	local directory=$WORK/$1

	# The runner's traps are not this job's.
	trap - EXIT INT TERM HUP
	"run_$(cat "$directory/kind")" "$directory"
}

seconds_since() {
	awk -v b="$1" -v e="$EPOCHREALTIME" 'BEGIN { printf "%.1f", e - b }'
}

# ── Unit tests ──────────────────────────────────────────────────────────────────────────────

plan_unit() {
	local file name

	for file in "$TOP"/build/tests/unit/*; do
		[[ -f $file && -x $file ]] || continue
		name=unit/$(basename "$file")
		selected "$name" "$file" || continue
		new_job unit "$name"
		echo "$file" >"$JOB/program"
	done
}

run_unit() {
	local directory=$1 status=0 begin=$EPOCHREALTIME program

	program=$(cat "$directory/program")
	cd "$TOP" || return
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "${UNIT_TIMEOUT:-300}" "$program" \
		>"$directory/stdout" 2>"$directory/stderr.log" || status=$?
	# CMocka writes what failed to standard error in some versions, with the result in others.
	cat "$directory/stdout" >>"$directory/stderr.log"
	parse_tap "$(cat "$directory/title")" host "$status" "$(seconds_since "$begin")" \
		<"$directory/stdout" >"$directory/results"
}

# ── Host tests ──────────────────────────────────────────────────────────────────────────────

plan_host() {
	local file name

	for file in "$HERE"/host/*.sh; do
		[[ -f $file ]] || continue
		name=host/$(basename "$file" .sh)
		selected "$name" "$file" || continue
		new_job host "$name"
		echo "$file" >"$JOB/program"
	done
}

run_host() {
	local directory=$1 status=0 begin=$EPOCHREALTIME program

	program=$(cat "$directory/program")
	cd "$TOP" || return
	timeout -k 10 "$(header "$program" timeout 900)" bash "$program" \
		3>"$directory/tap" >"$directory/script.log" 2>&1 || status=$?
	echo "(ended with status $status)" >>"$directory/script.log"
	parse_tap "$(cat "$directory/title")" host ended "$(seconds_since "$begin")" \
		<"$directory/tap" >"$directory/results"
	grep '^# ' "$directory/tap" | grep -vx '# finished' >"$directory/remarks"
}

# ── VM tests ────────────────────────────────────────────────────────────────────────────────

# wanted_kernel NAME
wanted_kernel() {
	local name

	((${#KERNELS[@]})) || return 0
	for name in "${KERNELS[@]}"; do
		[[ $name != "$1" ]] || return 0
	done
	return 1
}

# plan_case FILE KERNEL VARIANT: into the job that boots with the same parameters
plan_case() {
	local file=$1 kernel=$2 variant=$3 name where words parameters number

	name=$(basename "$file" .sh)
	# The default has no parameters, and shares the boot with cases that have none.
	[[ $variant != default ]] || variant=
	where=$kernel${variant:+ $variant}
	read -ra words <<<"$(header "$file" cmdline '') ${variant//+/ }"
	parameters="kernel=$kernel cmdline=${words[*]} \
smp=$(header "$file" smp 2) memory=$(header "$file" memory 1024) numa=$(header "$file" numa 1) \
icount=$(header "$file" icount no) parallel=$(header "$file" parallel no) \
qemu=$(header "$file" qemu '')"
	[[ $(header "$file" boot shared) != own ]] || parameters+=" own=$name"
	number=${JOB_OF[$parameters]:-}
	if [[ -z $number ]]; then
		number=$JOB_COUNT
		JOB_OF[$parameters]=$number
		new_job vm "vm [$where]"
		{
			echo "--kernel"
			echo "$kernel"
			echo "--cmdline"
			echo "${words[*]}"
			printf -- '--%s\n%s\n' smp "$(header "$file" smp 2)" \
				memory "$(header "$file" memory 1024)" numa "$(header "$file" numa 1)"
			printf -- '--qemu\n%s\n' "$(header "$file" qemu '')"
			[[ $(header "$file" icount no) == no ]] || echo "--icount"
			[[ $(header "$file" parallel no) == no ]] || echo "--parallel"
		} >"$JOB/options"
		echo "$kernel" >"$JOB/kernel"
	fi
	echo "$name" >>"$WORK/$number/cases"
	echo "$where" >"$WORK/$number/$name.where"
}

declare -A JOB_OF=()

plan_vm() {
	local file name kernel variants variant

	for file in "$HERE"/vm/cases/*.sh; do
		[[ -f $file ]] || continue
		name=vm/$(basename "$file" .sh)
		selected "$name" "$file" || continue
		for kernel in $(header "$file" kernel debian-6.12); do
			wanted_kernel "$kernel" || continue
			variants=$(header "$file" "matrix[$kernel]" "$(header "$file" matrix '')")
			if [[ -z $variants ]]; then
				plan_case "$file" "$kernel" ''
				continue
			fi
			for variant in $variants; do
				plan_case "$file" "$kernel" "$variant"
			done
		done
	done
}

# skip_cases DIRECTORY REASON CASE…: each of them as one skipped test
skip_cases() {
	local directory=$1 reason=$2 name

	shift 2
	for name in "$@"; do
		printf 'skip\t%s\tvm/%s: all\t0\t%s\n' "$(cat "$directory/$name.where")" "$name" "$reason"
	done >>"$directory/results"
}

# fail_case DIRECTORY CASE SECONDS REASON
fail_case() {
	printf 'fail\t%s\tvm/%s: runs to its end\t%s\t%s\n' "$(cat "$1/$2.where")" "$2" "$3" "$4" \
		>>"$1/results"
}

# default_destination SOURCE: where a file of the tree goes in the guest if the case does not say
default_destination() {
	if [[ -f $TOP/$1 && -x $TOP/$1 ]]; then
		echo "/usr/local/bin/${1##*/}"
	else
		echo "/root/${1##*/}"
	fi
}

# add_files DIRECTORY CASE: its files as options of vm, in FILE_OPTIONS.  Status 1, after a
# result, if one is missing: a program that is not installed is a reason to skip, a build product
# that does not exist is a failure.
add_files() {
	local directory=$1 name=$2 word source

	for word in $(header "$HERE/vm/cases/$name.sh" files ''); do
		source=${word%%:*}
		if [[ $source == /* && ! -e $source ]]; then
			skip_cases "$directory" "$source is not installed on this machine" "$name"
			return 1
		fi
		if [[ $source != /* && ! -e $TOP/$source ]]; then
			fail_case "$directory" "$name" 0 "$source has not been built"
			return 1
		fi
		[[ $word == /* || $word == *:* ]] || word+=:$(default_destination "$source")
		[[ $word == /* ]] || word=$TOP/$word
		FILE_OPTIONS+=(--file "$word")
	done
	FILE_OPTIONS+=(--file "$HERE/vm/cases/$name.sh:/usr/lib/tests/cases/$name.sh")
}

# between FILE CASE: what a guest printed for the case
between() {
	tr -d '\r' <"$1" 2>/dev/null | awk -v name="$2" '
		$1 == "##end" && $2 == name { exit }
		open { print }
		$1 == "##begin" && $2 == name { open = 1 }'
}

# collect DIRECTORY CASE: results and log of a case that began; status 1 if the guest died in it
collect() {
	local directory=$1 name=$2 end seconds status

	between "$directory/stderr" "$name" >"$directory/$name.log"
	between "$directory/stdout" "$name" >"$directory/$name.tap"
	grep '^# ' "$directory/$name.tap" | grep -vx '# finished' | sed "s/^# /# $name: /" \
		>>"$directory/remarks"
	end=$(tr -d '\r' <"$directory/stdout" | grep -a "^##end $name ") || {
		parse_tap "vm/$name" "$(cat "$directory/$name.where")" ended - <"$directory/$name.tap" |
			grep -v 'it stopped before its end' >>"$directory/results"
		fail_case "$directory" "$name" - "$(sed -n 's/^vm: //p;T;q' "$directory/stderr")"
		return 1
	}
	read -r _ _ status seconds <<<"$end"
	parse_tap "vm/$name" "$(cat "$directory/$name.where")" ended "$seconds" \
		<"$directory/$name.tap" >>"$directory/results"
	echo "(ended with status $status)" >>"$directory/$name.log"
}

# boot DIRECTORY CASE…: one guest for these cases; sets REMAINING to those that never began
boot() {
	local directory=$1 name seconds total=60 arguments=() options=()

	shift
	mapfile -t options <"$directory/options"
	for name in "$@"; do
		seconds=$(header "$HERE/vm/cases/$name.sh" timeout 300)
		total=$((total + seconds))
		arguments+=("$name:$seconds")
	done
	"$HERE/vm/vm" "${options[@]}" "${FILE_OPTIONS[@]}" --timeout "$total" \
		--file "$HERE/lib/tap.sh:/usr/lib/tests/tap.sh" \
		--file "$HERE/lib/json.awk:/usr/lib/tests/json.awk" \
		--file "$HERE/vm/guest/lib.sh:/usr/lib/tests/lib.sh" \
		--file "$HERE/vm/guest/run-cases:/usr/lib/tests/run-cases" \
		-- sh /usr/lib/tests/run-cases "${arguments[@]}" \
		>"$directory/stdout" 2>"$directory/stderr"
	REMAINING=()
	for name in "$@"; do
		if grep -aq "^##begin $name" "$directory/stdout"; then
			collect "$directory" "$name"
		else
			REMAINING+=("$name")
		fi
	done
}

run_vm() {
	local directory=$1 name reason cases=() runnable=() FILE_OPTIONS=() REMAINING=()

	mapfile -t cases <"$directory/cases"
	if ! reason=$("$HERE/vm/vm" --check "$(cat "$directory/kernel")" 2>&1); then
		skip_cases "$directory" "$(tail -n 1 <<<"${reason//vm: /}")" "${cases[@]}"
		return
	fi
	for name in "${cases[@]}"; do
		add_files "$directory" "$name" && runnable+=("$name")
	done
	# A guest that dies takes one case with it; those after it get a new one.
	while ((${#runnable[@]})); do
		boot "$directory" "${runnable[@]}"
		if ((${#REMAINING[@]} == ${#runnable[@]})); then
			for name in "${runnable[@]}"; do
				fail_case "$directory" "$name" 0 "$(sed -n 's/^vm: //p;T;q' "$directory/stderr")"
			done
			cp "$directory/stderr" "$directory/boot.log"
			return
		fi
		runnable=("${REMAINING[@]}")
	done
}
