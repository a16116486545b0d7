#include "io/resolver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fib_rules.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api/json.h"
#include "base/usec.h"
#include "codec/resolv_conf.h"
#include "io/file_watch.h"
#include "io/log.h"
#include "io/steer_numbers.h"
#include "io/steer_object.h"

#ifndef FRA_PROTOCOL
#define FRA_PROTOCOL 21
#endif

#define SERVERS_MAX 32
#define FILE_MAX 8192
#define RULE_PLACE 150 /* after main without its defaults, before the classes */
#define LINK_LOCAL(a) ((a)[0] == 0xfe && ((a)[1] & 0xc0) == 0x80)

struct server {
	uint8_t family;
	bool elsewhere; /* also of an interface that is no link: not ours to judge */
	bool asked;
	uint8_t address[16];
	char device[DEVICE_SIZE]; /* link-local ones are told apart by it */
	uint32_t paths;           /* whose it is */
};

/* A rule: packets to it go by the link's table. */
struct pin {
	uint8_t family;
	bool own; /* of this machine's alone */
	uint8_t protocol;
	uint8_t address[16];
	uint32_t table, priority;
};

struct pins {
	unsigned n;
	struct pin pin[SERVERS_MAX];
};

struct resolver {
	struct netlink netlink;
	int inotify, watch; /* -1: none */
	struct event *readable;
	bool on, touched; /* touched: something of ours may be in the system */
	char file[CONFIG_PATH_SIZE], folder[CONFIG_PATH_SIZE];
	int file_error; /* told once */
	unsigned n;
	struct server server[SERVERS_MAX];
	struct pins pins;
	uint8_t protocol; /* of the pins; 0: none yet */
	bool pins_known;  /* else they may differ from the kernel's */
};

/* --- which resolvers there are --- */

static int link_of(const struct policy *policy, const char *device)
{
	for (int i = 0; i < LINKS_MAX; i++)
		if (policy->links >> i & 1 && !strcmp(policy->link[i].device, device))
			return i;
	return -1;
}

/* Its place, n when it is not in the list. */
static unsigned find_server(const struct server *list, unsigned n, enum family family,
	const uint8_t address[16], const char *device)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct server *s = &list[i];

		if (s->family == family && !memcmp(s->address, address, 16) &&
			(family == FAMILY_IPV4 || !LINK_LOCAL(address) ||
				!strcmp(s->device, device)))
			break;
	}
	return i;
}

static void add_server(struct server *list, unsigned *n, const struct netifd_interface *interface,
	const struct netifd_server *from, int link)
{
	enum family family = (enum family)from->family;
	unsigned at = find_server(list, *n, family, from->address, interface->l3_device);
	struct server *s = &list[at];

	if (at == SERVERS_MAX)
		return;
	if (at == *n) {
		++*n;
		memset(s, 0, sizeof(*s));
		s->family = from->family;
		memcpy(s->address, from->address, sizeof(s->address));
		memcpy(s->device, interface->l3_device, sizeof(s->device));
	}
	if (link < 0)
		s->elsewhere = true;
	else
		s->paths |= UINT32_C(1) << path_of((unsigned)link, family);
}

static unsigned list_servers(const struct resolver_state *state, struct server list[SERVERS_MAX])
{
	unsigned n = 0, asked = 0;

	for (unsigned i = 0; i < state->interfaces->n; i++) {
		const struct netifd_interface *interface = &state->interfaces->interface[i];

		for (unsigned k = 0; k < interface->n_servers; k++)
			add_server(list, &n, interface, &interface->server[k],
				link_of(state->policy, interface->l3_device));
	}
	for (unsigned i = 0; i < n; i++) {
		list[i].asked = list[i].elsewhere || list[i].paths & state->working;
		asked += list[i].asked;
	}
	for (unsigned i = 0; i < n && !asked; i++)
		list[i].asked = true;
	return n;
}

static void tell_changes(const struct resolver *r, const struct policy *policy,
	const struct server *list, unsigned n)
{
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < n; i++) {
		const struct server *s = &list[i];
		unsigned was =
			find_server(r->server, r->n, (enum family)s->family, s->address, s->device);

		if (was < r->n ? r->server[was].asked != s->asked : !s->asked)
			log_line(LOG_NOTICE, "dns: %s of %s: %s",
				inet_ntop(steer_af((enum family)s->family), s->address, text,
					sizeof(text)),
				s->paths
					? policy->link[path_link((unsigned)__builtin_ctz(s->paths))]
						  .name
					: s->device,
				s->asked ? "asked again" : "not asked, its link does not work");
	}
}

/* --- rules --- */

