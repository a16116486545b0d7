/*
 * Configuration files as a whole.  golden/NAME.in is what a user writes; golden/NAME.ok is what is
 * said about it (as comments) and, when it was accepted, what config_print() makes of it.
 * GOLDEN_WRITE=1 in the environment writes them anew; look at the difference before it is
 * committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/usec.h"
#include "config/options.h"

#define TEXT_MAX 65536

static struct config config, again;
static struct config_problems problems;

static void golden_path(const char *name, char ret[1024])
{
	const char *slash = strrchr(__FILE__, '/');

	snprintf(ret, 1024, "%.*s/golden/%s", (int)(slash - __FILE__), __FILE__, name);
}

static size_t read_golden(const char *name, char text[TEXT_MAX])
{
	char path[1024];
	FILE *f;
	size_t n;

	golden_path(name, path);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(text, 1, TEXT_MAX - 1, f);
	fclose(f);
	text[n] = '\0';
	return n;
}

static int parse(const char *text, size_t size)
{
	return config_parse("file", text, size, &config, &problems);
}

/* The lines of the file do not come back from a print. */
static void forget_lines(struct config *c)
{
	c->link_default.line = 0;
	for (unsigned i = 0; i < LINKS_MAX; i++)
		c->link[i].line = 0;
}

/* What was accepted is printed, read and is the same; printed again it is the same text. */
static void check_round_trip(bool only_set)
{
	static char text[TEXT_MAX], text_again[TEXT_MAX];
	static struct config_problems none;
	size_t n = config_print(&config, only_set, text, sizeof(text));

	assert_true(n < sizeof(text));
	if (config_parse("printed", text, n, &again, &none))
		fail_msg("%s%d: %s", text, none.problem[0].line, none.problem[0].text);
	assert_int_equal(config_print(&again, only_set, text_again, sizeof(text_again)), n);
	assert_string_equal(text, text_again);
	forget_lines(&again);
	forget_lines(&config);
	if (memcmp(&config, &again, sizeof(config)) != 0)
		fail_msg("not the same after a round trip:\n%s", text);
	assert_int_equal(config_diff(&config, &again, NULL, NULL), 0);
}

static size_t golden_result(const char *text, size_t size, char ret[TEXT_MAX])
{
	int result = parse(text, size);
	size_t n = 0;

	ret[0] = '\0';
	for (int i = 0; i < problems.n; i++)
		n += (size_t)snprintf(ret + n, TEXT_MAX - n, "# %s:%d: %s%s\n",
			problems.problem[i].place, problems.problem[i].line,
			problems.warning[i] ? "warning: " : "", problems.problem[i].text);
	if (problems.more)
		n += (size_t)snprintf(ret + n, TEXT_MAX - n, "# and %d more\n", problems.more);
	if (!result)
		n += config_print(&config, true, ret + n, TEXT_MAX - n);
	return n;
}

static void check_golden(const char *in)
{
	static char text[TEXT_MAX], is[TEXT_MAX], wanted[TEXT_MAX];
	size_t size = read_golden(in, text), n = golden_result(text, size, is);
	char ok[512], path[1024];
	FILE *f;

	snprintf(ok, sizeof(ok), "%.*s.ok", (int)strlen(in) - 3, in);
	if (getenv("GOLDEN_WRITE")) {
		golden_path(ok, path);
		f = fopen(path, "w");
		assert_non_null(f);
		fwrite(is, 1, n, f);
		fclose(f);
	}
	read_golden(ok, wanted);
	if (strcmp(is, wanted) != 0)
		fail_msg("%s:\n%s", in, is);
	if (!parse(text, size)) {
		check_round_trip(true);
		assert_int_equal(parse(text, size), 0);
		check_round_trip(false);
		/* the golden output is a file with the same meaning */
		assert_int_equal(config_parse(ok, wanted, strlen(wanted), &again, &problems), 0);
		assert_int_equal(parse(text, size), 0);
		assert_int_equal(config_diff(&config, &again, NULL, NULL), 0);
	}
}

