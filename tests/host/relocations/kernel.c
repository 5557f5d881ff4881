// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel made up for the rules of CO-RE that real kernels seldom need: homonyms that differ
 * or agree, flavours on the kernel's side, moved and anonymous members, changed kinds.
 */
struct moved {
	char pad[40];
	union {
		struct {
			long inner;
			int other;
		};
		char raw[16];
	};
	unsigned int low : 3, mid : 9, high : 20;
	unsigned long long wide : 33;
};

struct ambiguous {
	int a;
	int field;
};

struct ambiguous___kernel {
	int field;
};

struct agreeing {
	int a;
	int field;
};

struct agreeing___kernel {
	long field_first_half : 32;
	int field;
};

struct almost___ {
	int a;
};

struct changed {
	long pointer;
	struct {
		int value;
	} record;
	int *array_now;
	int row[4];
	int last[];
};

struct tail {
	int count;
	long rest[0];
};

enum colour {
	RED = 3,
	GREEN___kernel = 5,
	BLUE = -7,
};

enum big {
	HUGE_VALUE = 0x123456789aULL,
};

typedef int (*callback_t)(struct moved *m, long n);
typedef struct {
	int x;
} wrapped_t;

/* Each has to be used to leave a trace in BTF. */
struct moved v1;
struct ambiguous v2;
struct ambiguous___kernel v3;
struct agreeing v4;
struct agreeing___kernel v5;
struct almost___ v6;
struct changed v7;
struct tail v8;
enum colour v9;
enum big v10;
callback_t v11;
wrapped_t v12;
