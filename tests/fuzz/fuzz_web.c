// SPDX-License-Identifier: GPL-2.0-only
/*
 * What clients and administrators write: the headers of a request, and the web
 * configuration. Whatever the bytes are, there is a verdict, and it is one that
 * is allowed. The first byte says what the rest is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "negotiate.h"
#include "serve_auth.h"
#include "serve_config.h"
#include "serve_tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int true_or_bug)
{
	if (!true_or_bug)
		abort();
}

static void fuzz_headers(const char *text)
{
	char name[64], password[64];
	enum exposition_format plain = negotiate__format(text, false);

	must(plain == EXPOSITION_TEXT || plain == EXPOSITION_OPENMETRICS);
	must(negotiate__format(text, true) <= EXPOSITION_PROTOBUF);
	negotiate__gzip(text);
	if (auth__decode(text, name, password, sizeof(name)))
		must(strlen(name) < sizeof(name) && strlen(password) < sizeof(password) &&
		     !strchr(name, ':'));
}

static void fuzz_config(const char *text, size_t size)
{
	_cleanup_web_config_ struct web_config c;
	char priorities[TLS_PRIORITIES_SIZE];
	struct web_config_error err;
	struct auth auth = {0};

	if (web_config__parse(text, size, &c, &err)) {
		must(err.text[0] && strlen(err.text) < sizeof(err.text));
		return;
	}
	must(c.users.nr == c.hashes.nr && c.header_names.nr == c.header_values.nr);
	must(!c.tls || ((c.pem[PEM_CERT] || c.pem_file[PEM_CERT]) &&
			(c.pem[PEM_KEY] || c.pem_file[PEM_KEY])));
	/* Where there are users, nobody is let in without a name. */
	must(auth__allows(&auth, &c, NULL) == !c.users.nr);
	tls__priorities(&c, priorities, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	must(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] % 2)
		fuzz_headers(text);
	else
		fuzz_config(text, size - 1);
	free(text);
	return 0;
}
