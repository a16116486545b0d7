#include "io/probe_tcp.h"

#include <errno.h>

#include "io/probe.h"

static void ready(evutil_socket_t fd, short what, void *user)
{
	struct probe_connection *c = user;
	struct probes *p = c->path->probes;
	uint32_t rtt_us;
	int error = probe_connection_result(c, &rtt_us);

	(void)fd;
	(void)what;
	if (error) {
		probe_connection_failed(c, error, rtt_us);
		return;
	}
	p->stats.answered++;
	c->slot->answered = true;
	probe_end(p, c->slot, SAMPLE_ANSWERED, 0, rtt_us, 0);
}

static int tcp_send(struct probe_path *path, struct probe_slot *slot)
{
	return probe_connection_open(path, slot, slot->tcp_port, ready);
}

const struct probe_method_ops probe_tcp = {.send = tcp_send, .forget = probe_connection_forget};
