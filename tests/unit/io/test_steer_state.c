/* What is wanted, what is held, and the messages between the two. */
#include "io/steer_state.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct steer_state wanted, held;
static struct steer_change change;
static const struct steer_prefix no_prefixes[STEER_PREFIXES_MAX];
static const struct steer_numbers numbers = {
	.table_base = 7400,
	.rule_base = 32400,
	.nexthop_base = 7400000,
	.link_mask = 0x1f000000,
	.class_mask = 0x60000000,
	.link_shift = 24,
	.class_shift = 29,
	.protocol = 74,
};

static int forget(void **state)
{
	(void)state;
	memset(&wanted, 0, sizeof(wanted));
	memset(&held, 0, sizeof(held));
	return 0;
}

static void want_path(unsigned path, uint32_t ifindex, bool objects)
{
	struct action_path a = {.path = (uint8_t)path,
		.install = ifindex,
		.facts = {.ifindex = ifindex}};

	a.facts.gateway[0] = 10;
	a.facts.gateway[3] = 1;
	steer_want_path(&wanted, &numbers, objects, &a, no_prefixes);
}

static int want_route(enum family family, unsigned n, const uint8_t path[], bool objects)
{
	struct action_route a = {.family = (uint8_t)family, .n = (uint8_t)n};

	for (unsigned i = 0; i < n; i++) {
		a.path[i] = path[i];
		a.weight[i] = 50;
	}
	return steer_want_route(&wanted, &numbers, objects, &a);
}

/* Runs the change as a kernel would that agrees to everything; returns the number of messages. */
static unsigned carry_out(void)
{
	unsigned count = change.batch.count;

	for (unsigned i = 0; i < count; i++)
		change.batch.error[i] = 0;
	assert_int_equal(steer_change_book(&change, &held, &wanted), 0);
	return count;
}

static unsigned change_path(unsigned path)
{
	steer_change_init(&change);
	assert_int_equal(steer_change_path(&change, &numbers, &held, &wanted, path), 0);
	return carry_out();
}

static unsigned change_route(enum family family)
{
	steer_change_init(&change);
	assert_int_equal(steer_change_route(&change, &numbers, &held, &wanted, 0, family), 0);
	return carry_out();
}

static uint16_t type_of(unsigned index)
{
	const uint8_t *bytes = change.batch.bytes;

	for (unsigned i = 0; i < index; i++)
		bytes += NLMSG_ALIGN(((const struct nlmsghdr *)(const void *)bytes)->nlmsg_len);
	return ((const struct nlmsghdr *)(const void *)bytes)->nlmsg_type;
}

static void install_two(bool objects)
{
	want_path(path_of(0, FAMILY_IPV4), 5, objects);
	want_path(path_of(1, FAMILY_IPV4), 6, objects);
	change_path(path_of(0, FAMILY_IPV4));
	change_path(path_of(1, FAMILY_IPV4));
}

static void asking_twice_changes_nothing(void **state)
{
	const uint8_t first[] = {0};

	(void)state;
	for (int objects = 0; objects < 2; objects++) {
		forget(NULL);
		want_path(0, 5, objects);
		assert_int_equal(change_path(0), objects ? 3 : 2);
		assert_int_equal(change_path(0), 0);
		assert_int_equal(want_route(FAMILY_IPV4, 1, first, objects), 0);
		assert_int_equal(change_route(FAMILY_IPV4), 3);
		assert_int_equal(change_route(FAMILY_IPV4), 0);
		assert_false(steer_path_differs(&wanted, &held, 0));
		assert_false(steer_class_differs(&wanted, &held, 0, FAMILY_IPV4));
	}
}

static void a_switch_is_one_message(void **state)
{
	const uint8_t first[] = {0}, second[] = {2};

	(void)state;
	for (int objects = 0; objects < 2; objects++) {
		forget(NULL);
		install_two(objects);
		want_route(FAMILY_IPV4, 1, first, objects);
		change_route(FAMILY_IPV4);
		want_route(FAMILY_IPV4, 1, second, objects);
		assert_int_equal(change_route(FAMILY_IPV4), 1);
		assert_int_equal(type_of(0), RTM_NEWROUTE);
	}
}

static void a_group_comes_before_its_route_and_goes_after_it(void **state)
{
	const uint8_t both[] = {0, 2};

	(void)state;
	install_two(true);
	want_route(FAMILY_IPV4, 1, both, true);
	change_route(FAMILY_IPV4);
	want_route(FAMILY_IPV4, 2, both, true);
	assert_int_equal(change_route(FAMILY_IPV4), 2);
	assert_int_equal(type_of(0), RTM_NEWNEXTHOP);
	assert_int_equal(type_of(1), RTM_NEWROUTE);
	want_route(FAMILY_IPV4, 1, both, true);
	assert_int_equal(change_route(FAMILY_IPV4), 2);
	assert_int_equal(type_of(0), RTM_NEWROUTE);
	assert_int_equal(type_of(1), RTM_DELNEXTHOP);
}

