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

/* The next look is due in a second, answers to users lack: is it examined now? */
static bool examined(bool active, uint32_t share_ppm)
{
	struct path *p = &s.path[V4(0)];
	struct passive passive = {0};

	scene_reset(&s);
	passive.share_ppm = share_ppm;
	passive.read_us = s.env.now_us;
	p->examined_us =
		s.env.now_us - 4 * USEC_S; /* a rest after the last one is no reason to wait */
	p->assess_us = s.env.now_us + USEC_S;
	assess_path(p, &s.env, &passive, active);
	return p->examine_until_us > s.env.now_us;
}

static void what_users_lack_is_looked_into_at_once(void **state)
{
	(void)state;
	assert_true(examined(true, 700000));
	assert_false(examined(true, 820000)); /* a little: when its time has come */
	assert_false(examined(true, 0));      /* not known */
	assert_false(examined(false, 700000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usual_bursts_of_a_wire_are_no_trouble),
		cmocka_unit_test(moments_of_a_radio_link_are),
		cmocka_unit_test(what_users_lack_is_looked_into_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
