#include "core/service.h"

#include "base/usec.h"

#define MISSES 4
#define PORTALS 2
#define ANSWERS 2
#define AGAIN_US (50 * USEC_MS)  /* ask again, another target */
#define LATER_US (200 * USEC_MS) /* first it must be clear that the path lives */

enum service service_of(enum probe_method method)
{
	switch (method) {
	case PROBE_DNS:
		return SERVICE_DNS;
	case PROBE_TCP:
		return SERVICE_WEB;
	case PROBE_HTTP:
		return SERVICE_PORTAL;
	case PROBE_BIG:
		return SERVICE_MTU;
	case PROBE_ICMP:
	case PROBE_NEIGHBOUR:
	case PROBE_METHOD_COUNT:
		break;
	}
	return SERVICE_COUNT;
}

bool service_answered(struct service_state state[SERVICE_COUNT], enum service service)
{
	struct service_state *s = &state[service];

	s->worked = true;
	s->misses = 0;
	if (!s->broken || ++s->answers < ANSWERS)
		return false;
	s->broken = false;
	s->answers = 0;
	return true;
}

static bool failed(struct service_state *s, unsigned limit, int64_t now_us)
{
	s->answers = 0;
	if (s->misses < UINT8_MAX)
		s->misses++;
	if (s->broken)
		return false;
	s->next_us = usec_min(s->next_us, now_us + AGAIN_US);
	s->broken = s->misses >= limit;
	return s->broken;
}

bool service_missed(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t alive_us, int64_t sent_us, int64_t now_us)
{
	struct service_state *s = &state[service], *portal = &state[SERVICE_PORTAL];

	/* that an HTTP answer is missing is no sign of a portal, but a TCP connection that does not open may be */
	if (service == SERVICE_PORTAL)
		return false;
	if (service == SERVICE_WEB)
		portal->next_us = usec_min(portal->next_us, now_us);
	if (!s->worked)
		return false;
	if (!s->misses)
		s->missed_us = sent_us;
	if (alive_us < s->missed_us) {
		/* the path may be silent as a whole: count it, but decide when something else was answered */
		if (s->misses < MISSES - 1)
			s->misses++;
		s->next_us = usec_min(s->next_us, now_us + LATER_US);
		return false;
	}
	return failed(s, MISSES, now_us);
}

bool service_portal_seen(struct service_state state[SERVICE_COUNT], int64_t now_us)
{
	return failed(&state[SERVICE_PORTAL], PORTALS, now_us);
}