static void no_path_takes_the_route_out_and_leaves_the_rules(void **state)
{
	const uint8_t first[] = {0};

	(void)state;
	install_two(true);
	want_route(FAMILY_IPV4, 1, first, true);
	change_route(FAMILY_IPV4);
	want_route(FAMILY_IPV4, 0, NULL, true);
	assert_int_equal(change_route(FAMILY_IPV4), 1);
	assert_int_equal(type_of(0), RTM_DELROUTE);
	assert_true(held.class_rule[0][FAMILY_IPV4]);

	/* a successor that has never wanted them leaves them as well */
	memset(&wanted, 0, sizeof(wanted));
	want_route(FAMILY_IPV4, 0, NULL, true);
	assert_int_equal(change_route(FAMILY_IPV4), 0);
	assert_false(steer_class_differs(&wanted, &held, 0, FAMILY_IPV4));
}

static void a_route_over_a_path_that_was_never_asked_for_is_refused(void **state)
{
	const uint8_t paths[] = {0, 2};

	(void)state;
	want_path(0, 5, true);
	assert_int_equal(want_route(FAMILY_IPV4, 2, paths, true), -ENOENT);
	assert_int_equal(wanted.class_route[0][FAMILY_IPV4].table, 0);
}

static void what_a_lost_device_took_along_is_asked_for_again(void **state)
{
	const uint8_t both[] = {0, 2}, first[] = {0};

	(void)state;
	install_two(true);
	want_route(FAMILY_IPV4, 2, both, true);
	change_route(FAMILY_IPV4);
	assert_true(steer_lose_device(&held, &numbers, 5, false));
	assert_false(steer_lose_device(&held, &numbers, 5, false));
	assert_true(steer_path_differs(&wanted, &held, 0));
	assert_false(steer_path_differs(&wanted, &held, 2));
	/* the kernel has shrunk the group and kept the route */
	assert_int_equal(held.group[0][FAMILY_IPV4].n, 1);
	assert_int_equal(held.class_route[0][FAMILY_IPV4].table, 7464);

	/* hop, its table's route, group */
	assert_int_equal(change_route(FAMILY_IPV4), 3);
	assert_false(steer_class_differs(&wanted, &held, 0, FAMILY_IPV4));

	want_route(FAMILY_IPV4, 1, first, true);
	change_route(FAMILY_IPV4);
	assert_true(steer_lose_device(&held, &numbers, 5, false));
	assert_int_equal(held.class_route[0][FAMILY_IPV4].table, 0);
	assert_int_equal(change_route(FAMILY_IPV4), 3);
}

static void the_last_address_takes_routes_without_objects_along(void **state)
{
	const uint8_t first[] = {0};

	(void)state;
	for (int objects = 0; objects < 2; objects++) {
		forget(NULL);
		install_two(objects);
		want_route(FAMILY_IPV4, 1, first, objects);
		change_route(FAMILY_IPV4);
		steer_lose_address(&held, 5);
		assert_int_equal(steer_path_differs(&wanted, &held, 0), !objects);
		assert_int_equal(steer_class_differs(&wanted, &held, 0, FAMILY_IPV4), !objects);
	}
}

static void a_place_that_another_holds_is_not_taken(void **state)
{
	struct steer_nexthop anothers = {.id = 7400001, .protocol = 3, .hop.weight = 1};

	(void)state;
	assert_false(steer_hold_nexthop(&held, &numbers, &anothers));
	want_path(0, 5, true);
	steer_change_init(&change);
	assert_int_equal(steer_change_path(&change, &numbers, &held, &wanted, 0), -EEXIST);
	/* nor deleted */
	want_path(0, 0, true);
	assert_int_equal(change_path(0), 0);
}

static void what_is_gone_already_is_deleted(void **state)
{
	(void)state;
	want_path(0, 5, true);
	change_path(0);
	want_path(0, 0, true);
	steer_change_init(&change);
	assert_int_equal(steer_change_path(&change, &numbers, &held, &wanted, 0), 0);
	for (unsigned i = 0; i < change.batch.count; i++)
		change.batch.error[i] = i ? -ESRCH : -ENOENT;
	assert_int_equal(steer_change_book(&change, &held, &wanted), 0);
	assert_false(steer_path_differs(&wanted, &held, 0));
}

