/*
 * An engine that is only its views: three links in a state the test may change.  Stands in for core/engine.c, whose
 * object is then not linked at all.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "base/usec.h"
#include "core/eventring.h"
#include "core/view.h"

enum { FAKE_WAN, FAKE_LTE, FAKE_SAT };

#define FAKE_NOW_US (100 * USEC_H)
#define FAKE_WALL_US (INT64_C(1774792800) * USEC_S) /* 2026-03-29 14:00:00 UTC */

static struct {
	struct policy policy;
	struct path_view path[PATHS_MAX];
	struct decision_view decision[CLASSES_MAX][FAMILY_COUNT];
	struct engine_view engine;
} fake;

const struct policy *engine_policy(const struct engine *e)
{
	(void)e;
	return &fake.policy;
}

void engine_view(const struct engine *e, struct engine_view *ret)
{
	(void)e;
	*ret = fake.engine;
}

void engine_view_path(const struct engine *e, unsigned path, int64_t now_us, struct path_view *ret)
{
	(void)e;
	(void)now_us;
	*ret = fake.path[path];
}

void engine_view_decision(const struct engine *e, unsigned class, enum family family,
	int64_t now_us, struct decision_view *ret)
{
	(void)e;
	(void)now_us;
	*ret = fake.decision[class][family];
}

static void fake_link(unsigned link, const char *name, const char *device, enum link_kind kind,
	int32_t preference)
{
	struct link_policy *l = &fake.policy.link[link];

	memset(l, 0, sizeof(*l));
	snprintf(l->name, sizeof(l->name), "%s", name);
	snprintf(l->device, sizeof(l->device), "%s", device);
	l->enabled = true;
	l->kind = kind;
	l->preference = preference;
	l->order = (uint16_t)link;
	l->weight = 1;
	fake.policy.links |= UINT32_C(1) << link;
}

static struct path_view fake_path(enum health health, int64_t rtt_us, int32_t loss_ppm,
	uint8_t score)
{
	struct path_view v = {
		.exists = true,
		.health = health,
		.health_since_us = FAKE_NOW_US - 3 * USEC_H - 12 * USEC_MIN,
		.facts = {.present = true,
			.carrier = true,
			.has_address = true,
			.has_gateway = true,
			.address = {192, 0, 2, 10},
			.gateway = {192, 0, 2, 1},
			.ifindex = 3,
			.mtu = 1500},
		.installed = true,
		.rtt_us = rtt_us,
		.rtt_usual_us = rtt_us,
		.jitter_us = rtt_us / 10,
		.loss_ppm = loss_ppm,
		.loss_usual_ppm = 1000,
		.score = {score},
		.sample_age_us = 300 * USEC_MS,
		.patience_us = 140 * USEC_MS,
		.silences_healed = 41,
		.tx_bps = 1200000,
		.rx_bps = 12300000,
		.heartbeat_us = 500 * USEC_MS,
		.budget_left_bytes = -1,
		.probes_sent = 5000,
		.probes_answered = 4990,
		.hold_us = 30 * USEC_S,
		.quota_used_bytes = -1,
	};

	return v;
}

static struct decision_view fake_decision(unsigned path, enum step step, unsigned runner_up)
{
	struct decision_view d = {
		.n = 1,
		.path = {(uint8_t)path},
		.weight = {100},
		.confirmed = true,
		.since_us = FAKE_NOW_US - 3 * USEC_H - 12 * USEC_MIN,
		.step = step,
		.runner_up = (uint8_t)runner_up,
		.wanted = PATHS_MAX,
		.due_us = USEC_NEVER,
		.pinned_link = LINKS_MAX,
		.switches = 2,
	};

	return d;
}

