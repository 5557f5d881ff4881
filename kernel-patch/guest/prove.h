/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ZEROSCOPE_PROVE_H
#define ZEROSCOPE_PROVE_H

/* As process 1: mount what is needed, verify contents, print "content: N passed, N failed", reboot */
int prove_init(void);

/* waker KIND SIZE COUNT PERIOD_US ROUNDS: how late a real-time task runs while folios are faulted */
int prove_waker(char **arg);

/* map_huge KIND SIZE COUNT: an aligned area of COUNT folios of SIZE bytes; KIND is thp or hugetlb */
char *prove_map_huge(const char *kind, unsigned long size, unsigned long count);

/* The first page frame of HighMem; 0 where there is no such memory */
unsigned long prove_highmem_start(void);

/* The page frame that is mapped at @p */
unsigned long prove_pfn(const void *p);

unsigned long long prove_number(const char *text);

__attribute__((noreturn, format(printf, 1, 2))) void prove_fail(const char *format, ...);

#endif /* ZEROSCOPE_PROVE_H */
