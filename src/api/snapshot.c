#include "api/snapshot.h"

#include <string.h>

void snapshot_take(struct snapshot *ret, const struct engine *e, int64_t now_us)
{
	ret->policy = engine_policy(e);
	ret->now_us = now_us;
	engine_view(e, &ret->engine);
	for (unsigned path = 0; path < PATHS_MAX; path++)
		engine_view_path(e, path, now_us, &ret->path[path]);
	for (unsigned class = 0; class < CLASSES_MAX; class ++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++)
			engine_view_decision(e, class, (enum family)family, now_us,
				&ret->decision[class][family]);
}

const char *state_name(enum state state)
{
	static const char *const name[] = {"healthy", "degraded", "dead", "offline", "starting"};

	return (unsigned)state < STATE_COUNT ? name[state] : NULL;
}

bool snapshot_link_exists(const struct snapshot *s, unsigned link)
{
	return link < LINKS_MAX && (s->policy->links & (UINT32_C(1) << link));
}

bool snapshot_class_allows(const struct snapshot *s, unsigned class, unsigned link)
{
	uint32_t links = s->policy->class[class].links;

	return snapshot_link_exists(s, link) && s->policy->link[link].enabled &&
	       (!links || (links & (UINT32_C(1) << link)));
}

bool decision_uses(const struct decision_view *d, unsigned path)
{
	for (unsigned i = 0; i < d->n && i < ROUTE_PATHS_MAX; i++)
		if (d->path[i] == path)
			return true;
	return false;
}

const char *snapshot_path_link(const struct snapshot *s, unsigned path)
{
	if (path >= PATHS_MAX || !snapshot_link_exists(s, path_link(path)))
		return "?";
	return s->policy->link[path_link(path)].name;
}

int policy_link_index(const struct policy *p, const char *name)
{
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if ((p->links & (UINT32_C(1) << i)) && !strcmp(p->link[i].name, name))
			return (int)i;
	return -1;
}

int policy_class_index(const struct policy *p, const char *name)
{
	for (unsigned i = 0; i < p->n_classes && i < CLASSES_MAX; i++)
		if (!strcmp(p->class[i].name, name))
			return (int)i;
	return -1;
}

/*
 * An IPv6 path counts once the link has shown an address or a gateway: a link without IPv6 is normal, a link without
 * IPv4 is out of order.
 */
static bool path_counts(const struct snapshot *s, unsigned class, unsigned path)
{
	const struct path_view *v = &s->path[path];

	if (!v->exists || !snapshot_class_allows(s, class, path_link(path)))
		return false;
	return path_family(path) == FAMILY_IPV4 || v->facts.has_address || v->facts.has_gateway ||
	       v->sample_age_us >= 0;
}

bool snapshot_has_family(const struct snapshot *s, unsigned class, enum family family)
{
	if (family == FAMILY_IPV6 && !s->policy->ipv6)
		return false;
	if (s->decision[class][family].n)
		return true;
	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (path_counts(s, class, path_of(link, family)))
			return true;
	return false;
}

static bool health_answers(enum health health)
{
	switch (health) {
	case HEALTH_UP:
	case HEALTH_SUSPECT:
	case HEALTH_DEGRADED:
	case HEALTH_RECOVERING:
		return true;
	case HEALTH_ABSENT:
	case HEALTH_DOWN:
	case HEALTH_UNKNOWN:
	case HEALTH_DEAD:
	case HEALTH_COUNT:
		break;
	}
	return false;
}

/* Whether a link that the user prefers to all those in use is not used, and not by the user's own will. */
static bool on_backup(const struct snapshot *s, unsigned class, enum family family)
{
	const struct decision_view *d = &s->decision[class][family];
	int32_t best = INT32_MIN;

	if (d->pinned_until_us)
		return false;
	for (unsigned i = 0; i < d->n && i < ROUTE_PATHS_MAX; i++) {
		int32_t preference = s->policy->link[path_link(d->path[i])].preference;

		if (preference > best)
			best = preference;
	}
	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, family);

		if (path_counts(s, class, path) && !s->path[path].drained_us &&
			s->policy->link[link].preference > best)
			return true;
	}
	return false;
}

static enum state unused_state(const struct snapshot *s, unsigned class, enum family family)
{
	enum state state = STATE_OFFLINE;

	for (unsigned link = 0; link < LINKS_MAX; link++) {
		unsigned path = path_of(link, family);

		if (!path_counts(s, class, path))
			continue;
		if (s->path[path].health == HEALTH_UNKNOWN)
			return STATE_STARTING;
		if (s->path[path].health == HEALTH_DEAD || health_answers(s->path[path].health))
			state = STATE_DEAD;
	}
	return state;
}

enum state snapshot_class_state(const struct snapshot *s, unsigned class, enum family family)
{
	const struct decision_view *d = &s->decision[class][family];
	bool answers = false, unknown = false, well = false;

	if (!d->n)
		return unused_state(s, class, family);
	for (unsigned i = 0; i < d->n && i < ROUTE_PATHS_MAX; i++) {
		const struct path_view *v = &s->path[d->path[i]];
		uint8_t needed = s->policy->class[class].min_score;

		answers |= health_answers(v->health);
		unknown |= v->health == HEALTH_UNKNOWN;
		well |= (v->health == HEALTH_UP || v->health == HEALTH_SUSPECT) &&
			v->score[class] >= needed;
	}
	if (d->fail_open || (!answers && !unknown))
		return STATE_DEAD;
	if (!answers)
		return STATE_STARTING;
	return well && !on_backup(s, class, family) ? STATE_HEALTHY : STATE_DEGRADED;
}

enum state snapshot_state(const struct snapshot *s)
{
	unsigned n = 0, count[STATE_COUNT] = {0};

	for (unsigned class = 0; class < s->policy->n_classes && class < CLASSES_MAX; class ++)
		for (unsigned family = 0; family < FAMILY_COUNT; family++)
			if (snapshot_has_family(s, class, (enum family)family)) {
				count[snapshot_class_state(s, class, (enum family)family)]++;
				n++;
			}
	if (!n || count[STATE_OFFLINE] == n)
		return STATE_OFFLINE;
	if (count[STATE_HEALTHY] == n)
		return STATE_HEALTHY;
	if (count[STATE_HEALTHY] || count[STATE_DEGRADED])
		return count[STATE_DEGRADED] || count[STATE_DEAD] || count[STATE_OFFLINE]
			       ? STATE_DEGRADED
			       : STATE_STARTING;
	return count[STATE_STARTING] ? STATE_STARTING : STATE_DEAD;
}

unsigned snapshot_current_link(const struct snapshot *s)
{
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		if (s->decision[0][f].n)
			return path_link(s->decision[0][f].path[0]);
	return LINKS_MAX;
}
