#include "io/netifd_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "api/json.h"
#include "config/value.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text that fits and holds nothing unprintable, else "". */
static void read_word(struct json_object *o, const char *key, char *ret, size_t size)
{
	const char *text = json_get_text(o, key, "");
	size_t length = strlen(text);

	memset(ret, 0, size);
	if (length >= size)
		return;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
			return;
	memcpy(ret, text, length + 1);
}

/* "@wan" is an alias of an interface, not a device. */
static void read_device(struct json_object *o, const char *key, char ret[DEVICE_SIZE])
{
	read_word(o, key, ret, DEVICE_SIZE);
	if (ret[0] && (ret[0] == '@' || value_device(ret)))
		memset(ret, 0, DEVICE_SIZE);
}

/* "fe80::1%eth1" is given too. */
static bool read_address(const char *text, enum family *ret_family, uint8_t ret[16])
{
	char plain[INET6_ADDRSTRLEN];
	size_t length = strcspn(text, "%");

	if (length >= sizeof(plain))
		return false;
	memcpy(plain, text, length);
	plain[length] = '\0';
	memset(ret, 0, 16);
	if (inet_pton(AF_INET, plain, ret) == 1)
		*ret_family = FAMILY_IPV4;
	else if (inet_pton(AF_INET6, plain, ret) == 1)
		*ret_family = FAMILY_IPV6;
	else
		return false;
	return true;
}

static struct json_object *item(struct json_object *array, size_t i, enum json_type type)
{
	struct json_object *o = json_object_array_get_idx(array, i);

	return json_object_is_type(o, type) ? o : NULL;
}

static size_t items(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

/* other_tables: of these only routes that go into a table of their own; the rest is in the kernel. */
static void read_routes(struct json_object *routes, bool other_tables, struct netifd_interface *ret)
{
	for (size_t i = 0; i < items(routes); i++) {
		struct json_object *route = item(routes, i, json_type_object);
		uint8_t target[16], gateway[16];
		enum family family, other;

		if (!route || json_get_int(route, "mask", -1) != 0 ||
			!read_address(json_get_text(route, "target", ""), &family, target) ||
			json_get_text(route, "type", NULL) || ret->held_back[family])
			continue;
		if (other_tables && !json_get_int(route, "table", 0))
			continue;
		if (!read_address(json_get_text(route, "nexthop", ""), &other, gateway) ||
			other != family)
			memset(gateway, 0, sizeof(gateway));
		ret->held_back[family] = true;
		memcpy(ret->gateway[family], gateway, sizeof(gateway));
	}
}

static unsigned read_servers(struct json_object *servers, struct netifd_interface *ret)
{
	unsigned left_out = 0;

	for (size_t i = 0; i < items(servers); i++) {
		struct json_object *text = item(servers, i, json_type_string);
		struct netifd_server *s = &ret->server[ret->n_servers];
		enum family family;

		if (!text || ret->n_servers == NETIFD_SERVERS_MAX ||
			!read_address(json_object_get_string(text), &family, s->address)) {
			left_out++;
			continue;
		}
		s->family = (uint8_t)family;
		ret->n_servers++;
	}
	return left_out;
}

/* False: it has no usable name. */
static bool read_interface(struct json_object *o, struct netifd_interface *ret, uint16_t *left_out)
{
	struct json_object *inactive = json_get_object(o, "inactive");
	int64_t metric = json_get_int(o, "metric", 0);

	memset(ret, 0, sizeof(*ret));
	read_word(o, "interface", ret->name, sizeof(ret->name));
	if (!ret->name[0] || value_name(ret->name))
		return false;
	read_word(o, "proto", ret->proto, sizeof(ret->proto));
	read_device(o, "device", ret->device);
	read_device(o, "l3_device", ret->l3_device);
	ret->up = json_get_bool(o, "up");
	ret->dynamic = json_get_bool(o, "dynamic");
	ret->metric = metric > 0 && metric <= INT32_MAX ? (uint32_t)metric : 0;
	if (!ret->up)
		return true;
	if (inactive)
		read_routes(json_get_array(inactive, "route"), false, ret);
	read_routes(json_get_array(o, "route"), true, ret);
	*left_out = (uint16_t)(*left_out + read_servers(json_get_array(o, "dns-server"), ret));
	return true;
}

/* Protocols whose device netifd makes, and how it calls it. */
static void guess_device(struct netifd_interface *i)
{
	static const char *const prefixed[] = {"pppoe", "pppoa", "3g", "pptp", "l2tp", "sstp"};
	char made[NAME_SIZE + 8];

	memcpy(i->l3_device, i->device, sizeof(i->l3_device));
	snprintf(made, sizeof(made), "%s", i->name);
	if (strcmp(i->proto, "wireguard") != 0) {
		size_t k;

		for (k = 0; k < COUNT(prefixed) && strcmp(i->proto, prefixed[k]) != 0; k++)
			;
		if (k == COUNT(prefixed))
			return;
		snprintf(made, sizeof(made), "%s-%s", prefixed[k], i->name);
	}
	if (strlen(made) < sizeof(i->l3_device))
		memcpy(i->l3_device, made, strlen(made) + 1);
}

/* wwan of wwan_4, which it has brought up; NULL when it is nobody's child. */
static struct netifd_interface *parent(struct netifd_table *t, const struct netifd_interface *i)
{
	const char *end = strrchr(i->name, '_');
	size_t length = end ? (size_t)(end - i->name) : 0;

	for (unsigned k = 0; i->dynamic && length && k < t->n; k++)
		if (!strncmp(t->interface[k].name, i->name, length) &&
			!t->interface[k].name[length])
			return &t->interface[k];
	return NULL;
}

/* Where packets leave when an interface does not say so itself. */
static void complete_devices(struct netifd_table *t, const struct netifd_table *before)
{
	for (unsigned k = 0; k < t->n; k++) {
		struct netifd_interface *up = parent(t, &t->interface[k]);

		if (up && !up->l3_device[0])
			memcpy(up->l3_device, t->interface[k].l3_device, sizeof(up->l3_device));
	}
	for (unsigned k = 0; k < t->n; k++) {
		struct netifd_interface *i = &t->interface[k];
		const struct netifd_interface *was = before ? netifd_find(before, i->name) : NULL;

		if (i->l3_device[0])
			continue;
		if (was && was->l3_device[0] && !strcmp(was->proto, i->proto) &&
			(!i->device[0] || !strcmp(was->device, i->device)))
			memcpy(i->l3_device, was->l3_device, sizeof(i->l3_device));
		else
			guess_device(i);
	}
}

int netifd_read(struct json_object *reply, const struct netifd_table *before,
	struct netifd_table *ret)
{
	struct json_object *list = reply ? json_get_array(reply, "interface") : NULL;
	struct netifd_table t = {0};

	if (!list)
		return -EINVAL;
	for (size_t i = 0; i < items(list); i++) {
		struct json_object *o = item(list, i, json_type_object);

		if (t.n < NETIFD_INTERFACES_MAX && o &&
			read_interface(o, &t.interface[t.n], &t.left_out) &&
			!netifd_find(&t, t.interface[t.n].name))
			t.n++;
		else
			t.left_out++;
	}
	if (t.n < NETIFD_INTERFACES_MAX)
		memset(&t.interface[t.n], 0, sizeof(t.interface[t.n]));
	complete_devices(&t, before);
	*ret = t;
	return 0;
}

const struct netifd_interface *netifd_find(const struct netifd_table *t, const char *name)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!strcmp(t->interface[i].name, name))
			return &t->interface[i];
	return NULL;
}

