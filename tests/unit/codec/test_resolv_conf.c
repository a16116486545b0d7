#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "codec/resolv_conf.h"

static char result[1024];

/* Those that user, a text, holds. */
static bool is_in(void *user, const char *server)
{
	return strstr(user, server);
}

static const char *filter(const char *text, const char *unwanted)
{
	size_t used = 0;

	assert_int_equal(resolv_conf_filter(text, strlen(text), unwanted[0] ? is_in : NULL,
				 (void *)(uintptr_t)unwanted, result, sizeof(result) - 1, &used),
		0);
	result[used] = '\0';
	return result;
}

static const char both[] = "# Interface wan\nnameserver 10.1.0.53\nsearch lan\n# Interface wwan\n"
			   "nameserver  10.2.0.53\nnameserver fe80::1%eth1\n";

static void what_is_unwanted_becomes_a_comment(void **state)
{
	(void)state;
	assert_string_equal(filter(both, "10.1.0.53"),
		"# Interface wan\n" RESOLV_CONF_MARK
		"nameserver 10.1.0.53\nsearch lan\n# Interface wwan\n"
		"nameserver  10.2.0.53\nnameserver fe80::1%eth1\n");
	assert_non_null(
		strstr(filter(both, "fe80::1%eth1"), RESOLV_CONF_MARK "nameserver fe80::1%eth1\n"));
}

static void the_file_itself_says_how_to_undo_it(void **state)
{
	char once[512];

	(void)state;
	strcpy(once, filter(both, "10.1.0.53 fe80::1%eth1"));
	assert_string_equal(filter(once, ""), both);
	/* and others may be taken out instead */
	assert_null(strstr(filter(once, "10.2.0.53"), RESOLV_CONF_MARK "nameserver 10.1"));
	assert_non_null(strstr(result, RESOLV_CONF_MARK "nameserver  10.2"));
	strcpy(once, filter(both, "10.1.0.53"));
	assert_string_equal(filter(once, "10.1.0.53"), once);
}

static void never_all_are_taken_out(void **state)
{
	(void)state;
	assert_string_equal(filter(both, "10.1.0.53 10.2.0.53 fe80::1%eth1"), both);
	assert_string_equal(filter("nameserver 1.1.1.1", "1.1.1.1"), "nameserver 1.1.1.1");
}

static void everything_else_stays_as_it_is(void **state)
{
	static const char odd[] =
		"nameserver\nnameservers 1.1.1.1\n nameserver 1.1.1.1\noptions x\r\n\n\n"
		"nameserver 2.2.2.2\r\nnameserver\t3.3.3.3 # x";

	(void)state;
	assert_string_equal(filter(odd, "1.1.1.1"), odd);
	assert_non_null(strstr(filter(odd, "2.2.2.2"), RESOLV_CONF_MARK "nameserver 2.2.2.2\r\n"));
	assert_non_null(strstr(filter(odd, "3.3.3.3"), RESOLV_CONF_MARK "nameserver\t3.3.3.3 # x"));
	assert_string_equal(filter("", "1.1.1.1"), "");
}

static void too_little_room_is_an_error(void **state)
{
	char small[sizeof(both) + 10], one[] = "10.1.0.53";
	size_t used = 7;

	(void)state;
	assert_int_equal(resolv_conf_filter(both, sizeof(both) - 1, is_in, one, small,
				 sizeof(small), &used),
		-ENOSPC);
	assert_int_equal(resolv_conf_filter(both, sizeof(both) - 1, NULL, NULL, small,
				 sizeof(both) - 2, &used),
		-ENOSPC);
	assert_int_equal(used, 7);
	assert_int_equal(resolv_conf_filter(both, sizeof(both) - 1, NULL, NULL, small,
				 sizeof(both) - 1, &used),
		0);
	assert_int_equal(used, sizeof(both) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_unwanted_becomes_a_comment),
		cmocka_unit_test(the_file_itself_says_how_to_undo_it),
		cmocka_unit_test(never_all_are_taken_out),
		cmocka_unit_test(everything_else_stays_as_it_is),
		cmocka_unit_test(too_little_room_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