static void golden_files_give_what_they_gave(void **state)
{
	char path[1024];
	struct dirent *entry;
	int n = 0;
	DIR *dir;

	(void)state;
	golden_path("", path);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		size_t length = strlen(entry->d_name);

		if (length < 4 || strcmp(entry->d_name + length - 3, ".in") != 0)
			continue;
		check_golden(entry->d_name);
		n++;
	}
	closedir(dir);
	assert_true(n >= 10);
}

static void says_nothing_and_changes_nothing_on_failure(void **state)
{
	static const char bad[] = "config autonomy\n\toption mode 'observe'\n\toption ipv6 'x'\n";
	static struct config before;

	(void)state;
	memset(&config, 0x55, sizeof(config));
	before = config;
	assert_int_equal(parse(bad, sizeof(bad) - 1), -EINVAL);
	assert_int_equal(problems.n, 1);
	assert_int_equal(problems.problem[0].line, 3);
	assert_string_equal(problems.problem[0].place, "file");
	assert_memory_equal(&config, &before, sizeof(config));
}

static void errors_drive_out_warnings_and_none_is_lost(void **state)
{
	char text[TEXT_MAX];
	size_t n = (size_t)sprintf(text, "config autonomy\n");

	(void)state;
	for (int i = 0; i < 40; i++)
		n += (size_t)sprintf(text + n, "\toption unknown%d 1\n", i);
	n += (size_t)sprintf(text + n, "\toption ipv6 x\n");
	assert_int_equal(parse(text, n), -EINVAL);
	assert_int_equal(problems.n, CONFIG_PROBLEMS_MAX);
	assert_int_equal(problems.n + problems.more, 41);
	assert_false(problems.warning[CONFIG_PROBLEMS_MAX - 1]);
	assert_int_equal(problems.problem[CONFIG_PROBLEMS_MAX - 1].line, 42);
}

static void problems_come_in_the_order_of_the_file(void **state)
{
	static char text[TEXT_MAX];

	(void)state;
	parse(text, read_golden("errors_links.in", text));
	assert_true(problems.n > 10);
	for (int i = 1; i < problems.n; i++)
		assert_true((unsigned)problems.problem[i - 1].line - 1 <=
			    (unsigned)problems.problem[i].line - 1);
}

struct differences {
	char text[4096];
	size_t n;
};

static void note(void *user, const char *section, const char *option, const char *was,
	const char *is, bool live)
{
	struct differences *d = user;

	d->n += (size_t)snprintf(d->text + d->n, sizeof(d->text) - d->n, "%s.%s %s>%s%s\n", section,
		option, was, is, live ? "" : " restart");
	assert_true(d->n < sizeof(d->text));
}

static void tells_what_a_reload_changes(void **state)
{
	static const char was[] =
		"config steer\n\toption table_base 2000\n"
		"config link a\n\toption hold 5s\n"
		"config link b\nconfig link c\n\toption metered 1\n"
		"config class calls\n\tlist link a\nconfig match\n\toption class calls\n"
		"\toption dscp EF\n"
		"config target\n\toption address 192.0.2.1\n";
	static const char is[] =
		"config autonomy\n\toption log_level info\n"
		"config link b\nconfig link a\n\toption hold 1m\n\toption weight 2\n"
		"config link d\n\toption device eth9\n"
		"config class calls\n\tlist link a\n\tlist link b\n\toption need realtime\n"
		"config match\n\toption class calls\n\toption dscp AF41\n"
		"config match\n\toption class calls\n\toption dscp EF\n"
		"config target\n\toption address 192.0.2.1\n\toption method icmp\n"
		"config target\n\toption address 192.0.2.2\n";
	static const char told[] = "autonomy.log_level notice>info\n"
				   "steer.table_base 2000>7400 restart\n"
				   "link c. present>absent\n"
				   "link b.order 2>1\n"
				   "link a.order 1>2\n"
				   "link a.weight >2\n"
				   "link a.hold 5s>1m\n"
				   "link d. absent>present\n"
				   "link d.name >d\n"
				   "link d.device >eth9\n"
				   "class calls.need default>realtime\n"
				   "class calls.min_score 70>80\n"
				   "class calls.link a>a b\n"
				   "match 1.dscp EF>AF41\n"
				   "match 2. absent>present\n"
				   "target 192.0.2.1.method icmp tcp dns>icmp\n"
				   "target 192.0.2.2. absent>present\n";
	struct differences d = {0};

	(void)state;
	assert_int_equal(parse(was, sizeof(was) - 1), 0);
	assert_int_equal(config_parse("is", is, sizeof(is) - 1, &again, &problems), 0);
	assert_int_equal(config_diff(&config, &again, note, &d), 17);
	assert_string_equal(d.text, told);
}

