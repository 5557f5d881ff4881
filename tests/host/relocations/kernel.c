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

/* What a header has to lay out by hand. */
struct unaligned {
	char first;
	long second;
	int third : 5;
} __attribute__((packed));

struct odd_size {
	long first;
	char second;
} __attribute__((packed));

struct shifted {
	char first;
	long second;
	char rest[7];
} __attribute__((packed));

struct of_packed {
	char first;
	struct odd_size array[2];
	struct unaligned second;
	long third;
};

struct aligned {
	char first;
	int second __attribute__((aligned(64)));
	char third;
};

struct bits {
	unsigned int first : 3;
	unsigned int : 2;
	unsigned int second : 4;
	unsigned int : 0;
	unsigned int third : 1;
	unsigned char fourth;
	unsigned long fifth : 40;
	union {
		struct {
			short inner;
			char : 8;
			char last : 2;
		};
		void (*function)(struct bits *b, int (*matrix)[3][4], ...);
		const volatile char *const *pointer;
	};
	int tail[];
};

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
struct of_packed v13;
struct aligned v14;
struct shifted v16;
struct bits v15;