/* wan carries default over IPv4 and is preferred; lte stands by; sat is dead, the provider's fault.  No IPv6. */
static inline void fake_reset(void)
{
	struct path_view *sat = &fake.path[path_of(FAKE_SAT, FAMILY_IPV4)];
	struct decision_view *d = &fake.decision[0][FAMILY_IPV4];

	memset(&fake, 0, sizeof(fake));
	policy_default(&fake.policy);
	fake.policy.links = 0;
	fake.policy.n_classes = 1;
	snprintf(fake.policy.class[0].name, NAME_SIZE, "default");
	fake.policy.class[0].min_score = 70;
	fake.policy.ipv6 = true;
	fake.policy.bad_hold_us = 3 * USEC_S;
	fake_link(FAKE_WAN, "wan", "eth1", LINK_KIND_WIRED, 100);
	fake_link(FAKE_LTE, "lte", "wwan0", LINK_KIND_CELLULAR, 50);
	fake_link(FAKE_SAT, "sat", "eth2", LINK_KIND_STARLINK, 50);
	fake.path[path_of(FAKE_WAN, FAMILY_IPV4)] = fake_path(HEALTH_UP, 8100, 0, 93);
	fake.path[path_of(FAKE_LTE, FAMILY_IPV4)] = fake_path(HEALTH_UP, 48200, 2000, 88);
	*sat = fake_path(HEALTH_DEAD, 31000, 1000000, 0);
	sat->health_since_us = FAKE_NOW_US - 14 * USEC_S;
	sat->silence_us = 16300 * USEC_MS;
	sat->patience_us = 900 * USEC_MS;
	sat->verdict = VERDICT_PROVIDER;
	sat->relapses = 1;
	sat->rx_bps = sat->tx_bps = 0;
	*d = fake_decision(path_of(FAKE_WAN, FAMILY_IPV4), STEP_PREFERENCE,
		path_of(FAKE_LTE, FAMILY_IPV4));
	d->against[path_of(FAKE_LTE, FAMILY_IPV4)] = STEP_PREFERENCE;
	d->against[path_of(FAKE_SAT, FAMILY_IPV4)] = STEP_ALIVE;
	fake.decision[0][FAMILY_IPV6] = fake_decision(0, STEP_NONE, PATHS_MAX);
	fake.decision[0][FAMILY_IPV6].n = 0;
	for (unsigned class = 1; class < CLASSES_MAX; class ++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++) {
			fake.decision[class][family] = fake_decision(0, STEP_NONE, PATHS_MAX);
			fake.decision[class][family].n = 0;
		}
}

/* wan dies, traffic has moved to lte, wan answers again and has to stay well for 23 s. */
static inline void fake_failed_over(void)
{
	struct path_view *wan = &fake.path[path_of(FAKE_WAN, FAMILY_IPV4)];
	struct decision_view *d = &fake.decision[0][FAMILY_IPV4];

	fake_reset();
	wan->health_since_us = FAKE_NOW_US - 7 * USEC_S;
	wan->relapses = 1;
	wan->hold_left_us = 23 * USEC_S;
	*d = fake_decision(path_of(FAKE_LTE, FAMILY_IPV4), STEP_ALIVE,
		path_of(FAKE_WAN, FAMILY_IPV4));
	d->since_us = FAKE_NOW_US - 40 * USEC_S;
	d->wanted = (uint8_t)path_of(FAKE_WAN, FAMILY_IPV4);
	d->stay = STAY_HOLD;
	d->against[path_of(FAKE_WAN, FAMILY_IPV4)] = STEP_PREFERENCE;
	d->due_us = FAKE_NOW_US + 23 * USEC_S;
	d->against[path_of(FAKE_SAT, FAMILY_IPV4)] = STEP_ALIVE;
}

static struct event fake_event(enum event_kind kind)
{
	struct event e = {.kind = kind,
		.at_us = FAKE_NOW_US - USEC_S,
		.path = PATHS_MAX,
		.class = CLASSES_MAX,
		.from = PATHS_MAX,
		.to = PATHS_MAX};

	return e;
}

static inline struct event fake_death(void)
{
	struct event e = fake_event(EVENT_HEALTH);

	e.path = (uint8_t)path_of(FAKE_WAN, FAMILY_IPV4);
	e.from = HEALTH_UP;
	e.to = HEALTH_DEAD;
	e.verdict = VERDICT_PROVIDER;
	e.value[0] = 140 * USEC_MS;
	e.value[1] = 12;
	e.value[2] = 1000000;
	e.value[3] = 8100;
	e.limit_us = 100 * USEC_MS;
	return e;
}

static inline struct event fake_switch(void)
{
	struct event e = fake_event(EVENT_SWITCH);

	e.class = 0;
	e.from = (uint8_t)path_of(FAKE_WAN, FAMILY_IPV4);
	e.to = (uint8_t)path_of(FAKE_LTE, FAMILY_IPV4);
	e.step = STEP_ALIVE;
	e.verdict = VERDICT_PROVIDER;
	e.value[0] = 140 * USEC_MS;
	e.value[1] = 93;
	e.value[2] = 88;
	e.value[3] = FAMILY_IPV4;
	e.path = e.to;
	return e;
}