static void what_the_kernel_refuses_is_not_held(void **state)
{
	(void)state;
	want_path(0, 5, true);
	steer_change_init(&change);
	assert_int_equal(steer_change_path(&change, &numbers, &held, &wanted, 0), 0);
	change.batch.error[0] = -ENETDOWN;
	change.batch.error[1] = -EINVAL;
	change.batch.error[2] = 0;
	assert_int_equal(steer_change_book(&change, &held, &wanted), -ENETDOWN);
	assert_int_equal(held.nexthop[0].id, 0);
	assert_true(held.link_rule[0]);
	assert_true(steer_path_differs(&wanted, &held, 0));
}

/* Whatever is written for a state is recognised as that state when it comes back in a dump. */
static void a_dump_of_what_was_written_is_held(void **state)
{
	const uint8_t both[] = {0, 2};
	struct steer_state seen = {0};

	(void)state;
	install_two(true);
	want_route(FAMILY_IPV4, 2, both, true);
	change_route(FAMILY_IPV4);
	for (unsigned path = 0; path < PATHS_MAX; path++) {
		struct steer_rule rule = steer_link_rule(&numbers, path);

		if (held.nexthop[path].id)
			assert_true(steer_hold_nexthop(&seen, &numbers, &held.nexthop[path]));
		if (held.link_route[path].table)
			assert_true(steer_hold_route(&seen, &numbers, &held.link_route[path]));
		if (held.link_rule[path])
			assert_true(steer_hold_rule(&seen, &numbers, &rule));
	}
	struct steer_rule rules[] = {steer_class_rule(&numbers, 0, FAMILY_IPV4),
		steer_main_rule(&numbers, FAMILY_IPV4)};

	assert_true(steer_hold_rule(&seen, &numbers, &rules[0]));
	assert_true(steer_hold_rule(&seen, &numbers, &rules[1]));
	assert_true(steer_hold_nexthop(&seen, &numbers, &held.group[0][FAMILY_IPV4]));
	assert_true(steer_hold_route(&seen, &numbers, &held.class_route[0][FAMILY_IPV4]));
	for (unsigned path = 0; path < PATHS_MAX; path++)
		assert_false(steer_path_differs(&wanted, &seen, path));
	assert_false(steer_class_differs(&wanted, &seen, 0, FAMILY_IPV4));
}

static void no_two_rules_share_a_priority(void **state)
{
	struct steer_rule rule[LINKS_MAX + CLASSES_MAX + 1];
	unsigned n = 0;

	(void)state;
	for (unsigned link = 0; link < LINKS_MAX; link++)
		rule[n++] = steer_link_rule(&numbers, path_of(link, FAMILY_IPV6));
	rule[n++] = steer_main_rule(&numbers, FAMILY_IPV6);
	for (unsigned class = 1; class < CLASSES_MAX; class ++)
		rule[n++] = steer_class_rule(&numbers, class, FAMILY_IPV6);
	rule[n++] = steer_class_rule(&numbers, 0, FAMILY_IPV6);
	for (unsigned i = 1; i < n; i++)
		assert_true(rule[i - 1].priority < rule[i].priority);
	assert_true(rule[n - 1].priority < numbers.rule_base + STEER_RULES_SPAN);
}

static void many_balanced_and_lost_paths_fit_one_batch(void **state)
{
	uint8_t paths[LINKS_MAX];

	(void)state;
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		paths[link] = (uint8_t)path_of(link, FAMILY_IPV6);
		want_path(paths[link], 10 + link, true);
	}
	assert_int_equal(want_route(FAMILY_IPV6, LINKS_MAX, paths, true), 0);
	assert_int_equal(change_route(FAMILY_IPV6), 3 * LINKS_MAX + 4);
}

static void prefixes_on_the_link_follow(void **state)
{
	struct steer_prefix prefix[STEER_PREFIXES_MAX] = {{.address = {10, 1}, .bits = 24},
		{.address = {10, 2}, .bits = 24}};
	struct action_path a = {.install = true, .facts = {.ifindex = 5}};

	(void)state;
	steer_want_path(&wanted, &numbers, true, &a, prefix);
	assert_int_equal(change_path(0), 5);
	assert_int_equal(change_path(0), 0);
	prefix[0].bits = 25;
	steer_want_path(&wanted, &numbers, true, &a, prefix);
	assert_int_equal(change_path(0), 2);
	assert_int_equal(type_of(0), RTM_DELROUTE);
	assert_int_equal(type_of(1), RTM_NEWROUTE);
	assert_int_equal(change_path(0), 0);
	/* one that the kernel refuses is no reason to do without the path */
	prefix[1].bits = 26;
	steer_want_path(&wanted, &numbers, true, &a, prefix);
	steer_change_init(&change);
	assert_int_equal(steer_change_path(&change, &numbers, &held, &wanted, 0), 0);
	for (unsigned i = 0; i < change.batch.count; i++)
		change.batch.error[i] = -EINVAL;
	assert_int_equal(steer_change_book(&change, &held, &wanted), 0);
	want_path(0, 0, true);
	change_path(0);
	assert_int_equal(change_path(0), 0);
}

