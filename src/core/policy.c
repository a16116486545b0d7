#include "core/policy.h"

#include <stddef.h>
#include <string.h>

#include "base/usec.h"

#define BIT(method) (1U << (unsigned)(method))

/*
 * Anycast resolvers of five operators: each answers echo requests, accepts TCP on 443 and answers
 * DNS questions, and has done so for years.  The last row is for portal detection alone: an address
 * of Cloudflare's own zone, which answers 204 to "GET /generate_204" for the host
 * cp.cloudflare.com.  The resolver address 1.1.1.1 does not serve that host (it answers with error
 * 1034), and a refusal would look like a portal.
 */
static const struct {
	uint8_t ipv4[4];
	uint16_t ipv6[8];
	uint8_t methods;
} default_target[] = {
	{{1, 1, 1, 1}, {0x2606, 0x4700, 0x4700, 0, 0, 0, 0, 0x1111},
		BIT(PROBE_ICMP) | BIT(PROBE_TCP) | BIT(PROBE_DNS)},
	{{8, 8, 8, 8}, {0x2001, 0x4860, 0x4860, 0, 0, 0, 0, 0x8888},
		BIT(PROBE_ICMP) | BIT(PROBE_TCP) | BIT(PROBE_DNS)},
	{{9, 9, 9, 9}, {0x2620, 0xfe, 0, 0, 0, 0, 0, 0xfe},
		BIT(PROBE_ICMP) | BIT(PROBE_TCP) | BIT(PROBE_DNS)},
	{{208, 67, 222, 222}, {0x2620, 0x119, 0x35, 0, 0, 0, 0, 0x35},
		BIT(PROBE_ICMP) | BIT(PROBE_TCP) | BIT(PROBE_DNS)},
	{{94, 140, 14, 14}, {0x2a10, 0x50c0, 0, 0, 0, 0, 0xad1, 0xff},
		BIT(PROBE_ICMP) | BIT(PROBE_TCP) | BIT(PROBE_DNS)},
	{{104, 16, 132, 229}, {0x2606, 0x4700, 0, 0, 0, 0, 0x6810, 0x84e5}, BIT(PROBE_HTTP)},
};
#define DEFAULT_TARGETS (sizeof(default_target) / sizeof(default_target[0]))
_Static_assert(DEFAULT_TARGETS <= TARGETS_MAX, "more default targets than a policy holds");

static void default_targets(struct policy *p)
{
	for (unsigned i = 0; i < DEFAULT_TARGETS; i++) {
		struct target *v4 = &p->target[FAMILY_IPV4][i], *v6 = &p->target[FAMILY_IPV6][i];

		memcpy(v4->address, default_target[i].ipv4, sizeof(default_target[i].ipv4));
		for (size_t k = 0; k < 8; k++) {
			v6->address[2 * k] = (uint8_t)(default_target[i].ipv6[k] >> 8);
			v6->address[2 * k + 1] = (uint8_t)(default_target[i].ipv6[k] & 0xff);
		}
		v4->tcp_port = v6->tcp_port = 443;
		v4->methods = v6->methods = default_target[i].methods;
	}
	p->n_targets[FAMILY_IPV4] = p->n_targets[FAMILY_IPV6] = DEFAULT_TARGETS;
}

void policy_default(struct policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->class[0].name, "default", sizeof("default"));
	ret->class[0].need = CLASS_NEED_DEFAULT;
	ret->class[0].min_score = 70;
	ret->n_classes = 1;
	default_targets(ret);
	ret->ipv6 = true;

	ret->false_switch_period_us = 365 * USEC_DAY;
	ret->timeout_floor_us = 50 * USEC_MS;
	ret->timeout_max_us = USEC_S;
	ret->burst_us = 20 * USEC_MS;
	ret->counters_us = 10 * USEC_MS;
	ret->heartbeat_active_us = 500 * USEC_MS;
	ret->heartbeat_standby_us = 5 * USEC_S;
	ret->switch_cost_us = 500 * USEC_MS;
	ret->bad_hold_us = 500 * USEC_MS;
	ret->unsteady_us = 500 * USEC_MS;
	ret->canary_us = 2 * USEC_S;
	ret->dns_matters = true;
	ret->prediction = PREDICTION_ON;
	ret->horizon = HORIZON_10S;
}
