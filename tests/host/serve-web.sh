#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
# --web.config.file: TLS that a client can rely on, client certificates that are verified,
# passwords, headers, a rate limit, and what becomes of a file that changes or is broken.
# shellcheck disable=SC2016,SC2317 # hashes have dollars; functions are called by the name of their check
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top/tests/lib/tap.sh"
# shellcheck source=tests/lib/recordings.sh
. "$top/tests/lib/recordings.sh"

zeroscope=$top/build/zeroscope
for tool in curl openssl; do
	command -v "$tool" >/dev/null || skip_all "there is no $tool; run: packaging/packages test"
done

# "secret" and "other", at a cost that a test can wait for
secret='$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW'
other='$2b$04$abcdefghijklmnopqrstuu0HtfOlPbTiymk5tcV.3TsFPDd3SYZqu'

work=$(mktemp -d)
server=
clean_up() {
	[ -z "$server" ] || stop "$server" TERM
	rm -rf "$work"
}
trap clean_up EXIT
cd "$work" || exit

# certificate NAME CA DAYS EXTENSIONS: NAME.crt and NAME.key, signed by CA.crt
certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
		-subj "/CN=$1" &&
		openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial \
			-days "$3" -out "$1.crt" -extfile <(printf '%b' "$4")
}

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-out "$1.crt" -subj "/CN=$1" -days 30
}

make_certificates() {
	local server_ext='subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth'

	authority ca && authority stranger_ca &&
		certificate server ca 30 "$server_ext" && certificate server2 ca 30 "$server_ext" &&
		certificate client ca 30 'subjectAltName=DNS:scraper\nextendedKeyUsage=clientAuth' &&
		certificate nameless ca 30 'subjectAltName=DNS:else\nextendedKeyUsage=clientAuth' &&
		certificate misused ca 30 'subjectAltName=DNS:scraper\nextendedKeyUsage=serverAuth' &&
		certificate stranger stranger_ca 30 'subjectAltName=DNS:scraper\nextendedKeyUsage=clientAuth' &&
		certificate expired ca -1 'subjectAltName=DNS:scraper\nextendedKeyUsage=clientAuth'
}

if ! make_recordings "$top" "$work/seeds" || ! make_certificates >"$work/openssl.log" 2>&1; then
	cat "$work/openssl.log"
	not_ok "recordings and certificates to test with" "cannot be made"
	finished
	exit
fi

# start: with web.yml, open to all; the server is $server, its port $port
start() {
	# What the one before has said is not to be waited for.
	rm -f log
	"$zeroscope" serve --replay seeds/run --web.listen-address 0.0.0.0:0 \
		--web.config.file "$work/web.yml" 2>log &
	server=$!
	wait_for_line log '^attached: ' || return
	port=$(sed -n 's/^listening: .*://p' log | head -n 1)
}

end() {
	stop "$server" TERM
	server=
}

# code SCHEME OPTION…: the status of a scrape; 000 where there was no answer
code() {
	local scheme=$1

	shift
	curl -s -o body -D headers --max-time 30 -w '%{http_code}' "$@" "$scheme://127.0.0.1:$port/metrics"
}

tls() {
	code https --cacert ca.crt "$@"
}

# --- Passwords.
cat >web.yml <<END
basic_auth_users:
  prom: $secret
http_server_config:
  http2: true
  headers:
    X-Frame-Options: deny
rate_limit:
  interval: 1ms
  burst: 1000
END
check "passwords are enough to be open to others" start
expect_eq "no password" "$(code http)" 401
expect_match "is told what is asked for" "$(cat headers)" '^WWW-Authenticate: Basic'
expect_eq "the right password" "$(code http -u prom:secret)" 200
expect_match "headers are added" "$(cat headers)" '^X-Frame-Options: deny'
for wrong in prom: prom:Secret prom:secret1 root:secret :secret "prom:$secret"; do
	expect_eq "$wrong is wrong" "$(code http -u "$wrong")" 401
	expect_eq "$wrong is still wrong when the answer is known" "$(code http -u "$wrong")" 401
done
for header in 'Basic' 'Basic !!!!' 'Basic cHJvbTpzZWNyZXQ' 'Bearer cHJvbTpzZWNyZXQ=' 'Basic =' \
	"Basic $(head -c 3000 /dev/zero | base64 -w 0)"; do
	expect_eq "'${header:0:30}' is none" "$(code http -H "Authorization: $header")" 401
done

# --- A file that changes.
watcher=$(pgrep -P "$server")
expect_eq "the child that reads files cannot get rights" \
	"$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$watcher/status")" 1
expect_eq "its system calls are filtered" \
	"$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$watcher/status")" 2
expect_match "it may read files at most" \
	"$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$watcher/status")" '^000000000000000[04]$'

