/* The configuration and the allowances in it. */
#include <time.h>

#include "api/historic_own.h"
#include "api/json.h"
#include "api/snapshot.h"
#include "base/usec.h"

#define MB INT64_C(1000000)

int historic_config(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	return asked_call(q, "config.get", NULL, ret, ret_error);
}

/* ---- allowances ---- */

static int64_t days_until_month_ends(int64_t wall_us)
{
	time_t now = (time_t)(wall_us / USEC_S);
	struct tm t;

	if (!localtime_r(&now, &t))
		return -1;
	t = (struct tm){.tm_year = t.tm_year, .tm_mon = t.tm_mon + 1, .tm_mday = 1, .tm_isdst = -1};
	return ((int64_t)mktime(&t) - now + 86399) / 86400;
}

static struct json_object *allowance_json(const struct api *api, const struct snapshot *s,
	unsigned link)
{
	const struct link_policy *l = &s->policy->link[link];
	int64_t used = s->path[path_of(link, FAMILY_IPV4)].quota_used_bytes, percent = -1;
	struct json_object *o = json_object_new_object();

	if (l->quota_bytes > 0 && used >= 0)
		percent = used > INT64_MAX / 100 ? INT64_MAX : used * 100 / l->quota_bytes;
	json_put_text(o, "interface", l->name);
	json_put_bool(o, "enabled", l->quota_bytes > 0);
	json_put_text(o, "period", "monthly");
	json_put_int(o, "limit_mb", l->quota_bytes / MB);
	json_put_int(o, "used_mb", used < 0 ? 0 : used / MB);
	json_put_int(o, "usage_percent", percent < 0 ? 0 : percent);
	json_put_text(o, "status",
		percent < 0      ? "unknown"
		: percent >= 100 ? "exceeded"
		: percent >= 95  ? "critical"
		: percent >= 80  ? "warning"
				 : "ok");
	json_put_int(o, "days_until_reset", days_until_month_ends(api->now_wall_us));
	return o;
}

int historic_allowance(const struct asked *q, struct json_object **ret, struct api_error *ret_error)
{
	struct json_object *list;
	struct snapshot s;

	snapshot_take(&s, q->api->engine, q->api->now_us);
	if (asked_link(q)) {
		int link = policy_link_index(s.policy, asked_link(q));

		if (link < 0)
			return api_fail(ret_error, API_NOT_FOUND, "there is no such interface");
		*ret = allowance_json(q->api, &s, (unsigned)link);
		return 0;
	}
	list = json_object_new_array();
	for (unsigned link = 0; link < LINKS_MAX; link++)
		if (snapshot_link_exists(&s, link))
			json_object_array_add(list, allowance_json(q->api, &s, link));
	*ret = json_object_new_object();
	json_object_object_add(*ret, "interfaces", list);
	return 0;
}
