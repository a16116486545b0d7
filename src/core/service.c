#include "core/service.h"

#include "base/usec.h"

#define MISSES 4
#define PORTALS 2
#define ANSWERS 2
#define AGAIN_US (50 * USEC_MS) /* ask again, another target */

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

bool service_answered(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t now_us)
{
	struct service_state *s = &state[service];

	s->worked = true;
	s->doubt = false;
	s->misses = 0;
	if (!s->broken)
		return false;
	if (++s->answers < ANSWERS) {
		s->next_us = usec_min(s->next_us, now_us + AGAIN_US);
		return false;
	}
	s->broken = false;
	s->answers = 0;
	return true;
}

static bool failed(struct service_state *s, unsigned limit, int64_t now_us)
{
	s->answers = 0;
	s->doubt = true;
	if (s->misses < UINT8_MAX)
		s->misses++;
	if (s->broken)
		return false;
	s->next_us = usec_min(s->next_us, now_us + AGAIN_US);
	s->broken = s->misses >= limit;
	return s->broken;
}

/* That an HTTP answer is missing is no sign of a portal, but a TCP connection that does not open may be. */
static bool counts(struct service_state state[SERVICE_COUNT], enum service service, int64_t now_us)
{
	if (service == SERVICE_WEB)
		state[SERVICE_PORTAL].next_us = usec_min(state[SERVICE_PORTAL].next_us, now_us);
	return service != SERVICE_PORTAL && state[service].worked;
}

bool service_missed(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t sent_us, int64_t now_us)
{
	struct service_state *s = &state[service];

	if (!counts(state, service, now_us))
		return false;
	/* several that were sent together are lost together: they count once */
	if (s->misses && sent_us - s->missed_us < AGAIN_US - AGAIN_US / 5)
		return false;
	s->missed_us = sent_us;
	return failed(s, MISSES, now_us);
}

void service_doubted(struct service_state state[SERVICE_COUNT], enum service service,
	int64_t now_us)
{
	struct service_state *s = &state[service];

	if (service == SERVICE_PORTAL || !s->worked || s->broken)
		return;
	s->doubt = true;
	s->next_us = usec_min(s->next_us, now_us + AGAIN_US);
}

bool service_portal_seen(struct service_state state[SERVICE_COUNT], int64_t now_us)
{
	return failed(&state[SERVICE_PORTAL], PORTALS, now_us);
}
