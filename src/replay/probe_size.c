#include "replay/probe_size.h"

struct probe_size probe_size(const struct action_probe *a)
{
	switch ((enum probe_method)a->method) {
	case PROBE_ICMP:
		return (struct probe_size){36, 36, 1, 1};
	case PROBE_TCP: /* SYN, SYN+ACK with options, RST */
		return (struct probe_size){60 + 40, 60, 2, 1};
	case PROBE_DNS: /* a negative answer carries the SOA */
		return (struct probe_size){76, 148, 1, 1};
	case PROBE_HTTP:
		return (struct probe_size){400, 500, 5, 4};
	case PROBE_BIG:
		return (struct probe_size){a->size, a->size, 1, 1};
	case PROBE_NEIGHBOUR:
	case PROBE_METHOD_COUNT:
		break;
	}
	return (struct probe_size){0};
}
