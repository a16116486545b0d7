/* config.get: what is in use, by the names that config.set takes. */
#include <stdlib.h>
#include <string.h>

#include "api/json.h"
#include "api/request.h"
#include "config/options.h"

/* What is asked for: a section, or an option of one; empty: everything. */
struct wish {
	const struct config *config;
	char section[96], option[48];
	struct json_object *sections; /* what is found */
};

static struct json_object *option_json(const struct option *o, const struct config *config,
	const void *base)
{
	char text[OPTION_TEXT_SIZE];
	struct json_object *list;

	if (!option_is_list(o))
		return option_print(o, config, base, 0, text) ? json_text(text) : NULL;
	list = json_object_new_array();
	for (unsigned i = 0; option_print(o, config, base, i, text); i++)
		json_object_array_add(list, json_text(text));
	return list;
}

/* Guessed from the device as long as nobody has set it: not for the configuration to say. */
static bool is_guessed(const struct option *o, const struct config_link *l)
{
	static const char *const guessed[] = {"kind", "metered", "budget"};

	for (size_t i = 0; i < sizeof(guessed) / sizeof(guessed[0]); i++)
		if (!strcmp(o->name, guessed[i]))
			return !config_link_has(l, o->name);
	return false;
}

static void put_section(struct wish *w, enum option_section kind, const char *name,
	const void *base)
{
	const char *type = option_section(kind)->type;
	struct json_object *section;
	unsigned n;
	const struct option *o = option_first(kind, &n);

	if (*w->section && strcmp(w->section, name) != 0 &&
		!(option_section(kind)->name && !strcmp(w->section, type)))
		return;
	section = json_object_new_object();
	json_put_text(section, ".type", type);
	for (; n--; o++) {
		struct json_object *value;

		if ((*w->option && strcmp(w->option, o->name) != 0) ||
			(kind == OPTION_SECTION_LINK && is_guessed(o, base)) ||
			!(value = option_json(o, w->config, base)))
			continue;
		json_object_object_add(section, o->name, value);
	}
	json_object_object_add(w->sections, name, section);
}

static void put_targets(struct wish *w, enum family family)
{
	const struct policy *p = &w->config->policy;

	for (unsigned i = 0; i < p->n_targets[family]; i++) {
		const struct option_target t = {p->target[family][i], family};
		char name[OPTION_TEXT_SIZE + 8] = "target.";

		option_print(option_find(OPTION_SECTION_TARGET, "address"), w->config, &t, 0,
			name + 7);
		put_section(w, OPTION_SECTION_TARGET, name, &t);
	}
}

static void put_all(struct wish *w)
{
	const struct config *c = w->config;
	char name[NAME_SIZE + 16];

	for (unsigned k = OPTION_SECTION_MAIN; k <= OPTION_SECTION_STEER; k++)
		put_section(w, (enum option_section)k, option_section((enum option_section)k)->name,
			c);
	put_section(w, OPTION_SECTION_DEFAULTS, option_section(OPTION_SECTION_DEFAULTS)->name,
		&c->link_default);
	for (unsigned i = 0; i < c->n_links; i++)
		put_section(w, OPTION_SECTION_LINK, c->link[i].policy.name, &c->link[i]);
	for (unsigned i = 0; i < c->policy.n_classes; i++) {
		snprintf(name, sizeof(name), "class.%s", c->policy.class[i].name);
		put_section(w, OPTION_SECTION_CLASS, name, &c->policy.class[i]);
	}
	for (unsigned i = 0; i < c->n_matches; i++) {
		snprintf(name, sizeof(name), "@match[%u]", i);
		put_section(w, OPTION_SECTION_MATCH, name, &c->match[i]);
	}
	put_targets(w, FAMILY_IPV4);
	put_targets(w, FAMILY_IPV6);
}

static void look(struct wish *w, const char *section, const char *option)
{
	snprintf(w->section, sizeof(w->section), "%s",
		strcmp(section, "default") ? section
					   : option_section(OPTION_SECTION_DEFAULTS)->name);
	snprintf(w->option, sizeof(w->option), "%s", option);
	json_object_put(w->sections);
	w->sections = json_object_new_object();
	put_all(w);
	/* "calls" may be a class, and "wan" may be said as link.wan */
	if (!json_object_object_length(w->sections) && !strchr(section, '.')) {
		snprintf(w->section, sizeof(w->section), "class.%s", section);
		put_all(w);
	} else if (!json_object_object_length(w->sections) && !strncmp(section, "link.", 5)) {
		snprintf(w->section, sizeof(w->section), "%s", section + 5);
		put_all(w);
	}
}

/* The one value, when an option was asked for; NULL. */
static struct json_object *only_value(const struct wish *w)
{
	struct json_object *value = NULL;

	json_object_object_foreach(w->sections, name, section)
	{
		(void)name;
		json_object_object_get_ex(section, w->option, &value);
	}
	return value;
}

int config_command_get(struct api *api, const struct request *r, struct json_object **ret_result,
	struct api_error *ret_error)
{
	const struct argument_value *section = request_value(r, "section"),
				    *option = request_value(r, "option");
	struct wish w = {.config = api->config};
	const char *dot = section->given ? strrchr(section->text, '.') : NULL;
	struct json_object *value;

	look(&w, section->given ? section->text : "", option->given ? option->text : "");
	if (!json_object_object_length(w.sections) && dot && !option->given) {
		char name[96];

		snprintf(name, sizeof(name), "%.*s", (int)(dot - section->text), section->text);
		look(&w, name, dot + 1);
	}
	value = *w.option ? only_value(&w) : NULL;
	if (!json_object_object_length(w.sections) || (*w.option && !value)) {
		json_object_put(w.sections);
		return api_fail(ret_error, API_NOT_FOUND,
			"there is no %s \"%.40s\" in the configuration; config get lists all",
			*w.option ? "option" : "section", *w.option ? w.option : w.section);
	}
	*ret_result = json_object_new_object();
	if (value)
		json_object_object_add(*ret_result, "value", json_object_get(value));
	json_object_object_add(*ret_result, "config", w.sections);
	return 0;
}