static struct steer_rule redirect(unsigned number, uint32_t table)
{
	return (struct steer_rule){.priority = numbers.rule_base + STEER_RULE_REDIRECT + number,
		.table = table,
		.protocol = numbers.protocol,
		.mark = number << 8,
		.mask = 0x3f00};
}

static unsigned change_redirects(void)
{
	steer_change_init(&change);
	assert_int_equal(steer_change_redirects(&change, &held, &wanted, FAMILY_IPV4), 0);
	return carry_out();
}

static void another_redirect_comes_before_the_old_one_goes(void **state)
{
	(void)state;
	wanted.redirect[FAMILY_IPV4][0] = redirect(1, 2);
	assert_int_equal(change_redirects(), 1);
	assert_int_equal(change_redirects(), 0);
	wanted.redirect[FAMILY_IPV4][0] = redirect(1, 3);
	assert_true(steer_redirects_differ(&wanted, &held, FAMILY_IPV4));
	assert_int_equal(change_redirects(), 2);
	assert_false(change.step[0].deletes);
	assert_true(change.step[1].deletes);
	assert_false(steer_redirects_differ(&wanted, &held, FAMILY_IPV4));
	wanted.redirect[FAMILY_IPV4][0] = (struct steer_rule){0};
	assert_int_equal(change_redirects(), 1);
	assert_int_equal(change_redirects(), 0);
}

static void a_full_set_of_redirects_is_replaced_in_one_batch(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < STEER_REDIRECTS_MAX; i++)
			wanted.redirect[FAMILY_IPV4][i] = redirect(i + 1, 100 + round);
		assert_int_equal(change_redirects(), (1 + round) * STEER_REDIRECTS_MAX);
	}
}

static void redirects_are_known_by_place_and_protocol(void **state)
{
	struct steer_rule rule = redirect(1, 2);

	(void)state;
	assert_true(steer_hold_rule(&held, &numbers, &rule));
	assert_int_equal(steer_find_redirect(held.redirect[FAMILY_IPV4], &rule), 0);
	rule.protocol = 3;
	assert_false(steer_hold_rule(&held, &numbers, &rule));
	rule = redirect(STEER_REDIRECT_SPAN, 2);
	assert_false(steer_hold_rule(&held, &numbers, &rule));
	rule = redirect(1, 2);
	rule.mask = 0;
	assert_false(steer_hold_rule(&held, &numbers, &rule));
}

static void class_0_leaves_foreign_marks_alone(void **state)
{
	struct steer_numbers beside = numbers;

	(void)state;
	beside.foreign_mask = 0x3f00;
	assert_int_equal(steer_class_rule(&beside, 0, FAMILY_IPV4).mask, 0x3f00);
	assert_int_equal(steer_class_rule(&beside, 0, FAMILY_IPV4).mark, 0);
	assert_int_equal(steer_class_rule(&beside, 1, FAMILY_IPV4).mask, beside.class_mask);
	assert_int_equal(steer_main_rule(&beside, FAMILY_IPV4).mask, 0x3f00);
	assert_int_equal(steer_class_rule(&numbers, 0, FAMILY_IPV4).mask, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(asking_twice_changes_nothing, forget),
		cmocka_unit_test_setup(a_switch_is_one_message, forget),
		cmocka_unit_test_setup(a_group_comes_before_its_route_and_goes_after_it, forget),
		cmocka_unit_test_setup(no_path_takes_the_route_out_and_leaves_the_rules, forget),
		cmocka_unit_test_setup(a_route_over_a_path_that_was_never_asked_for_is_refused,
			forget),
		cmocka_unit_test_setup(what_a_lost_device_took_along_is_asked_for_again, forget),
		cmocka_unit_test_setup(the_last_address_takes_routes_without_objects_along, forget),
		cmocka_unit_test_setup(a_place_that_another_holds_is_not_taken, forget),
		cmocka_unit_test_setup(what_is_gone_already_is_deleted, forget),
		cmocka_unit_test_setup(what_the_kernel_refuses_is_not_held, forget),
		cmocka_unit_test_setup(a_dump_of_what_was_written_is_held, forget),
		cmocka_unit_test_setup(no_two_rules_share_a_priority, forget),
		cmocka_unit_test_setup(many_balanced_and_lost_paths_fit_one_batch, forget),
		cmocka_unit_test_setup(prefixes_on_the_link_follow, forget),
		cmocka_unit_test_setup(another_redirect_comes_before_the_old_one_goes, forget),
		cmocka_unit_test_setup(a_full_set_of_redirects_is_replaced_in_one_batch, forget),
		cmocka_unit_test_setup(redirects_are_known_by_place_and_protocol, forget),
		cmocka_unit_test_setup(class_0_leaves_foreign_marks_alone, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