static void open_options_of_a_link_are_filled_by_its_kind(void **state)
{
	static const char text[] = "config link a\n"
				   "config link b\n\toption metered 1\n"
				   "config link c\n\toption kind cellular\n\toption budget 0\n"
				   "config link d\n\toption metered 0\n";
	struct link_policy p;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1), 0);
	config_link_resolve(&config.link_default, LINK_KIND_WIRED, &p);
	assert_false(p.metered);
	assert_int_equal(p.budget_bytes, 0);
	assert_int_equal(p.hold_us, 60 * USEC_S);
	config_link_resolve(&config.link[0], LINK_KIND_CELLULAR, &p);
	assert_int_equal(p.kind, LINK_KIND_CELLULAR);
	assert_true(p.metered);
	assert_int_equal(p.budget_bytes, CONFIG_METERED_BUDGET_BYTES);
	config_link_resolve(&config.link[1], LINK_KIND_WIRED, &p);
	assert_int_equal(p.kind, LINK_KIND_WIRED);
	assert_int_equal(p.budget_bytes, CONFIG_METERED_BUDGET_BYTES);
	config_link_resolve(&config.link[2], LINK_KIND_WIRED, &p);
	assert_int_equal(p.kind, LINK_KIND_CELLULAR);
	assert_true(p.metered);
	assert_int_equal(p.budget_bytes, 0);
	config_link_resolve(&config.link[3], LINK_KIND_CELLULAR, &p);
	assert_false(p.metered);
	assert_true(config_link_has(&config.link[3], "metered"));
	assert_false(config_link_has(&config.link[3], "budget"));
	assert_false(config_link_has(&config.link[3], "none"));
}

static void classes_find_their_links_by_name(void **state)
{
	static const char text[] = "config class x\n\tlist link a\n\tlist link found\n"
				   "config class y\n\tlist link gone\n";
	struct policy p;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1), 0);
	p = config.policy;
	strcpy(p.link[3].name, "a");
	strcpy(p.link[5].name, "found");
	strcpy(p.link[6].name, "gone"); /* left over from a link that is no more */
	p.links = 1 << 3 | 1 << 5;
	config_class_slots(&config, &p);
	assert_int_equal(p.class[0].links, 0);
	assert_int_equal(p.class[1].links, 1 << 3 | 1 << 5);
	assert_int_equal(p.class[2].links, CONFIG_NO_LINK);
}

static void files_that_cannot_be_read_are_named(void **state)
{
	char name[] = "/tmp/autonomy-config-XXXXXX", path[64];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(name));
	snprintf(path, sizeof(path), "%s/config", name);
	memset(&config, 0x55, sizeof(config));
	assert_int_equal(config_load(path, &config, &problems), -ENOENT);
	assert_int_equal(problems.n, 0);
	config_default(&again);
	assert_memory_equal(&config, &again, sizeof(config));

	assert_int_equal(config_load(name, &config, &problems), -EBADF);
	assert_string_equal(problems.problem[0].place, name);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(path, &config, &problems), -EBADF);
	assert_int_equal(unlink(path), 0);

	f = fopen(path, "w");
	assert_non_null(f);
	for (int i = 0; i < CONFIG_FILE_MAX; i++)
		fputc('\n', f);
	fflush(f);
	assert_int_equal(config_load(path, &config, &problems), 0);
	fputc('\n', f);
	fclose(f);
	assert_int_equal(config_load(path, &config, &problems), -EFBIG);
	assert_int_equal(problems.n, 1);
	unlink(path);
	rmdir(name);
}

