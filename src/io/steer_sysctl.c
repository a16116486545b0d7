/* Kernel settings; see steer_sysctl.h. */
#include "io/steer_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/log.h"

#define RP_FILTER_STRICT 1 /* Documentation/networking/ip-sysctl.rst */
#define RP_FILTER_LOOSE 2
#define HASH_POLICY_PORTS 1

void steer_sysctl_init(struct steer_sysctl *s)
{
	memset(s, 0, sizeof(*s));
}

/* -errno, or what it is: all of these are small and not negative. */
static int get(const char *name)
{
	char path[STEER_SYSCTL_NAME_SIZE + 16], text[16];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (size <= 0)
		return -EIO;
	text[size] = '\0';
	return (int)strtol(text, NULL, 10);
}

static int put(const char *name, int value)
{
	char path[STEER_SYSCTL_NAME_SIZE + 16], text[16];
	int size = snprintf(text, sizeof(text), "%d\n", value);
	int error = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)size) != size)
		error = -errno;
	close(fd);
	return error;
}

/* The file is ours, but what it names is written to: nothing but these three kinds. */
static bool is_ours(const char *name)
{
	static const char before[] = "net/ipv4/conf/", after[] = "/rp_filter";
	const char *device = name + sizeof(before) - 1;
	const char *end;

	if (strcmp(name, "net/ipv4/fib_multipath_hash_policy") == 0 ||
		strcmp(name, "net/ipv6/fib_multipath_hash_policy") == 0)
		return true;
	if (strncmp(name, before, sizeof(before) - 1) != 0)
		return false;
	end = strchr(device, '/');
	return end && end > device && end - device < DEVICE_SIZE && device[0] != '.' &&
	       strcmp(end, after) == 0;
}

static struct steer_setting *find(struct steer_sysctl *s, const char *name)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (strcmp(s->setting[i].name, name) == 0)
			return &s->setting[i];
	}
	return NULL;
}

static void add(struct steer_sysctl *s, const char *name, int was, int set)
{
	if (s->n == STEER_SYSCTLS_MAX || find(s, name))
		return;

	struct steer_setting *setting = &s->setting[s->n++];

	snprintf(setting->name, sizeof(setting->name), "%s", name);
	setting->was = was;
	setting->set = set;
}

static void write_file(const struct steer_sysctl *s)
{
	char temporary[sizeof(s->file) + 8];
	FILE *f;

	if (!s->file[0])
		return;
	if (!s->n) {
		unlink(s->file);
		return;
	}
	snprintf(temporary, sizeof(temporary), "%s.new", s->file);
	f = fopen(temporary, "we");
	if (!f)
		goto failed;
	for (unsigned i = 0; i < s->n; i++)
		fprintf(f, "%s %d %d\n", s->setting[i].name, s->setting[i].was, s->setting[i].set);
	if (fclose(f) == 0 && rename(temporary, s->file) == 0)
		return;
failed:
	log_line(LOG_WARNING, "%s: %s; kernel settings are put back by this process only", s->file,
		strerror(errno));
}

/* NAME WAS SET */
static void take_line(struct steer_sysctl *s, char *line)
{
	char *was = strchr(line, ' ');
	char *set;
	long before, after;

	if (!was)
		return;
	*was++ = '\0';
	before = strtol(was, &set, 10);
	after = strtol(set, NULL, 10);
	if (is_ours(line) && before >= 0 && before <= 3 && after >= 0 && after <= 3)
		add(s, line, (int)before, (int)after);
}

void steer_sysctl_remember(struct steer_sysctl *s, const char *run_dir)
{
	char line[STEER_SYSCTL_NAME_SIZE + 32];
	FILE *f;

	snprintf(s->file, sizeof(s->file), "%s/sysctl", run_dir);
	f = fopen(s->file, "re");
	if (!f)
		return;
	while (fgets(line, sizeof(line), f))
		take_line(s, line);
	fclose(f);
}

static void change(struct steer_sysctl *s, const char *name, int was, int set)
{
	int error = put(name, set);

	if (error) {
		log_line(LOG_WARNING, "%s is %d and cannot be set to %d: %s", name, was, set,
			strerror(-error));
		return;
	}
	log_line(LOG_NOTICE, "%s: %d -> %d", name, was, set);
	add(s, name, was, set);
	write_file(s);
}

void steer_sysctl_check(void)
{
	/* a flow whose entry was deleted is picked up in the middle:
	 * Documentation/networking/nf_conntrack-sysctl.rst */
	if (get("net/netfilter/nf_conntrack_tcp_loose") == 0)
		log_line(LOG_WARNING,
			"net.netfilter.nf_conntrack_tcp_loose is 0: TCP connections of a dead link "
			"hang until they time out; set it to 1");
}

void steer_sysctl_uplink(struct steer_sysctl *s, const char *device)
{
	char name[STEER_SYSCTL_NAME_SIZE];
	int own;

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", device);
	if (!device[0] || !is_ours(name))
		return;
	own = get(name);
	/* the stricter of "all" and the device's own counts, and of these numbers the higher */
	if (own < 0 || own == RP_FILTER_LOOSE)
		return;
	if (own == RP_FILTER_STRICT || get("net/ipv4/conf/all/rp_filter") == RP_FILTER_STRICT)
		change(s, name, own, RP_FILTER_LOOSE);
}

void steer_sysctl_balance(struct steer_sysctl *s)
{
	static const char *const names[] = {"net/ipv4/fib_multipath_hash_policy",
		"net/ipv6/fib_multipath_hash_policy"};

	for (unsigned i = 0; i < 2; i++) {
		int was = get(names[i]);

		/* 2 and 3 are somebody's choice */
		if (was == 0)
			change(s, names[i], was, HASH_POLICY_PORTS);
	}
}

void steer_sysctl_restore(struct steer_sysctl *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct steer_setting *setting = &s->setting[i];

		if (get(setting->name) == setting->set)
			(void)put(setting->name, setting->was);
	}
	s->n = 0;
	write_file(s);
}