/* Behind its link and nowhere else: RFC 1918, RFC 6598, RFC 4193. */
static bool is_private(const struct server *s)
{
	const uint8_t *a = s->address;

	if (s->family == FAMILY_IPV6)
		return (a[0] & 0xfe) == 0xfc;
	return a[0] == 10 || (a[0] == 172 && (a[1] & 0xf0) == 16) || (a[0] == 192 && a[1] == 168) ||
	       (a[0] == 100 && (a[1] & 0xc0) == 64);
}

static void want_pins(const struct resolver *r, const struct steer_numbers *numbers,
	struct pins *ret)
{
	ret->n = 0;
	for (unsigned i = 0; i < r->n; i++) {
		const struct server *s = &r->server[i];
		struct pin *pin = &ret->pin[ret->n];

		if (!s->asked || s->elsewhere || __builtin_popcount(s->paths) != 1 ||
			(s->family == FAMILY_IPV6 && LINK_LOCAL(s->address)))
			continue;
		memset(pin, 0, sizeof(*pin));
		pin->family = s->family;
		pin->own = !is_private(s);
		pin->protocol = numbers->protocol;
		pin->priority = numbers->rule_base + RULE_PLACE;
		memcpy(pin->address, s->address, sizeof(pin->address));
		pin->table =
			steer_link_table(numbers, path_link((unsigned)__builtin_ctz(s->paths)));
		ret->n++;
	}
}

static void put_rule(struct netlink_batch *b, const struct pin *pin, bool deletes)
{
	size_t size = steer_address_size((enum family)pin->family);
	struct fib_rule_hdr header = {
		.family = steer_af((enum family)pin->family),
		.dst_len = (uint8_t)(8 * size),
		.action = FR_ACT_TO_TBL,
	};
	struct nlmsghdr *nlh = netlink_batch_begin(b, deletes ? RTM_DELRULE : RTM_NEWRULE,
		deletes ? 0 : NLM_F_CREATE | NLM_F_EXCL, &header, sizeof(header));

	if (!nlh)
		return;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, pin->priority);
	mnl_attr_put_u32(nlh, FRA_TABLE, pin->table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, pin->protocol);
	mnl_attr_put(nlh, FRA_DST, size, pin->address);
	if (pin->own)
		mnl_attr_put_strz(nlh, FRA_IIFNAME, "lo");
}

struct rule_dump {
	uint8_t protocol;
	struct pins *pins;
};

/* Of all rules of ours only these are about destinations; their place may be another than today's. */
static int see_rule(const struct nlmsghdr *nlh, void *user)
{
	struct rule_dump *d = user;
	struct pin *pin = &d->pins->pin[d->pins->n];
	const struct nlattr *attr;
	struct fib_rule_hdr header;
	enum family family;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(header) || d->pins->n == SERVERS_MAX)
		return 0;
	memcpy(&header, mnl_nlmsg_get_payload(nlh), sizeof(header));
	if (header.action != FR_ACT_TO_TBL || !header.dst_len ||
		steer_family(header.family, &family) < 0)
		return 0;
	memset(pin, 0, sizeof(*pin));
	pin->family = (uint8_t)family;
	NETLINK_FOR_EACH_ATTR(attr, nlh, sizeof(header))
	{
		unsigned type = mnl_attr_get_type(attr);

		if (type == FRA_PRIORITY)
			(void)steer_attribute_u32(attr, &pin->priority);
		else if (type == FRA_TABLE)
			(void)steer_attribute_u32(attr, &pin->table);
		else if (type == FRA_DST)
			(void)steer_attribute_address(attr, family, pin->address);
		else if (type == FRA_IIFNAME)
			pin->own = true;
		else if (type == FRA_PROTOCOL && mnl_attr_get_payload_len(attr) == 1)
			pin->protocol = mnl_attr_get_u8(attr);
	}
	if (pin->protocol == d->protocol)
		d->pins->n++;
	return 0;
}

static int dump_pins(struct netlink *netlink, uint8_t protocol, struct pins *ret)
{
	static const enum family family[] = {FAMILY_IPV4, FAMILY_IPV6};
	struct rule_dump d = {protocol, ret};

	ret->n = 0;
	for (unsigned i = 0; i < FAMILY_COUNT; i++) {
		struct fib_rule_hdr header = {.family = steer_af(family[i])};
		int error =
			netlink_dump(netlink, RTM_GETRULE, &header, sizeof(header), see_rule, &d);

		if (error && error != -EAFNOSUPPORT && error != -EOPNOTSUPP)
			return error;
	}
	return 0;
}

