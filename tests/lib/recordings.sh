# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Recordings to test with, from the generator that the fuzzer's corpus begins with.

# make_recordings TOP DIR: DIR/run is an hour of a busy machine in twelve intervals
make_recordings() {
	local top=$1 objects

	mapfile -t objects < <(find "$top/build/user" -name '*.o' ! -name main.o ! -name cmd_serve.o \
		! -name 'serve_*')
	mkdir -p "$2" &&
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -DFUZZ_SEEDS -I"$top/user" -I"$top/tests/unit" -O1 \
			-o "$2/make" "$top/tests/fuzz/fuzz_recording.c" "${objects[@]}" \
			-lcmocka -lbpf -lelf -lz -lncursesw -ltinfo -lm -pthread &&
		"$2/make" "$2"
}
