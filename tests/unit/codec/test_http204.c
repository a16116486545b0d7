#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/http204.h"

static void writes_a_request(void **state)
{
	char out[256];
	size_t size;

	(void)state;
	assert_int_equal(http204_build_request("example.org", "/generate_204", out, sizeof(out),
				 &size),
		0);
	out[size] = 0;
	assert_string_equal(out, "GET /generate_204 HTTP/1.1\r\nHost: example.org\r\n"
				 "User-Agent: autonomy\r\nConnection: close\r\n\r\n");
}

static void refuses_what_would_write_its_own_header(void **state)
{
	char out[256], *room = out;
	size_t size;

	(void)state;
	assert_int_equal(http204_build_request("a\r\nX: y", "/", room, sizeof(out), &size),
		-EINVAL);
	assert_int_equal(http204_build_request("a", "/ HTTP/1.1", room, 256, &size), -EINVAL);
	assert_int_equal(http204_build_request("a", "x", room, 256, &size), -EINVAL);
	assert_int_equal(http204_build_request("", "/", room, 256, &size), -EINVAL);
	assert_int_equal(http204_build_request("a", "", room, 256, &size), -EINVAL);
	assert_int_equal(http204_build_request("a", "/", room, 20, &size), -ENOSPC);
}

static const struct {
	const char *response;
	enum http204_state state;
	int status;
	bool has_body;
} row[] = {
	{"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", HTTP204_DONE, 204, false},
	{"HTTP/1.0 204\r\n\r\n", HTTP204_DONE, 204, false},
	{"HTTP/1.1 204 No Content\n\n", HTTP204_DONE, 204, false},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", HTTP204_DONE, 204, false},
	{"HTTP/1.1 204 No Content\r\ncONTENT-lENGTH:   017\r\n\r\n", HTTP204_DONE, 204, true},
	{"HTTP/1.1 204 No Content\r\nX-Content-Length: 17\r\n\r\n", HTTP204_DONE, 204, false},
	{"HTTP/1.1 204 No Content\r\nContent-Lengthy: 17\r\n\r\n", HTTP204_DONE, 204, false},
	{"HTTP/1.1 204 No Content\r\n\r\n<html>", HTTP204_DONE, 204, true},
	{"HTTP/1.1 204 No Content\r\nA: b\r\n", HTTP204_HEADER, 204, false},
	{"HTTP/1.1 302 Found\r\n", HTTP204_DONE, 302, false},
	{"HTTP/1.1 200 OK\r\n", HTTP204_DONE, 200, false},
	{"HTTP/1.1 511 Network Authentication Required\r\n", HTTP204_DONE, 511, false},
	{"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 x\r\n\r\n", HTTP204_DONE,
		204, false},
	{"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 302 Found\r\n", HTTP204_DONE, 302, false},
	{"HTTP/1.1 20", HTTP204_STATUS_LINE, 20, false},
	{"HTTP/1.1 20\r\n", HTTP204_MALFORMED, -1, false},
	{"HTTP/1.1 2044 x\r\n", HTTP204_MALFORMED, -1, false},
	{"HTTP/1.1 004 x\r\n", HTTP204_MALFORMED, -1, false},
	{"HTTP/1.1  204 x\r\n", HTTP204_MALFORMED, -1, false},
	{"HTTP/2 204\r\n", HTTP204_MALFORMED, -1, false},
	{"SSH-2.0-OpenSSH\r\n", HTTP204_MALFORMED, -1, false},
	{"\r\n", HTTP204_MALFORMED, -1, false},
	{"", HTTP204_STATUS_LINE, 0, false},
};

static void check(size_t i, const struct http204 *h)
{
	if (h->state != row[i].state || (row[i].status >= 0 && h->status != row[i].status) ||
		h->has_body != row[i].has_body)
		fail_msg("%s: state %d status %d", row[i].response, h->state, h->status);
}

static void judges_whole_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct http204 h;

		http204_init(&h);
		http204_read(&h, (const uint8_t *)row[i].response, strlen(row[i].response));
		check(i, &h);
	}
}

static void judges_them_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct http204 h;

		http204_init(&h);
		for (const char *c = row[i].response; *c; c++)
			http204_read(&h, (const uint8_t *)c, 1);
		check(i, &h);
	}
}

static void a_header_without_end_is_malformed(void **state)
{
	static const uint8_t status[] = "HTTP/1.1 204 No Content\r\n", line[] = "X: y\r\n";
	struct http204 h;
	int lines = 0;

	(void)state;
	http204_init(&h);
	http204_read(&h, status, sizeof(status) - 1);
	while (http204_read(&h, line, sizeof(line) - 1) == HTTP204_HEADER)
		assert_true(++lines < HTTP204_RESPONSE_MAX);
	assert_int_equal(h.state, HTTP204_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_request),
		cmocka_unit_test(refuses_what_would_write_its_own_header),
		cmocka_unit_test(judges_whole_responses),
		cmocka_unit_test(judges_them_byte_by_byte),
		cmocka_unit_test(a_header_without_end_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
