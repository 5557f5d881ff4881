// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests of `run --connect`, against a server that answers what it is
 * told to, on an address that is not the first of its name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch.h"
#include "util.h"

static struct sockaddr_in6 first;
static struct sockaddr_in second;
static int listener = -1;

/* In the place of libc's: what Debian's /etc/hosts makes of "localhost". */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **out)
{
	static struct addrinfo list[2];

	(void)hints;
	assert_string_equal(host, "localhost");
	first = (struct sockaddr_in6){.sin6_family = AF_INET6,
				      .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				      .sin6_port = htons((uint16_t)atoi(port))};
	second.sin_port = first.sin6_port;
	list[0] = (struct addrinfo){.ai_addr = (struct sockaddr *)&first,
				    .ai_addrlen = sizeof(first),
				    .ai_next = &list[1]};
	list[1] = (struct addrinfo){.ai_addr = (struct sockaddr *)&second,
				    .ai_addrlen = sizeof(second)};
	*out = list;
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

static int begin(void **state)
{
	socklen_t len = sizeof(second);

	(void)state;
	second = (struct sockaddr_in){.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return listener < 0 || bind(listener, (struct sockaddr *)&second, len) ||
	       listen(listener, 4) || getsockname(listener, (struct sockaddr *)&second, &len);
}

static int end(void **state)
{
	(void)state;
	util__cleanup_close(&listener);
	return 0;
}

static struct fetch *open_fetch(void)
{
	char address[64], why[FETCH_WHY_SIZE];
	struct fetch *f = NULL;

	snprintf(address, sizeof(address), "http://localhost:%u", ntohs(second.sin_port));
	if (fetch__new(address, &f, why))
		fail_msg("%s", why);
	return f;
}

static void answer_with(int fd, const char *answer, size_t len)
{
	char request[1024] = "";

	assert_true(recv(fd, request, sizeof(request) - 1, 0) > 0);
	assert_non_null(strstr(request, "GET /snapshot HTTP/1.1\r\nHost: localhost\r\n"));
	assert_int_equal(send(fd, answer, len, MSG_NOSIGNAL), len);
}

/* fetch__step()'s status, and what it left in body or why. */
static int ask(struct fetch *f, const char *answer, size_t len, const struct pack_buffer **body,
	       size_t *offset, char why[static FETCH_WHY_SIZE])
{
	int ret = fetch__start(f, why), tries;

	for (tries = 0; !ret && tries < 1000; tries++) {
		struct pollfd fds[] = {{.fd = fetch__fd(f), .events = fetch__events(f)},
				       {.fd = listener, .events = POLLIN}};

		assert_true(poll(fds, ARRAY_SIZE(fds), 10000) > 0);
		if (fds[0].revents)
			ret = fetch__step(f, body, offset, why);
		/* Read here what was sent, lest its close be a reset. */
		if (!ret && fds[1].revents) {
			_cleanup_close_ int fd = accept(listener, NULL, NULL);

			ret = fetch__step(f, body, offset, why);
			answer_with(fd, answer, len);
		}
	}
	return ret;
}

static void all_addresses_of_a_name_are_tried(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
	_cleanup_fetch_ struct fetch *f = open_fetch();
	const struct pack_buffer *body = NULL;
	char why[FETCH_WHY_SIZE] = "";
	size_t offset = 0;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(ask(f, answer, strlen(answer), &body, &offset, why), 1);
		assert_int_equal(body->len - offset, 3);
		assert_memory_equal(body->data + offset, "abc", 3);
	}
}

static void no_address_answers(void **state)
{
	_cleanup_fetch_ struct fetch *f = open_fetch();
	const struct pack_buffer *body = NULL;
	char why[FETCH_WHY_SIZE];
	size_t offset = 0;
	int i;

	(void)state;
	util__cleanup_close(&listener);
	listener = -1;
	for (i = 0; i < 3; i++) {
		why[0] = '\0';
		assert_int_equal(ask(f, "", 0, &body, &offset, why), -ECONNREFUSED);
		assert_non_null(strstr(why, "the exporter does not answer"));
	}
}

static void other_answers_are_one_sentence(void **state)
{
#define ANSWER(text) text, sizeof(text) - 1
	static const struct {
		const char *answer;
		size_t len;
		const char *sentence;
	} answers[] = {
		{ANSWER("HTTP/1.1 401 Unauthorized\r\n\r\n"), "asks for a password (HTTP 401)"},
		{ANSWER("HTTP/1.1 404 Not Found\r\n\r\n"), "no snapshot at that address"},
		{ANSWER("HTTP/1.1 503 Busy\r\n\r\n"), "answered with HTTP 503"},
		{ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc"), "was cut off"},
		{ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc"), "was cut off"},
		{ANSWER("HTTP/1.1 200 OK\r\n"), "does not speak HTTP"},
		{ANSWER("\x15\x03\x01\x00\x02\x02\x0a"), "speaks TLS"},
		{ANSWER("SSH-2.0-nothing\r\n\r\n"), "does not speak HTTP"},
	};
	_cleanup_fetch_ struct fetch *f = open_fetch();
	const struct pack_buffer *body = NULL;
	char why[FETCH_WHY_SIZE];
	size_t offset = 0, i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		why[0] = '\0';
		assert_int_equal(ask(f, answers[i].answer, answers[i].len, &body, &offset, why) < 0,
				 1);
		if (!strstr(why, answers[i].sentence))
			fail_msg("\"%s\" is not in \"%s\"", answers[i].sentence, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_addresses_of_a_name_are_tried, begin, end),
		cmocka_unit_test_setup_teardown(no_address_answers, begin, end),
		cmocka_unit_test_setup_teardown(other_answers_are_one_sentence, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
