// SPDX-License-Identifier: GPL-2.0-only
/* Accept headers as servers really send them, and as nobody should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "negotiate.h"
#include "util.h"

#define PROTO                                                                                      \
	"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

static const struct {
	const char *accept;
	enum exposition_format format, with_protobuf;
} cases[] = {
	{NULL, EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"*/*", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", EXPOSITION_TEXT,
	 EXPOSITION_TEXT},
	/* Prometheus 2.42 and 2.53 */
	{"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
	 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
	 EXPOSITION_OPENMETRICS, EXPOSITION_OPENMETRICS},
	/* 3.5 */
	{"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
	 "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
	 "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	 EXPOSITION_OPENMETRICS, EXPOSITION_OPENMETRICS},
	/* with native histograms */
	{PROTO ",application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,"
	       "*/*;q=0.1",
	 EXPOSITION_OPENMETRICS, EXPOSITION_PROTOBUF},
	{"text/plain;version=0.0.4, application/openmetrics-text;q=0.5", EXPOSITION_TEXT,
	 EXPOSITION_TEXT},
	{"text/plain;q=0.3, application/openmetrics-text; version=\"1.0.0\"; q=0.4",
	 EXPOSITION_OPENMETRICS, EXPOSITION_OPENMETRICS},
	{"application/openmetrics-text;version=2.0.0", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"application/openmetrics-text;q=0", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"application/openmetrics-text;q=0.001,text/plain;q=0", EXPOSITION_OPENMETRICS,
	 EXPOSITION_OPENMETRICS},
	{"APPLICATION/OpenMetrics-Text ; Version=1.0.0", EXPOSITION_OPENMETRICS,
	 EXPOSITION_OPENMETRICS},
	/* The closer range decides: text/plain is refused, whatever is left is allowed. */
	{"text/plain;q=0,*/*", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"application/openmetrics-text;q=2,text/plain;q=x", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{",,;;=;\"", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"text/plain;a=\",application/openmetrics-text\"", EXPOSITION_TEXT, EXPOSITION_TEXT},
	{"application/vnd.google.protobuf", EXPOSITION_TEXT, EXPOSITION_TEXT},
};

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (negotiate__format(cases[i].accept, false) != cases[i].format ||
		    negotiate__format(cases[i].accept, true) != cases[i].with_protobuf)
			fail_msg("%s", cases[i].accept);
	}
}

static void test_gzip(void **state)
{
	(void)state;
	assert_true(negotiate__gzip("gzip"));
	assert_true(negotiate__gzip("deflate, gzip;q=0.5"));
	assert_true(negotiate__gzip("*"));
	assert_false(negotiate__gzip(NULL));
	assert_false(negotiate__gzip(""));
	assert_false(negotiate__gzip("identity"));
	assert_false(negotiate__gzip("gzip;q=0"));
	assert_false(negotiate__gzip("gzip;q=0.000, *"));
	assert_false(negotiate__gzip("gzipped"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_gzip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
