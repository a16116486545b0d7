/* What netifd says, and what follows from it and from the health of the paths for name resolution. */
#include <errno.h>
#include <string.h>

#include "api/json.h"
#include "core/names.h"
#include "core/view.h"
#include "daemon/daemon.h"

static void interfaces_changed(void *user)
{
	struct daemon *d = user;

	links_set_interfaces(d->links, netifd_table(d->netifd));
	d->resolver_stale = true;
}

static void rules_looked_at(void *user)
{
	struct daemon *d = user;

	resolver_doubt(d->resolver);
	d->resolver_stale = true;
}

int daemon_open_interfaces(struct daemon *d)
{
	d->netifd = netifd_new(d->base, d->ubus, interfaces_changed, d);
	d->resolver = d->netifd ? resolver_new(d->base) : NULL;
	d->resolver_stale = true;
	steer_set_looked(d->steer, rules_looked_at, d);
	return d->resolver ? 0 : -ENOMEM;
}

void daemon_close_interfaces(struct daemon *d)
{
	resolver_free(d->resolver);
	netifd_free(d->netifd);
}

void daemon_tell_resolver(struct daemon *d)
{
	struct resolver_state state = {
		.config = &d->steering, /* among other rules they have other numbers */
		.interfaces = netifd_table(d->netifd),
		.policy = &d->policy,
	};
	int64_t now_us = inbox_clock_us();
	struct engine_view engine;

	d->resolver_stale = false;
	engine_view(d->engine, &engine);
	state.steering = !d->policy.observe && !engine.released;
	for (unsigned i = 0; i < PATHS_MAX; i++) {
		struct path_view v;

		if (!(d->policy.links >> path_link(i) & 1))
			continue;
		engine_view_path(d->engine, i, now_us, &v);
		if (!health_is_down(v.health))
			state.working |= UINT32_C(1) << i;
	}
	resolver_update(d->resolver, &state);
}

static void put_evidence(struct json_object *to, const struct kind_evidence *evidence)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < evidence->n; i++) {
		const struct kind_item *item = &evidence->item[i];
		struct json_object *o = json_object_new_object();

		json_put_text(o, "kind", link_kind_name((enum link_kind)item->kind));
		json_put_int(o, "weight", item->weight);
		json_put_text(o, "text", item->why);
		json_object_array_add(list, o);
	}
	json_object_object_add(to, "evidence", list);
}

void daemon_show_link(struct daemon *d, unsigned link, bool why, struct json_object *to)
{
	const struct netifd_interface *i =
		netifd_owner(netifd_table(d->netifd), d->policy.link[link].device);
	const struct kind_evidence *evidence = links_evidence(d->links, link);

	json_put_text(to, "interface", i ? i->name : NULL);
	json_put_text(to, "proto", i ? i->proto : NULL);
	if (evidence && why)
		put_evidence(to, evidence);
	resolver_show(d->resolver, link, to);
}
