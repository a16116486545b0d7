#include "config/config.h"

#include <string.h>

#include "config/options.h"

/* The rows of a section, applied to the struct that it fills. */
static void section_default(enum option_section section, void *base)
{
	unsigned n;
	const struct option *o = option_first(section, &n);

	for (; n--; o++)
		option_default(o, base);
}

void config_default(struct config *ret)
{
	memset(ret, 0, sizeof(*ret));
	policy_default(&ret->policy);
	section_default(OPTION_SECTION_MAIN, ret);
	section_default(OPTION_SECTION_DETECT, ret);
	section_default(OPTION_SECTION_FAILOVER, ret);
	section_default(OPTION_SECTION_STEER, ret);
	section_default(OPTION_SECTION_DEFAULTS, &ret->link_default);
}

uint8_t config_class_min_score(enum class_need need)
{
	switch (need) {
	case CLASS_NEED_REALTIME:
		return 80;
	case CLASS_NEED_DEFAULT:
	case CLASS_NEED_BULK:
	case CLASS_NEED_COUNT:
		break;
	}
	return 70;
}

bool config_link_has(const struct config_link *l, const char *option)
{
	const struct option *o = option_find(OPTION_SECTION_LINK, option);

	return o && (l->set & (UINT64_C(1) << option_link_bit(o)));
}

void config_link_resolve(const struct config_link *l, enum link_kind guess, struct link_policy *ret)
{
	*ret = l->policy;
	if (!config_link_has(l, "kind"))
		ret->kind = guess;
	if (!config_link_has(l, "metered"))
		ret->metered = ret->kind == LINK_KIND_CELLULAR;
	if (!config_link_has(l, "budget"))
		ret->budget_bytes = ret->metered ? CONFIG_METERED_BUDGET_BYTES : 0;
}

static uint32_t slots_named(const struct policy *policy, const char *name)
{
	uint32_t slots = 0;

	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (policy->links & (UINT32_C(1) << i) && !strcmp(policy->link[i].name, name))
			slots |= UINT32_C(1) << i;
	return slots;
}

void config_class_slots(const struct config *config, struct policy *policy)
{
	for (unsigned i = 0; i < policy->n_classes; i++) {
		const struct config_class_links *allowed = &config->class_links[i];
		uint32_t slots = 0;

		for (unsigned k = 0; k < allowed->n; k++)
			slots |= slots_named(policy, allowed->name[k]);
		policy->class[i].links = allowed->n && !slots ? CONFIG_NO_LINK : slots;
	}
}