/* With every table full and every word as long as can be, what is printed can still be read. */
static void the_largest_configuration_fits_into_a_file(void **state)
{
	static char text[2 * CONFIG_FILE_MAX];
	size_t n = 0;

	(void)state;
#define ADD(...) n += (size_t)snprintf(text + n, sizeof(text) - n, __VA_ARGS__)
	ADD("c autonomy\no mode observe\nc defaults\no metered 1\n");
	for (int i = 0; i < LINKS_MAX; i++)
		ADD("c link\no name 'this.name.has.31.characters..%02d'\no device "
		    "'fifteen.char.%02d'\n"
		    "o enabled 0\no kind starlink\no metered 0\no preference -1000\no weight 100\n"
		    "o budget 9223372036854775807\no quota 9223372036854775807\n"
		    "o heartbeat 59m59s999ms999us\no hold 23h59m59s999ms999us\n"
		    "o hold_max 6d23h59m59s999ms999us\n",
			i, i);
	for (int i = 1; i < CLASSES_MAX; i++) {
		ADD("c class\no name 'this.class.has.31.characters.%02d'\no need realtime\n", i);
		for (int k = 0; k < LINKS_MAX; k++)
			ADD("l link 'this.name.has.31.characters..%02d'\n", k);
	}
	for (int i = 0; i < CONFIG_MATCHES_MAX; i++)
		ADD("c match\no class 'this.class.has.31.characters.01'\no protocol udplite\n"
		    "o port 10000-10001\no dscp AF41\no device 'fifteen.char.%02d'\n"
		    "o source '1111:1111:1111:1111:1111:1111:1111:0000/127'\n"
		    "o destination '1111:1111:1111:1111:1111:1111:1111:0000/127'\n",
			i);
	for (int i = 0; i < TARGETS_MAX; i++)
		ADD("c target\no address 201.200.200.10%d\no method 'icmp tcp dns http'\n"
		    "c target\no address 1111:1111:1111:1111:1111:1111:1111:111%d\n"
		    "o method 'icmp tcp dns http'\no tcp_port 65535\n",
			i, i);
#undef ADD
	if (parse(text, n))
		fail_msg("%d: %s", problems.problem[0].line, problems.problem[0].text);
	n = config_print(&config, false, NULL, 0);
	printf("the largest configuration prints as %zu bytes\n", n);
	assert_true(n < CONFIG_FILE_MAX);
	check_round_trip(true);
	check_round_trip(false);
}

