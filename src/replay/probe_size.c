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

void probe_leaves(struct input_counters *c, const struct probe_size *size)
{
	c->tx_packets += size->out_packets ? 1 : 0;
	c->tx_bytes += size->out;
}

static void count(struct input_counters *c, const struct probe_size *size)
{
	c->tx_packets += size->out_packets ? size->out_packets - 1U : 0;
	c->rx_packets += size->back_packets;
	c->rx_bytes += size->back;
}

void probe_answers_add(struct probe_answers *a, struct input_counters *c, int64_t at_us,
	const struct probe_size *size)
{
	if (a->n == PROBE_ANSWERS)
		count(c, size);
	else
		a->answer[a->n++] = (struct probe_answer){at_us, *size};
}

void probe_answers_count(struct probe_answers *a, struct input_counters *c, int64_t now_us)
{
	unsigned left = 0;

	for (unsigned i = 0; i < a->n; i++) {
		if (a->answer[i].at_us <= now_us)
			count(c, &a->answer[i].size);
		else
			a->answer[left++] = a->answer[i];
	}
	a->n = left;
}
