#include "api/config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/json.h"

struct json_object *config_problems_json(const struct config_problems *p)
{
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < p->n && i < CONFIG_PROBLEMS_MAX; i++) {
		struct json_object *o = json_object_new_object();

		json_put_text(o, "place", p->problem[i].place);
		json_put_int(o, "line", p->problem[i].line);
		json_put_bool(o, "warning", p->warning[i]);
		json_put_text(o, "text", p->problem[i].text);
		json_object_array_add(list, o);
	}
	return list;
}

struct json_object *config_check_json(const char *file, const char *text)
{
	struct {
		struct config config;
		struct config_problems problems;
	} *c = calloc(1, sizeof(*c));
	struct json_object *o;
	int r;

	if (!c)
		return NULL;
	r = text ? config_parse(file, text, strlen(text), &c->config, &c->problems)
		 : config_load(file, &c->config, &c->problems);
	o = json_object_new_object();
	json_put_text(o, "file", file);
	/* no file is a valid configuration: everything at its default */
	json_put_bool(o, "valid", !r || (r == -ENOENT && !text));
	json_put_bool(o, "missing", r == -ENOENT);
	json_object_object_add(o, "problems", config_problems_json(&c->problems));
	json_put_int(o, "more", c->problems.more);
	free(c);
	return o;
}
