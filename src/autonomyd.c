/* Starts the daemon, and ends it. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "io/log.h"

#define EXIT_STAY_DOWN 75 /* for supervisors: do not start it again (sysexits EX_TEMPFAIL) */

static const char usage[] =
	"usage: autonomyd [options]\n"
	"  -c, --config FILE      default /etc/config/autonomy; need not exist\n"
	"  -r, --run-dir DIR      socket and what a successor adopts; default /var/run/autonomy\n"
	"  -s, --state-dir DIR    what is remembered over a boot; default as configured\n"
	"  -o, --observe          change nothing, only say what would be done\n"
	"  -l, --log-level LEVEL  error, warning, notice, info or debug\n"
	"  -f, --foreground       what it does anyway; for supervisors that ask\n"
	"  -g, --give-up N        stay down after N crashes within five minutes, for supervisors; "
	"default: never\n"
	"      --release          take everything of ours out of the kernel and end\n"
	"      --version\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"run-dir", required_argument, NULL, 'r'},
	{"state-dir", required_argument, NULL, 's'},
	{"observe", no_argument, NULL, 'o'},
	{"log-level", required_argument, NULL, 'l'},
	{"give-up", required_argument, NULL, 'g'},
	{"foreground", no_argument, NULL, 'f'},
	{"release", no_argument, NULL, 'R'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int parse_level(const char *word)
{
	static const char *const name[] = {NULL, NULL, NULL, "error", "warning", "notice", "info",
		"debug"};

	for (int i = LOG_ERR; i <= LOG_DEBUG; i++)
		if (!strcmp(word, name[i]))
			return i;
	return -1;
}

/*
 * Memory is short on the routers this runs on, and connectivity is the last thing to give up for it.  Tables are large and
 * mostly never written: a huge page would make all of one resident for its first byte.
 */
static void settle_memory(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "w");

	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);

	if (!f)
		return;
	fputs("-500\n", f);
	fclose(f); /* not permitted in some containers: then not */
}

static int release(const struct daemon_options *o)
{
	static struct config config;
	static struct config_problems problems;
	static struct inbox inbox;
	struct event_base *base = event_base_new();
	struct problem problem = {0};
	struct steer *steer;
	int error, resolver_error;

	if (config_load(o->config_file, &config, &problems) < 0)
		config_default(&config);
	inbox_init(&inbox);
	steer = base ? steer_new(base, &inbox, &config, &problem) : NULL;
	if (!steer) {
		fprintf(stderr, "autonomyd: %s: %s\n", problem.place, problem.text);
		return EXIT_FAILURE;
	}
	steer_set_run_dir(steer, o->run_dir);
	error = steer_release(steer);
	resolver_error = resolver_release(&config);
	error = error < 0 ? error : resolver_error;
	if (error < 0)
		fprintf(stderr, "autonomyd: not everything could be removed: %s\n",
			strerror(-error));
	steer_free(steer);
	event_base_free(base);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct daemon d; /* static: its pages become resident only when they are used */
	struct daemon_options o = {
		.config_file = "/etc/config/autonomy",
		.run_dir = "/var/run/autonomy",
		.log_level = -1,
	};
	struct problem problem = {0};
	bool only_release = false;
	int c, error;

	while ((c = getopt_long(argc, argv, "c:r:s:ol:g:fh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o.config_file = optarg;
			break;
		case 'r':
			o.run_dir = optarg;
			break;
		case 's':
			o.state_dir = optarg;
			break;
		case 'o':
			o.observe = true;
			break;
		case 'l':
			o.log_level = parse_level(optarg);
			if (o.log_level < 0) {
				fprintf(stderr, "autonomyd: no log level is called '%s'\n%s",
					optarg, usage);
				return 2;
			}
			break;
		case 'g':
			o.give_up = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'f':
			break;
		case 'R':
			only_release = true;
			break;
		case 'V':
			printf("autonomyd %s\n", AUTONOMY_VERSION);
			return 0;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (only_release)
		return release(&o);
	signal(SIGPIPE, SIG_IGN);
	settle_memory();
	error = daemon_init(&d, &o, &problem);
	if (error < 0)
		log_line(LOG_ERR, "cannot start: %s: %s", problem.place, problem.text);
	else
		daemon_run(&d);
	daemon_done(&d);
	if (error == -ECANCELED)
		return EXIT_STAY_DOWN;
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
