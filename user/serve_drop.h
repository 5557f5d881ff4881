/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef USER_SERVE_DROP_H
#define USER_SERVE_DROP_H

/*
 * Gives up, for good, everything that serving does not need: root, all
 * capabilities, the gain of any by execve(), and all system calls but those on
 * descriptors that are open. Of bpf(2), what reads is left.
 *
 * user: whom to become if we are root; NULL is nobody. The process must have
 * one thread. 0, or -errno after a sentence; it must then not serve.
 */
int drop__privileges(const char *user);

/*
 * The same for the child that opens the files of the web configuration: it
 * keeps the right to read any file (CAP_DAC_READ_SEARCH) if it has it, and the
 * system calls to open and to hand over; no network.
 */
int drop__to_reading(const char *user);

/*
 * And for the child that turns the measuring of BPF run times on and off: it
 * keeps CAP_SYS_ADMIN, and of all system calls those to do that and to wait.
 */
int drop__to_bpf_stats(const char *user);

#endif /* USER_SERVE_DROP_H */