/* Random files: xorshift with a fixed seed, so a failure repeats. */
static uint32_t seed = 2463534242u;
static unsigned any(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

static const char *any_number(const struct option *o)
{
	static char text[64];
	int64_t span = o->max - o->min, value;

	if (span > 0 && span < UINT32_MAX)
		value = o->min + any((unsigned)span + 1);
	else
		value = o->min + (int64_t)any(UINT32_MAX) * any(1000);
	if (value > o->max)
		value = o->max;
	switch (o->type == OPTION_TYPE_DURATION ? 1 + any(3) : 0) {
	case 1:
		snprintf(text, sizeof(text), "%lldus", (long long)value);
		break;
	case 2:
		snprintf(text, sizeof(text), "%lldms", (long long)(value / USEC_MS));
		break;
	case 3:
		snprintf(text, sizeof(text), "%llds", (long long)(value / USEC_S));
		break;
	case 0:
		snprintf(text, sizeof(text), o->type == OPTION_TYPE_MODE ? "%llo" : "%lld",
			(long long)value);
		break;
	}
	return text;
}

static const char *any_value(const struct option *o)
{
	static const char *const by_type[OPTION_TYPE_COUNT][8] = {
		[OPTION_TYPE_MASK] = {"0xff", "0x7f000000", "127", "0xff00", "0x5", "0xfe", "0x7f",
			"0xff"},
		[OPTION_TYPE_NAME] = {"a", "b", "c", "x-y", "main", "l1", "l.2", "steer"},
		[OPTION_TYPE_DEVICE] = {"eth0", "eth1", "wwan0", "eth0.2", "br-lan", "a", "b",
			"x@y'"},
		[OPTION_TYPE_HOST] = {"a", "example.org", "x-y.z", "invalid", "1.2.3.4", "h",
			"cp.cloudflare.com", "a_b"},
		[OPTION_TYPE_PATH] = {"/", "/x", "/a/b'c", "/var/lib/autonomy", "/#", "/;", "/\\",
			"/\""},
		[OPTION_TYPE_PROTOCOL] = {"tcp", "udp", "17", "6", "icmp", "any", "89", "sctp"},
		[OPTION_TYPE_PORTS] = {"1", "80", "5000-5100", "1:65535", "443", "53", "22", "7"},
		[OPTION_TYPE_DSCP] = {"EF", "0", "CS0", "63", "af41", "LE", "1", "46"},
		[OPTION_TYPE_ADDRESS] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2",
			"192.0.2.3", "2001:db8::3", "198.51.100.1", "192.0.2.4"},
		[OPTION_TYPE_PREFIX] = {"192.0.2.0/24", "10.0.0.0/8", "192.0.2.1", "192.0.2.1/32",
			"2001:db8::/32", "2001:db8::1", "fe80::/10", "1.0.0.0/8"},
		[OPTION_TYPE_CLASS] = {"default", "c1", "c2", "default", "c1", "c2", "a", "main"},
		[OPTION_TYPE_METHODS] = {"icmp", "tcp", "dns http", "icmp tcp dns http", "http",
			"tcp dns", "dns", "icmp icmp"},
		[OPTION_TYPE_LINKS] = {"a", "b", "a b", "l1", "x-y a", "a", "b l1 a", "eth0"},
	};

	if (any(60) == 0)
		return any(2) ? "" : "?";
	if (o->type == OPTION_TYPE_WORD)
		return o->word(o->min + any((unsigned)(o->max - o->min) + 1));
	if (by_type[o->type][0])
		return by_type[o->type][any(8)];
	return any_number(o);
}

static void add_quoted(char *text, size_t *n, const char *value)
{
	text[(*n)++] = '\'';
	for (; *value; value++) {
		if (*value == '\'')
			*n += (size_t)sprintf(text + *n, "'\\'");
		text[(*n)++] = *value;
	}
	text[(*n)++] = '\'';
	text[(*n)++] = '\n';
}

static size_t any_file(char *text)
{
	static const char *const name[] = {"", "", "a", "b", "c1", "c2", "l1", "main"};
	unsigned sections = any(8);
	size_t n = 0;

	while (sections--) {
		enum option_section kind = (enum option_section)any(OPTION_SECTION_COUNT);
		unsigned rows;
		const struct option *o = option_first(kind, &rows);

		n += (size_t)sprintf(text + n, "config %s %s\n", option_section(kind)->type,
			name[any(8)]);
		for (; rows--; o++) {
			bool needed = o->type == OPTION_TYPE_CLASS ||
				      o->type == OPTION_TYPE_ADDRESS ||
				      (o->type == OPTION_TYPE_DSCP && any(8));

			if (!needed && any(3))
				continue;
			n += (size_t)sprintf(text + n, "\toption %s ", o->name);
			add_quoted(text, &n, any_value(o));
		}
	}
	return n;
}

static void whatever_is_accepted_survives_a_round_trip(void **state)
{
	static char text[TEXT_MAX];
	int accepted = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = any_file(text);

		if (parse(text, n))
			continue;
		accepted++;
		check_round_trip(true);
		check_round_trip(false);
	}
	printf("%d of 20000 random files were accepted\n", accepted);
	assert_true(accepted > 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_files_give_what_they_gave),
		cmocka_unit_test(says_nothing_and_changes_nothing_on_failure),
		cmocka_unit_test(errors_drive_out_warnings_and_none_is_lost),
		cmocka_unit_test(problems_come_in_the_order_of_the_file),
		cmocka_unit_test(tells_what_a_reload_changes),
		cmocka_unit_test(open_options_of_a_link_are_filled_by_its_kind),
		cmocka_unit_test(classes_find_their_links_by_name),
		cmocka_unit_test(files_that_cannot_be_read_are_named),
		cmocka_unit_test(the_largest_configuration_fits_into_a_file),
		cmocka_unit_test(whatever_is_accepted_survives_a_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