static bool is_same_pin(const struct pin *a, const struct pin *b)
{
	return a->family == b->family && a->own == b->own && a->table == b->table &&
	       a->priority == b->priority && a->protocol == b->protocol &&
	       !memcmp(a->address, b->address, sizeof(a->address));
}

static bool has_pin(const struct pins *list, const struct pin *pin)
{
	for (unsigned i = 0; i < list->n; i++)
		if (is_same_pin(&list->pin[i], pin))
			return true;
	return false;
}

static bool are_same_pins(const struct pins *a, const struct pins *b)
{
	for (unsigned i = 0; i < a->n; i++)
		if (!has_pin(b, &a->pin[i]))
			return false;
	return a->n == b->n;
}

/* Looks at the kernel each time: it is rarely that something differs, and others may have cleaned up. */
static int set_pins(struct netlink *netlink, uint8_t protocol, const struct pins *wanted)
{
	struct netlink_batch batch;
	struct pins held = {0};
	int error = netlink->socket ? 0 : netlink_open(netlink, NETLINK_ROUTE);

	if (!error)
		error = dump_pins(netlink, protocol, &held);
	if (error)
		return error;
	netlink_batch_init(&batch);
	for (unsigned i = 0; i < wanted->n; i++)
		if (!has_pin(&held, &wanted->pin[i]))
			put_rule(&batch, &wanted->pin[i], false);
	for (unsigned i = 0; i < held.n; i++)
		if (!has_pin(wanted, &held.pin[i]))
			put_rule(&batch, &held.pin[i], true);
	return batch.count ? netlink_run(netlink, &batch, NULL, NULL) : 0;
}

/* --- the file --- */

static ssize_t read_file(const char *file, char *ret, size_t size, struct stat *ret_stat)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t got = -1, used = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_stat) < 0 || !S_ISREG(ret_stat->st_mode)) {
		close(fd);
		return -EINVAL;
	}
	while ((size_t)used < size && (got = read(fd, ret + used, size - (size_t)used)) > 0)
		used += got;
	if (got < 0)
		used = -errno;
	close(fd);
	return (size_t)used == size ? -EFBIG : used;
}

/* Older dnsmasq sees by whole seconds whether a file has changed: two writes in one second have to differ. */
static struct timespec later(const struct stat *was)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec <= was->st_mtim.tv_sec)
		now.tv_sec = was->st_mtim.tv_sec + 1;
	return now;
}

static int replace_file(const char *file, const char *text, size_t size, const struct stat *was)
{
	const struct timespec times[2] = {later(was), later(was)};
	char other[CONFIG_PATH_SIZE + 16];
	struct stat now = {0};
	int fd, error = 0;

	snprintf(other, sizeof(other), "%s.autonomy", file);
	(void)unlink(other);
	fd = open(other, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, was->st_mode & 0777);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) != (ssize_t)size)
		error = -ENOSPC;
	(void)fchmod(fd, was->st_mode & 0777);
	if (fchown(fd, was->st_uid, was->st_gid) < 0)
		errno = 0; /* ours then: who reads it may read that too */
	if (!error && futimens(fd, times) < 0)
		error = -errno;
	/* netifd has written another meanwhile: its event comes, and that one is read */
	(void)stat(file, &now);
	if (!error && !file_is_same(&now, was))
		(void)unlink(other);
	else if (!error && rename(other, file) < 0)
		error = -errno;
	close(fd);
	if (error)
		(void)unlink(other);
	return error;
}

static bool is_unwanted(void *user, const char *server)
{
	const struct resolver *r = user;
	char plain[INET6_ADDRSTRLEN];
	size_t length = strcspn(server, "%");
	uint8_t address[16] = {0};
	enum family family = strchr(server, ':') ? FAMILY_IPV6 : FAMILY_IPV4;
	unsigned at;

	if (length >= sizeof(plain))
		return false;
	memcpy(plain, server, length);
	plain[length] = '\0';
	if (inet_pton(steer_af(family), plain, address) != 1)
		return false;
	at = find_server(r->server, r->n, family, address,
		server[length] ? server + length + 1 : "");
	return at < r->n && !r->server[at].asked;
}

/* r NULL: as netifd wrote it. */
static int set_file(const char *file, struct resolver *r)
{
	char text[FILE_MAX], next[FILE_MAX];
	struct stat was = {0};
	size_t size;
	ssize_t got = read_file(file, text, sizeof(text), &was);

	if (got == -ENOENT || got == -ENOTDIR)
		return 0; /* no netifd */
	if (got < 0)
		return (int)got;
	if (resolv_conf_filter(text, (size_t)got, r ? is_unwanted : NULL, r, next, sizeof(next),
		    &size))
		return -EFBIG;
	if (size == (size_t)got && !memcmp(text, next, size))
		return 0;
	return replace_file(file, next, size, &was);
}