static bool is_same_interface(const struct netifd_interface *a, const struct netifd_interface *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->proto, b->proto) &&
	       !strcmp(a->device, b->device) && !strcmp(a->l3_device, b->l3_device) &&
	       a->up == b->up && a->dynamic == b->dynamic && a->metric == b->metric &&
	       !memcmp(a->held_back, b->held_back, sizeof(a->held_back)) &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway)) &&
	       a->n_servers == b->n_servers && !memcmp(a->server, b->server, sizeof(a->server));
}

bool netifd_is_same(const struct netifd_table *a, const struct netifd_table *b)
{
	for (unsigned i = 0; i < a->n; i++)
		if (i >= b->n || !is_same_interface(&a->interface[i], &b->interface[i]))
			return false;
	return a->n == b->n;
}

/* How well an interface lends its name to a device it shares with others. */
static int rank(const struct netifd_interface *i)
{
	size_t length = strlen(i->name);
	bool ipv6_alone = !strcmp(i->proto, "dhcpv6") || i->proto[0] == '6' ||
			  (i->name[length - 1] == '6' && strcmp(i->proto, "dhcp") != 0);

	return (i->dynamic ? 0 : 2) + (ipv6_alone ? 0 : 1);
}

const struct netifd_interface *netifd_owner(const struct netifd_table *t, const char *device)
{
	const struct netifd_interface *best = NULL;

	for (unsigned k = 0; k < t->n; k++) {
		const struct netifd_interface *i = &t->interface[k];

		if (device[0] && !strcmp(i->l3_device, device) && (!best || rank(i) > rank(best)))
			best = i;
	}
	return best;
}

bool netifd_gateway(const struct netifd_table *t, const char *device, enum family family,
	uint8_t ret[16], uint32_t *ret_metric)
{
	for (unsigned k = 0; k < t->n; k++) {
		const struct netifd_interface *i = &t->interface[k];

		if (!i->up || !i->held_back[family] || strcmp(i->l3_device, device) != 0)
			continue;
		memcpy(ret, i->gateway[family], 16);
		*ret_metric = i->metric;
		return true;
	}
	return false;
}