# change: web.yml from standard input, in one step
change() {
	cat >web.yml.new
	mv web.yml.new web.yml
}

change <<END
basic_auth_users:
  prom: $other
END
check "a change is seen" wait_for_line log 'was read again'
expect_eq "the old password is wrong now" "$(code http -u prom:secret)" 401
expect_eq "and the new one right" "$(code http -u prom:other)" 200
expect_eq "the header is gone" "$(grep -c X-Frame headers)" 0
change <<END
basic_auth_users:
  prom: plain
END
check "a broken file is told" wait_for_line log 'line 2: the password of prom is no bcrypt hash'
expect_eq "and the one before stays" "$(code http -u prom:other)" 200
change <<END
http_server_config:
END
check "one that opens all is not taken" wait_for_line log 'neither TLS nor passwords, which takes'
expect_eq "and the one before stays, too" "$(code http -u prom:other)" 200
change <<END
tls_server_config:
  cert_file: server.crt
  key_file: server.key
END
read_twice() {
	local deadline=$((SECONDS + 60))

	until [ "$(grep -c 'was read again' log)" = 2 ]; do
		((SECONDS < deadline)) || return
		sleep 0.1
	done
}
check "TLS can be turned on" read_twice
expect_eq "while it runs" "$(tls)" 200
expect_eq "and without it there is no answer" "$(code http)" 000
end

# --- TLS.
cat >web.yml <<END
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  min_version: TLS12
END
check "TLS is enough to be open to others" start
expect_eq "TLS 1.2" "$(tls --tlsv1.2 --tls-max 1.2)" 200
expect_eq "TLS 1.3" "$(tls --tlsv1.3)" 200
expect_eq "a client that trusts another authority gets no answer" \
	"$(code https --cacert stranger_ca.crt)" 000
expect_eq "TLS 1.1 is not spoken" "$(tls --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0)" 000
expect_eq "nor is HTTP without TLS" "$(code http)" 000
# A record that is longer than it says, one of no known kind, and the beginning of a greeting.
for bytes in '\x16\x03\x01\x00\x02\x01\x00\x00\x00\x00\x00' '\xff\xff\xff\xff\xff\xff' '\x16\x03\x01\x02\x00\x01'; do
	printf '%b' "$bytes" >"/dev/tcp/127.0.0.1/$port"
	expect_eq "after $bytes it is answered" "$(tls)" 200
done
old=$(openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -serial)
cp server2.key server.key
cp server2.crt server.crt
kill -HUP "$server"
check "a new certificate is taken on SIGHUP" wait_for_line log 'was read again'
new=$(openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -noout -serial)
check "and served" test -n "$new" -a "$new" != "$old"
expect_eq "TLS still works" "$(tls)" 200
end

cat >web.yml <<END
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  min_version: TLS13
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [scraper]
END
check "client certificates" start
expect_eq "TLS 1.2 is not spoken" "$(tls --tls-max 1.2)" 000
expect_eq "the right one" "$(tls --cert client.crt --key client.key)" 200
expect_eq "none" "$(tls)" 403
for wrong in stranger expired nameless misused; do
	expect_eq "a client that is $wrong" "$(tls --cert $wrong.crt --key $wrong.key)" 403
done
end

cat >web.yml <<END
basic_auth_users: {prom: $secret}
rate_limit: {interval: 1h, burst: 3}
END
start
for n in 1 2 3; do
	expect_eq "request $n of 3" "$(code http -u prom:secret)" 200
done
expect_eq "a fourth one has to wait" "$(code http -u prom:secret)" 429
end

# --- Files that are refused: CONTENT<TAB>what is said of it
while IFS=$'\t' read -r content said; do
	printf '%b\n' "$content" >web.yml
	check "refused: $content" test "$(
		"$zeroscope" serve --replay seeds/run --web.listen-address 127.0.0.1:0 \
			--web.config.file web.yml 2>&1 >/dev/null | grep -c -- "$said")" = 1
done <<'END'
no_such_key: 1	"no_such_key" is no key here
tls_server_config:\n  cert_file: server.crt	needs a certificate and its key
tls_server_config:\n  cert_file: server.crt\n  key_file: client.key	the certificate and its key cannot be used
tls_server_config:\n  cert_file: nothing.crt\n  key_file: server.key	nothing.crt cannot be opened
tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  min_version: TLS11	TLS11
tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]	TLS_RSA_WITH_RC4_128_SHA is none
tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  client_auth_type: RequireAndVerifyClientCert	needs client_ca_file
basic_auth_users:\n  a: b	no bcrypt hash
basic_auth_users: {a: &x [*x]}	expected a single value
http_server_config: {headers: {Server: x}}	Server is no header that can be set
rate_limit: {interval: 1}	interval
rate_limit: {burst: 1, burst: 2}	burst is there twice
{ [	it is no YAML
END
finished