static void apply_file(struct resolver *r, bool on)
{
	int error = r->file[0] ? set_file(r->file, on ? r : NULL) : 0;

	if (error && error != r->file_error)
		log_line(LOG_WARNING, "dns: %s is left as it is: %s", r->file, strerror(-error));
	r->file_error = error;
}

/* A folder that is not there (yet) is looked for again with the next change. */
static void watch(struct resolver *r)
{
	if (r->watch < 0 && r->on && r->folder[0])
		r->watch = inotify_add_watch(r->inotify, r->folder,
			IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
}

static void unwatch(struct resolver *r)
{
	if (r->watch >= 0)
		(void)inotify_rm_watch(r->inotify, r->watch);
	r->watch = -1;
}

static void use_file(struct resolver *r, const char *file)
{
	char folder[CONFIG_PATH_SIZE];

	if (strcmp(r->file, file) != 0) {
		unwatch(r);
		apply_file(r, false);
		snprintf(r->file, sizeof(r->file), "%s", file);
		snprintf(folder, sizeof(folder), "%s", file);
		snprintf(r->folder, sizeof(r->folder), "%s", dirname(folder));
		r->file_error = 0;
	}
	if (!r->on)
		unwatch(r);
	watch(r);
	apply_file(r, r->on);
}

/*
 * Whatever happened in the folder: a look at a small file costs less than finding out.  Watching what is watched already
 * changes nothing, and the folder may be another by now.
 */
static void folder_changed(evutil_socket_t fd, short what, void *user)
{
	char events[1024];
	struct resolver *r = user;

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		;
	r->watch = -1;
	watch(r);
	if (r->on)
		apply_file(r, true);
}

/* --- all of it --- */

struct resolver *resolver_new(struct event_base *base)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->watch = -1;
	r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (r->inotify >= 0)
		r->readable = event_new(base, r->inotify, EV_READ | EV_PERSIST, folder_changed, r);
	if (r->readable && event_add(r->readable, NULL) == 0)
		return r;
	resolver_free(r);
	return NULL;
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	netlink_close(&r->netlink);
	if (r->readable)
		event_free(r->readable);
	if (r->inotify >= 0)
		close(r->inotify);
	free(r);
}

static void apply_pins(struct resolver *r, const struct config *config)
{
	struct steer_numbers numbers = steer_numbers(config);
	struct pins wanted = {0}, none = {0};
	int error;

	/* what bears another number would not be found again */
	if (r->protocol && r->protocol != numbers.protocol)
		(void)set_pins(&r->netlink, r->protocol, &none);
	r->protocol = numbers.protocol;
	want_pins(r, &numbers, &wanted);
	if (r->pins_known && are_same_pins(&wanted, &r->pins))
		return;
	error = set_pins(&r->netlink, numbers.protocol, &wanted);
	if (error)
		log_line(LOG_WARNING, "dns: rules for resolvers: %s", strerror(-error));
	r->pins_known = !error;
	r->pins = wanted;
}

void resolver_update(struct resolver *r, const struct resolver_state *state)
{
	struct server list[SERVERS_MAX];
	unsigned n;

	if (!state->steering && !r->touched)
		return;
	r->on = state->steering && state->config->dns;
	r->touched = r->on;
	n = r->on ? list_servers(state, list) : 0;
	tell_changes(r, state->policy, list, n);
	r->n = n;
	memcpy(r->server, list, n * sizeof(list[0]));
	apply_pins(r, state->config);
	use_file(r, state->config->dns_file);
}

void resolver_doubt(struct resolver *r)
{
	r->pins_known = false;
}

void resolver_show(const struct resolver *r, unsigned link, struct json_object *to)
{
	struct json_object *list = json_object_new_array();
	char text[INET6_ADDRSTRLEN];

	for (unsigned i = 0; i < r->n; i++) {
		const struct server *s = &r->server[i];
		struct json_object *o;

		if (!(s->paths >> path_of(link, (enum family)s->family) & 1))
			continue;
		o = json_object_new_object();
		json_put_text(o, "server",
			inet_ntop(steer_af((enum family)s->family), s->address, text,
				sizeof(text)));
		json_put_bool(o, "asked", s->asked);
		json_object_array_add(list, o);
	}
	json_object_object_add(to, "dns", list);
}

int resolver_release(const struct config *config)
{
	struct pins none = {0};
	struct netlink netlink = {0};
	int error = set_pins(&netlink, steer_numbers(config).protocol, &none);
	int file_error = set_file(config->dns_file, NULL);

	netlink_close(&netlink);
	return error ? error : file_error;
}
