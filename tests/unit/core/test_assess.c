#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/imath.h"
#include "core/assess.h"
#include "scene.h"

static struct scene s;

/* A link of that kind is silent for 0.3 s: is it in trouble? */
static bool troubled(enum link_kind kind, uint32_t misses, int64_t evidence)
{
	struct path *p = &s.path[V4(0)];

	scene_reset(&s);
	baseline_set_kind(&p->baseline, kind, &s.policy);
	p->health = HEALTH_SUSPECT;
	p->silent_us = s.env.now_us - 300 * USEC_MS;
	p->misses = misses;
	p->evidence = evidence;
	assess_trouble(p, &s.env, true);
	return p->trouble.since_us;
}

/* A wire that loses 2 % in bursts of three: 4 nats for the first, 0.4 for each further one. */
static void usual_bursts_of_a_wire_are_no_trouble(void **state)
{
	(void)state;
	assert_false(troubled(LINK_KIND_WIRED, 3, 4800 * NAT / 1000));
	assert_true(troubled(LINK_KIND_WIRED, 6, 6100 * NAT / 1000));
	/* one that is clean */
	assert_true(troubled(LINK_KIND_WIRED, 2, 7100 * NAT / 1000));
	assert_false(troubled(LINK_KIND_WIRED, 1, 6200 * NAT / 1000));
}

static void moments_of_a_radio_link_are(void **state)
{
	(void)state;
	assert_true(troubled(LINK_KIND_STARLINK, 3, 4800 * NAT / 1000));
	assert_true(troubled(LINK_KIND_CELLULAR, 3, 4800 * NAT / 1000));
	assert_true(troubled(LINK_KIND_WIFI, 3, 4800 * NAT / 1000));
	assert_false(troubled(LINK_KIND_STARLINK, 1, 4000 * NAT / 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_bursts_of_a_wire_are_no_trouble),
		cmocka_unit_test(moments_of_a_radio_link_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
