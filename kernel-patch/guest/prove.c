// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of the kernel series need done inside the virtual machine:
 * fault huge pages over memory that was dirtied before and look at every word,
 * zero block devices and compare, kill a process that does.  Each subcommand
 * prints one line on success, and what was wrong, with status 1, otherwise.
 */
#include "prove.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif

#define PATTERN 0xa5a5a5a5a5a5a5a5ULL

static size_t page_size;

#define fail   prove_fail
#define number prove_number

void prove_fail(const char *format, ...)
{
	va_list args;

	fputs("FAIL: ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

unsigned long long prove_number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	switch (*end) {
	case 'G':
		value <<= 10;
		/* fall through */
	case 'M':
		value <<= 10;
		/* fall through */
	case 'K':
		value <<= 10;
		end++;
	}
	if (!*text || *end)
		fail("'%s' is not a number", text);
	return value;
}

static void *map(size_t size, int flags, int fd)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		fail("mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

static void fill(void *p, size_t size)
{
	uint64_t *word = p;

	for (size_t i = 0; i < size / sizeof(*word); i++)
		word[i] = PATTERN;
}

/* Returns the offset of the first word that is not @value, or @size. */
static size_t differs(const void *p, size_t size, uint64_t value)
{
	const uint64_t *word = p;

	for (size_t i = 0; i < size / sizeof(*word); i++) {
		if (word[i] != value)
			return i * sizeof(*word);
	}
	return size;
}

/* So that the next owner of the memory would see if it were not zeroed. */
static void dirty(size_t size)
{
	void *p = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	madvise(p, size, MADV_HUGEPAGE);
	fill(p, size);
	munmap(p, size);
}

/* Bytes of the mapping at @p that smaps counts as huge, of any kind. */
static size_t huge_bytes(const void *p)
{
	static const char *const fields[] = {
		"AnonHugePages:",
		"ShmemPmdMapped:",
		"Shared_Hugetlb:",
		"Private_Hugetlb:",
	};
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[256];
	bool here = false;
	size_t sum = 0;

	if (!file)
		fail("cannot read smaps");
	while (fgets(line, sizeof(line), file)) {
		unsigned long start, end, kib;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2) {
			here = (unsigned long)p >= start && (unsigned long)p < end;
			continue;
		}
		for (size_t i = 0; here && i < sizeof(fields) / sizeof(fields[0]); i++) {
			size_t len = strlen(fields[i]);

			if (!strncmp(line, fields[i], len) && sscanf(line + len, "%lu", &kib) == 1)
				sum += kib << 10;
		}
	}
	fclose(file);
	return sum;
}

/*
 * faults KIND SIZE COUNT: fault COUNT folios of SIZE, each at another place,
 * and compare each in full.  KIND is thp, mthp, hugetlb or memfd.
 */
static int cmd_faults(char **arg)
{
	const char *kind = arg[0];
	const size_t size = number(arg[1]);
	const unsigned long count = number(arg[2]);
	const bool anonymous = !strcmp(kind, "thp") || !strcmp(kind, "mthp");
	const bool memfd = !strcmp(kind, "memfd");
	const int log2 = __builtin_ctzl(size);
	const size_t pages = size / page_size;
	const unsigned long highmem = prove_highmem_start();
	unsigned long huge = 0, high = 0;

	for (unsigned long i = 0; i < count; i++) {
		const size_t places[] = {0, 1, pages / 2, pages - 1, pages - 2, (i * 7919) % pages};
		const size_t place = places[i % 6] % pages * page_size + 8 * (i % 64);
		size_t bytes = size, bad;
		void *area, *p;
		int fd = -1;

		if (anonymous) {
			bytes = 2 * size;
			area = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
			p = (void *)(((uintptr_t)area + size - 1) & -size);
			madvise(p, size, MADV_HUGEPAGE);
		} else if (memfd) {
			fd = memfd_create("prove",
					  MFD_HUGETLB | (unsigned int)log2 << MAP_HUGE_SHIFT);
			if (fd < 0 || ftruncate(fd, size))
				fail("memfd of %zu bytes: %s", size, strerror(errno));
			/* Half of them through fallocate, which zeroes without a fault. */
			if (i % 2 && fallocate(fd, 0, 0, size))
				fail("fallocate of %zu bytes: %s", size, strerror(errno));
			area = p = map(size, MAP_SHARED, fd);
		} else {
			area = p = map(size,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
					       log2 << MAP_HUGE_SHIFT,
				       -1);
		}

		*(volatile char *)((char *)p + place) = 0;
		if (huge_bytes(p) >= size)
			huge++;
		if (highmem && prove_pfn((char *)p + place) >= highmem)
			high++;
		bad = differs(p, size, 0);
		if (bad != size)
			fail("%s of %zu bytes, touched at %zu: old data at offset %zu", kind, size,
			     place, bad);
		fill(p, size);
		munmap(area, bytes);
		if (fd >= 0)
			close(fd);
	}
	/* smaps does not tell an mTHP from small pages; the caller looks at the counters. */
	if (strcmp(kind, "mthp") && huge < count)
		fail("only %lu of %lu were huge", huge, count);
	printf("ok: %lu x %s of %zu KiB hold zeroes only", count, kind, size >> 10);
	if (highmem)
		printf(", %lu in highmem", high);
	putchar('\n');
	if (highmem && !high)
		fail("there is highmem, and none of the folios was in it");
	return 0;
}

/* touch SIZE COUNT: nothing but write faults on the first page, for measurements */
static int cmd_touch(char **arg)
{
	const size_t size = number(arg[0]);
	const unsigned long count = number(arg[1]);
	char *area = map((count + 1) * size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *p = (char *)(((uintptr_t)area + size - 1) & -size);

	madvise(p, count * size, MADV_HUGEPAGE);
	for (unsigned long i = 0; i < count; i++)
		((volatile char *)p)[i * size] = 1;
	return 0;
}

static size_t pmd_size(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	size_t size = 0;

	if (!file || fscanf(file, "%zu", &size) != 1)
		fail("this kernel has no transparent huge pages");
	fclose(file);
	return size;
}

/* zeropage COUNT: read faults, which map the huge zero folio; compare all of it */
static int cmd_zeropage(char **arg)
{
	const unsigned long count = number(arg[0]);
	const size_t size = pmd_size();

	for (unsigned long i = 0; i < count; i++) {
		char *area = map(2 * size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		char *p = (char *)(((uintptr_t)area + size - 1) & -size);
		size_t bad;

		madvise(p, size, MADV_HUGEPAGE);
		(void)*(volatile char *)p;
		bad = differs(p, size, 0);
		if (bad != size)
			fail("the huge zero folio holds something else at %zu", bad);
		/* Copy on write must leave the shared folio alone. */
		p[size / 2] = 1;
		munmap(area, 2 * size);
	}
	printf("ok: %lu read faults see zeroes only\n", count);
	return 0;
}

static void transfer(int fd, bool write, char *buf, size_t size, off_t off)
{
	while (size) {
		size_t chunk = size < (1 << 20) ? size : 1 << 20;
		ssize_t n = write ? pwrite(fd, buf, chunk, off) : pread(fd, buf, chunk, off);

		if (n != (ssize_t)chunk)
			fail("%s of %zu bytes at %lld: %s", write ? "write" : "read", chunk,
			     (long long)off, n < 0 ? strerror(errno) : "short");
		buf += chunk;
		off += chunk;
		size -= chunk;
	}
}

/* zeroout DEVICE SIZE START LENGTH: in SIZE bytes of pattern zero a range, compare all */
static int cmd_zeroout(char **arg)
{
	const size_t size = number(arg[1]);
	const uint64_t range[2] = {number(arg[2]), number(arg[3])};
	char *buf = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = open(arg[0], O_RDWR | O_DIRECT | O_CLOEXEC);
	size_t bad;

	if (fd < 0)
		fail("cannot open %s: %s", arg[0], strerror(errno));
	fill(buf, size);
	transfer(fd, true, buf, size, 0);
	if (ioctl(fd, BLKZEROOUT, range))
		fail("BLKZEROOUT: %s", strerror(errno));
	memset(buf, 0x11, size);
	transfer(fd, false, buf, size, 0);

	bad = differs(buf, range[0], PATTERN);
	if (bad != range[0])
		fail("zeroed too early, at %zu", bad);
	bad = differs(buf + range[0], range[1], 0);
	if (bad != range[1])
		fail("not zeroed at %zu", (size_t)range[0] + bad);
	bad = differs(buf + range[0] + range[1], size - range[0] - range[1], PATTERN);
	if (bad != size - range[0] - range[1])
		fail("zeroed too late, at %zu", (size_t)(range[0] + range[1]) + bad);
	close(fd);
	printf("ok: BLKZEROOUT of %zu KiB at %zu KiB on %s\n", (size_t)range[1] >> 10,
	       (size_t)range[0] >> 10, arg[0]);
	return 0;
}

/* zero DEVICE LENGTH COUNT: BLKZEROOUT and nothing else, for measurements */
static int cmd_zero(char **arg)
{
	const uint64_t range[2] = {0, number(arg[1])};
	int fd = open(arg[0], O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("cannot open %s: %s", arg[0], strerror(errno));
	for (unsigned long i = number(arg[2]); i; i--) {
		if (ioctl(fd, BLKZEROOUT, range))
			fail("BLKZEROOUT: %s", strerror(errno));
	}
	close(fd);
	return 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* kill DEVICE LENGTH AFTER_MS: SIGKILL a BLKZEROOUT, print how long it takes to end */
static int cmd_kill(char **arg)
{
	const uint64_t range[2] = {0, number(arg[1])};
	pid_t pid = fork();
	double start;
	int status;

	if (!pid) {
		int fd = open(arg[0], O_RDWR | O_CLOEXEC);

		_exit(fd < 0 || ioctl(fd, BLKZEROOUT, range));
	}
	usleep(number(arg[2]) * 1000);
	if (waitpid(pid, &status, WNOHANG))
		fail("BLKZEROOUT ended before the signal");
	start = now();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status))
		fail("BLKZEROOUT survived the signal");
	printf("%.3f\n", now() - start);
	return 0;
}

/*
 * dio FILE BLOCK: direct writes of 512 bytes into new blocks of a filesystem
 * whose device is full of pattern; what surrounds them must read as zeroes.
 */
static int cmd_dio(char **arg)
{
	const size_t block = number(arg[1]), blocks = 16;
	char *sector = map(page_size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	char *buf = map(block * blocks, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = open(arg[0], O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, block * blocks))
		fail("cannot make %s: %s", arg[0], strerror(errno));
	memset(sector, 0x5a, 512);
	for (size_t i = 0; i < blocks; i++) {
		const off_t off = i * block + i * 7919 % (block / 512) * 512;

		if (pwrite(fd, sector, 512, off) != 512)
			fail("direct write at %lld: %s", (long long)off, strerror(errno));
	}
	fsync(fd);
	transfer(fd, false, buf, block * blocks, 0);
	for (size_t i = 0; i < blocks; i++) {
		const size_t at = i * 7919 % (block / 512) * 512;
		char *b = buf + i * block;

		if (memcmp(b + at, sector, 512))
			fail("block %zu: the data is gone", i);
		if (differs(b, at, 0) != at ||
		    differs(b + at + 512, block - at - 512, 0) != block - at - 512)
			fail("block %zu: the rest is not zero", i);
	}
	close(fd);
	printf("ok: direct writes into new blocks of %zu KiB\n", block >> 10);
	return 0;
}

/* zerocost DEVICE LENGTH COUNT: nanoseconds of a BLKZEROOUT, the first not counted */
static int cmd_zerocost(char **arg)
{
	const unsigned long count = number(arg[2]);
	char *once[] = {arg[0], arg[1], (char[]){"1"}};
	double start;

	cmd_zero(once);
	start = now();
	cmd_zero(arg);
	printf("%.0f\n", (now() - start) * 1e9 / count);
	return 0;
}

char *prove_map_huge(const char *kind, unsigned long size, unsigned long count)
{
	const bool thp = !strcmp(kind, "thp");
	const int flags = thp ? 0 : MAP_HUGETLB | __builtin_ctzl(size) << MAP_HUGE_SHIFT;
	char *area =
		map((count + thp) * size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1);
	char *p = (char *)(((uintptr_t)area + size - 1) & -size);

	if (thp)
		madvise(p, count * size, MADV_HUGEPAGE);
	return p;
}

/* Two instructions a turn */
#ifdef __aarch64__
#define COUNT_DOWN "1: subs %0, %0, #1; b.ne 1b"
#else
#define COUNT_DOWN "1: dec %0; jnz 1b"
#endif

/*
 * cost KIND SIZE COUNT: nanoseconds a first touch takes, which are instructions
 * where the guest's clock counts these.  The first one is not counted.
 */
static int cmd_cost(char **arg)
{
	const size_t size = number(arg[1]);
	const unsigned long count = number(arg[2]), loops = 10000000;
	const bool thp = !strcmp(arg[0], "thp");
	unsigned long n = loops;
	double start, each;
	char *p;

	/* Tells whether a nanosecond is an instruction. */
	start = now();
	__asm__ volatile(COUNT_DOWN : "+r"(n));
	each = (now() - start) * 1e9 / (2.0 * loops);

	p = prove_map_huge(arg[0], size, count + thp);
	if (thp)
		((volatile char *)p)[count * size] = 1;
	start = now();
	for (unsigned long i = 0; i < count; i++)
		((volatile char *)p)[i * size] = 1;
	printf("%.0f %.3f\n", (now() - start) * 1e9 / count, each);
	return 0;
}

static int cmd_dirty(char **arg)
{
	dirty(number(arg[0]));
	return 0;
}

/* fillfile FILE SIZE: pattern all over, for devices */
static int cmd_fillfile(char **arg)
{
	const size_t size = number(arg[1]), chunk = 1 << 20;
	char *buf = map(chunk, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = open(arg[0], O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("cannot open %s: %s", arg[0], strerror(errno));
	fill(buf, chunk);
	for (size_t off = 0; off < size; off += chunk)
		transfer(fd, true, buf, chunk, off);
	fsync(fd);
	close(fd);
	return 0;
}

struct kcore {
	int fd;
	Elf64_Phdr segment[64];
	int segments;
};

static void kcore_open(struct kcore *core)
{
	Elf64_Ehdr header;

	core->fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (core->fd < 0 || pread(core->fd, &header, sizeof(header), 0) != sizeof(header))
		fail("cannot read /proc/kcore: %s", strerror(errno));
	core->segments = header.e_phnum < 64 ? header.e_phnum : 64;
	if (pread(core->fd, core->segment, core->segments * sizeof(Elf64_Phdr), header.e_phoff) !=
	    (ssize_t)(core->segments * sizeof(Elf64_Phdr)))
		fail("/proc/kcore has no program headers");
}

static void kcore_read(const struct kcore *core, uint64_t addr, void *buf, size_t size)
{
	for (int i = 0; i < core->segments; i++) {
		const Elf64_Phdr *s = &core->segment[i];

		if (s->p_type != PT_LOAD || addr < s->p_vaddr ||
		    addr - s->p_vaddr + size > s->p_memsz)
			continue;
		if (pread(core->fd, buf, size, s->p_offset + addr - s->p_vaddr) != (ssize_t)size)
			fail("cannot read %zu bytes of kernel memory at %llx", size,
			     (unsigned long long)addr);
		return;
	}
	fail("%llx is not in /proc/kcore", (unsigned long long)addr);
}

/* refcount POINTER: of the struct page that the kernel's pointer there points to */
static int cmd_refcount(char **arg)
{
	struct kcore core;
	uint64_t page;
	int32_t count;

	kcore_open(&core);
	kcore_read(&core, strtoull(arg[0], NULL, 16), &page, sizeof(page));
	if (!page) {
		puts("none");
		return 0;
	}
	/* flags, five words, _mapcount, _refcount */
	kcore_read(&core, page + 8 + 5 * 8 + 4, &count, sizeof(count));
	printf("%d\n", count);
	return 0;
}

/*
 * kcore LENGTH: a hole of the vmalloc area, which reads as zeroes, in any piece.  The area is the
 * largest segment by far, and is used from its beginning: 16 GiB on there is nothing.
 */
static int cmd_kcore(char **arg)
{
	const size_t size = number(arg[0]);
	const Elf64_Phdr *area;
	unsigned char *buf = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct kcore core;

	kcore_open(&core);
	memset(buf, 0x11, size);
	area = &core.segment[0];
	for (int i = 1; i < core.segments; i++) {
		if (core.segment[i].p_memsz > area->p_memsz)
			area = &core.segment[i];
	}
	kcore_read(&core, area->p_vaddr + (16ULL << 30), buf, size);
	if (differs(buf, size, 0) != size)
		fail("a hole of the vmalloc area does not read as zeroes");
	printf("ok: %zu KiB of a hole in the vmalloc area read as zeroes\n", size >> 10);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*run)(char **arg);
} commands[] = {
	{"faults", 3, cmd_faults},     {"touch", 2, cmd_touch},	      {"zeropage", 1, cmd_zeropage},
	{"zeroout", 4, cmd_zeroout},   {"zero", 3, cmd_zero},	      {"kill", 3, cmd_kill},
	{"dio", 2, cmd_dio},	       {"dirty", 1, cmd_dirty},	      {"cost", 3, cmd_cost},
	{"zerocost", 3, cmd_zerocost}, {"waker", 5, prove_waker},     {"fillfile", 2, cmd_fillfile},
	{"kcore", 1, cmd_kcore},       {"refcount", 1, cmd_refcount},
};

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	page_size = sysconf(_SC_PAGESIZE);
	if (getpid() == 1)
		return prove_init();
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[1], commands[i].name) && argc == 2 + commands[i].args)
			return commands[i].run(argv + 2);
	}
	fprintf(stderr, "prove: wrong usage\n");
	return 2;
}
