#include "api/command.h"

#include <string.h>

#include "base/usec.h"
#include "core/limits.h"

#define SPAN_FOR_MAX USEC_NEVER
#define FILE_ARGUMENT_MAX 49152 /* leaves room for JSON's escapes in one RPC message */

/* clang-format off */
#define LINK_ARGUMENT(is_required, words)                                                          \
	{.name = "link", .type = ARGUMENT_STRING, .completion = COMPLETION_LINK,                   \
		.required = (is_required), .positional = true, .max = NAME_SIZE - 1, .text = (words)}
#define CLASS_OPTION(words)                                                                        \
	{.name = "class", .type = ARGUMENT_STRING, .completion = COMPLETION_CLASS,                 \
		.max = NAME_SIZE - 1, .text = (words)}
#define FOR_OPTION(words)                                                                          \
	{.name = "for", .type = ARGUMENT_SPAN, .fallback = "1h", .min = USEC_S,                    \
		.max = SPAN_FOR_MAX, .text = (words)}
#define CONFIG_FILE_ARGUMENT(is_required, words)                                                   \
	{.name = "text", .type = ARGUMENT_FILE, .completion = COMPLETION_FILE,                     \
		.required = (is_required), .positional = true, .max = FILE_ARGUMENT_MAX, .text = (words)}

#define SINCE_OPTION                                                                               \
	{.name = "since", .type = ARGUMENT_SPAN, .fallback = "7d", .min = USEC_S,                  \
		.max = SPAN_FOR_MAX, .text = "How far back."}
#define RECORD_FAMILY_OPTION                                                                       \
	{.name = "family", .type = ARGUMENT_CHOICE, .completion = COMPLETION_CHOICE,               \
		.fallback = "ipv4", .choices = "ipv4|ipv6", .text = "Of the paths that are played."}

#define END_OF_ARGUMENTS {.name = NULL}

const struct command command_table[COMMAND_ID_COUNT] = {
[COMMAND_ID_STATUS] = {
	.name = "status",
	.permission = PERMISSION_READ,
	.text = "The state of every link and what each class of traffic uses.",
	.result = "state (healthy, degraded, dead, offline, starting), classes[], links[], event "
		"cursor, ubus (up, greeting, absent, off)",
	.help = "healthy: every class uses a link that works and none that it would rather use is "
		"out of order. degraded: on a backup, or on a link that does not meet the needs. "
		"dead: no path answers. offline: no uplink at all. starting: no evidence yet.",
},
[COMMAND_ID_LINKS] = {
	.name = "links",
	.permission = PERMISSION_READ,
	.text = "All links with their measurements, one row a path.",
	.result = "links[], each with paths[] (one an address family)",
	.help = "",
},
[COMMAND_ID_LINK] = {
	.name = "link",
	.permission = PERMISSION_READ,
	.text = "Everything known of one link.",
	.result = "the link, with paths[], what was learned of it, probes and budget",
	.help = "",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(true, "Name of the link."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_EXPLAIN] = {
	.name = "explain",
	.permission = PERMISSION_READ,
	.text = "Why this link, why not the others, and what would change it.",
	.result = "explanations[], one a class and family, each with lines[] of topic, link, text",
	.help = "Without arguments every class and every family that has a path is explained.",
	.argument = (const struct argument[]){
		{.name = "class", .type = ARGUMENT_STRING, .completion = COMPLETION_CLASS,
			.positional = true, .max = NAME_SIZE - 1,
			.text = "Only this class of traffic."},
		{.name = "family", .type = ARGUMENT_CHOICE, .completion = COMPLETION_CHOICE,
			.positional = true, .choices = "ipv4|ipv6",
			.text = "Only this address family."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_EVENTS] = {
	.name = "events",
	.permission = PERMISSION_READ,
	.stream = true,
	.text = "What happened, oldest first.",
	.result = "events[] (seq, wall_ms, kind, text, ...), next (the cursor to continue from), "
		"lost",
	.help = "Events have sequence numbers and sit in a ring. A reader keeps the number to go "
		"on from; lost says how many had left the ring before they could be read.",
	.argument = (const struct argument[]){
		{.name = "since", .type = ARGUMENT_INTEGER, .min = 0, .max = INT64_MAX,
			.text = "Begin with this sequence number (next of the answer before); "
				"without it the newest are shown."},
		{.name = "limit", .type = ARGUMENT_INTEGER, .fallback = "50", .min = 1,
			.max = 200,
			.text = "At most so many."},
		{.name = "link", .type = ARGUMENT_STRING, .completion = COMPLETION_LINK,
			.max = NAME_SIZE - 1,
			.text = "Only what concerns this link."},
		{.name = "follow", .type = ARGUMENT_BOOL, .fallback = "false",
			.text = "Go on with new ones as they happen."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_HISTORY] = {
	.name = "history",
	.permission = PERMISSION_READ,
	.text = "Measurements of a link over time.",
	.result = "resolution_ms, families[] with points[] of wall_ms, rtt_ms, loss_percent, "
		"score, health",
	.help = "Without a resolution the finest one that covers the span in at most 360 points "
		"is taken.",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(true, "Name of the link."),
		{.name = "span", .type = ARGUMENT_SPAN, .fallback = "1h", .min = USEC_S,
			.max = 90 * USEC_DAY,
			.text = "How far back."},
		{.name = "resolution", .type = ARGUMENT_SPAN, .min = USEC_S, .max = USEC_DAY,
			.text = "Time between points: 1s, 10s or 5min; the nearest there is."},
		{.name = "family", .type = ARGUMENT_CHOICE, .completion = COMPLETION_CHOICE,
			.choices = "ipv4|ipv6",
			.text = "Only this address family."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_LEDGER] = {
	.name = "ledger",
	.permission = PERMISSION_READ,
	.text = "The decisions, with the numbers they were made on and how they turned out.",
	.result = "decisions[] (class, family, from, to, step, numbers, outcome)",
	.help = "",
	.argument = (const struct argument[]){
		{.name = "limit", .type = ARGUMENT_INTEGER, .fallback = "20", .min = 1,
			.max = 200,
			.text = "At most so many, newest first."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_PIN] = {
	.name = "pin",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Use this link as long as it is usable, whatever else is measured.",
	.result = "text, until_wall_ms",
	.help = "A pin never keeps traffic on a dead link. It ends by itself.",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(true, "The link to use."),
		CLASS_OPTION("Only this class of traffic; all without it."),
		FOR_OPTION("How long; forever: until unpin."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_UNPIN] = {
	.name = "unpin",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Take a pin back.",
	.result = "text",
	.help = "",
	.argument = (const struct argument[]){
		CLASS_OPTION("Only this class of traffic; all without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_HOLD] = {
	.name = "hold",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "No change of links except away from a dead one.",
	.result = "text, until_wall_ms",
	.help = "",
	.argument = (const struct argument[]){
		CLASS_OPTION("Only this class of traffic; all without it."),
		FOR_OPTION("How long; forever: until unhold."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_UNHOLD] = {
	.name = "unhold",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Take a hold back.",
	.result = "text",
	.help = "",
	.argument = (const struct argument[]){
		CLASS_OPTION("Only this class of traffic; all without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_DRAIN] = {
	.name = "drain",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "New flows avoid this link; established ones stay.",
	.result = "text, until_wall_ms",
	.help = "For planned work on a link.",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(true, "The link to avoid."),
		FOR_OPTION("How long; forever: until undrain."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_UNDRAIN] = {
	.name = "undrain",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Take a drain back.",
	.result = "text",
	.help = "",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(false, "The link; all without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_RECHECK] = {
	.name = "recheck",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Probe a link afresh now and forget its failback hold.",
	.result = "text",
	.help = "",
	.argument = (const struct argument[]){
		LINK_ARGUMENT(false, "The link; all without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_RELEASE] = {
	.name = "release",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Take everything out of the kernel and only observe.",
	.result = "text",
	.help = "Routes, rules, nexthops and the ruleset of autonomy are removed; the system's "
		"own routes decide until steer or a restart.",
},
[COMMAND_ID_STEER] = {
	.name = "steer",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Steer again after release.",
	.result = "text",
	.help = "",
},
[COMMAND_ID_TRACE_START] = {
	.name = "trace.start",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Write the engine's inputs to a file, for replay and bug reports.",
	.result = "file, bytes, limit_bytes",
	.help = "The file is made in the daemon's trace folder and never grows past the limit. A "
		"trace holds the addresses of links, gateways and targets.",
	.argument = (const struct argument[]){
		{.name = "name", .type = ARGUMENT_STRING, .positional = true, .max = 64,
			.text = "Name of the file; made from the time without it."},
		{.name = "limit", .type = ARGUMENT_BYTES, .fallback = "4MB", .min = 65536,
			.max = 1 << 30,
			.text = "Stop at so many bytes."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_TRACE_STOP] = {
	.name = "trace.stop",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "End the trace.",
	.result = "file, bytes",
	.help = "",
},
[COMMAND_ID_TRACE_STATUS] = {
	.name = "trace.status",
	.permission = PERMISSION_READ,
	.text = "Whether a trace is being written.",
	.result = "running, file, bytes, limit_bytes",
	.help = "",
},
[COMMAND_ID_RECORDING] = {
	.name = "recording",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Bring the record of what the links did up to date, for whatif and tune.",
	.result = "folder, config_file, bytes, left_out",
	.help = "",
},
[COMMAND_ID_WHATIF] = {
	.name = "whatif",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "What other options would have made of the recorded past.",
	.result = "running, or recorded, changes[], happened, configured, changed, moments[]",
	.help = "autonomyctl runs autonomy-replay, which knows more options. Through other doors the "
		"daemon starts it at the lowest priority: ask the same again until it is no longer "
		"running.",
	.argument = (const struct argument[]){
		{.name = "set", .type = ARGUMENT_STRING, .required = true, .repeats = true, .max = 512,
			.text = "An option as it would be, like default.hold=10s or "
				"failover.bad_hold=1s; several with blanks between them."},
		SINCE_OPTION,
		RECORD_FAMILY_OPTION,
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_TUNE] = {
	.name = "tune",
	.permission = PERMISSION_OPERATE,
	.changes = true,
	.text = "Propose options for this site from its own recorded past.",
	.result = "running, or recorded, folds[], proposal[], text (the configuration with it)",
	.help = "As whatif. With --apply, autonomyctl puts the proposal through config apply "
		"--confirm 60s.",
	.argument = (const struct argument[]){
		SINCE_OPTION,
		RECORD_FAMILY_OPTION,
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_CHECK] = {
	.name = "config.check",
	.permission = PERMISSION_READ,
	.text = "Check a configuration file without using it.",
	.result = "valid, problems[] (place, line, warning, text)",
	.help = "autonomyctl does this itself; the daemon need not run.",
	.argument = (const struct argument[]){
		CONFIG_FILE_ARGUMENT(false, "The file; the one in use without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_SHOW] = {
	.name = "config.show",
	.permission = PERMISSION_READ,
	.text = "The configuration in use, as a file.",
	.result = "text",
	.help = "",
	.argument = (const struct argument[]){
		{.name = "all", .type = ARGUMENT_BOOL, .fallback = "false",
			.text = "Also what is left at its default."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_GET] = {
	.name = "config.get",
	.permission = PERMISSION_READ,
	.text = "What is in use, as values: everything, a section or one option.",
	.result = "config (sections by name, each with .type and options), value (when one option "
		"was asked for)",
	.help = "Sections have the names that config set takes. What is guessed from a link's device "
		"(kind, metered, budget) is missing until it is set; see link.",
	.argument = (const struct argument[]){
		{.name = "section", .type = ARGUMENT_STRING, .positional = true, .max = 90,
			.text = "Only this one: wan, default (what holds for all links), detect, "
				"class.calls, target.1.1.1.1; also with the option, like "
				"default.hold."},
		{.name = "option", .type = ARGUMENT_STRING, .max = 40, .text = "Only this one of it."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_SET] = {
	.name = "config.set",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Change options in the file, all of them or none, and use it.",
	.result = "differences[], confirm_ms (0: final), staged (changes of uci set that were "
		"committed with it)",
	.help = "Comments and layout of the file stay. A change is SECTION.OPTION=VALUE, without a "
		"value the option goes back to its default; += and -= add and remove an item of a "
		"list; NAME=TYPE makes a section, +TYPE one without a name, NAME= takes it away. What "
		"uci set has staged for the file is committed with it, as uci commit does.",
	.argument = (const struct argument[]){
		{.name = "changes", .type = ARGUMENT_ANY, .positional = true, .repeats = true,
			.max = FILE_ARGUMENT_MAX,
			.text = "The changes, like default.hold=10s: a list, or an object "
				"of section.option and value."},
		{.name = "section", .type = ARGUMENT_STRING, .max = 90,
			.text = "The section that option or values belong to."},
		{.name = "type", .type = ARGUMENT_STRING, .max = 40,
			.text = "Its type, when it may have to be made."},
		{.name = "option", .type = ARGUMENT_STRING, .max = 40, .text = "Name of the option."},
		{.name = "value", .type = ARGUMENT_ANY, .max = FILE_ARGUMENT_MAX,
			.text = "Its value; a list of values for a list, null for the default."},
		{.name = "values", .type = ARGUMENT_ANY, .max = FILE_ARGUMENT_MAX,
			.text = "Several options of the section with their values, as an object."},
		{.name = "config", .type = ARGUMENT_ANY, .max = FILE_ARGUMENT_MAX,
			.text = "Sections with their options, as config.get answers them."},
		{.name = "confirm", .type = ARGUMENT_SPAN, .min = 5 * USEC_S, .max = USEC_DAY,
			.text = "Roll back unless confirmed within this time."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_DIFF] = {
	.name = "config.diff",
	.permission = PERMISSION_READ,
	.text = "What would change if a file were applied.",
	.result = "differences[] (section, option, was, is, live)",
	.help = "",
	.argument = (const struct argument[]){
		CONFIG_FILE_ARGUMENT(false, "The file; the daemon's own file, as it is on disk "
			"now, without it."),
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_APPLY] = {
	.name = "config.apply",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Put a file in place of the configuration and use it.",
	.result = "differences[], confirm_ms (0: final)",
	.help = "With --confirm the old file comes back by itself unless \"config confirm\" "
		"follows in time: a mistake that locks you out mends itself, also over a restart.",
	.argument = (const struct argument[]){
		CONFIG_FILE_ARGUMENT(true, "The file."),
		{.name = "confirm", .type = ARGUMENT_SPAN, .min = 5 * USEC_S, .max = USEC_DAY,
			.text = "Roll back unless confirmed within this time."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_CONFIG_CONFIRM] = {
	.name = "config.confirm",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Keep the configuration that was applied.",
	.result = "text",
	.help = "",
},
[COMMAND_ID_CONFIG_ROLLBACK] = {
	.name = "config.rollback",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Go back to the configuration before apply, now.",
	.result = "text",
	.help = "",
},
[COMMAND_ID_CONFIG_RELOAD] = {
	.name = "config.reload",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Read the configuration file again.",
	.result = "differences[]",
	.help = "A file with mistakes changes nothing.",
},
[COMMAND_ID_LOG] = {
	.name = "log",
	.permission = PERMISSION_ADMIN,
	.changes = true,
	.text = "Change how much is logged, until the next restart.",
	.result = "level",
	.help = "",
	.argument = (const struct argument[]){
		{.name = "level", .type = ARGUMENT_CHOICE, .completion = COMPLETION_CHOICE,
			.required = true, .positional = true,
			.choices = "error|warning|notice|info|debug",
			.text = "The least important that is still logged."},
		END_OF_ARGUMENTS
	},
},
[COMMAND_ID_METRICS] = {
	.name = "metrics",
	.permission = PERMISSION_READ,
	.text = "The daemon's own counters.",
	.result = "metrics[] (name, value, text)",
	.help = "",
},
[COMMAND_ID_VERSION] = {
	.name = "version",
	.permission = PERMISSION_READ,
	.text = "Version of the daemon and for how long it has been running.",
	.result = "version, uptime_ms",
	.help = "",
},
[COMMAND_ID_COMMANDS] = {
	.name = "commands",
	.permission = PERMISSION_READ,
	.text = "This table.",
	.result = "commands[] (name, permission, text, result, arguments[])",
	.help = "",
},
};
/* clang-format on */

const char *permission_name(enum permission permission)
{
	static const char *const name[] = {"read", "operate", "admin"};

	return (unsigned)permission < PERMISSION_COUNT ? name[permission] : NULL;
}

const char *argument_type_name(enum argument_type type)
{
	static const char *const name[] = {"string", "integer", "bytes", "duration", "boolean",
		"choice", "file", "any"};

	return (unsigned)type < ARGUMENT_TYPE_COUNT ? name[type] : NULL;
}

const char *completion_name(enum completion completion)
{
	static const char *const name[] = {"none", "link", "class", "choice", "file", "any"};

	return (unsigned)completion < COMPLETION_COUNT ? name[completion] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		if (!strcmp(command_table[i].name, name))
			return &command_table[i];
	return NULL;
}

unsigned command_n_arguments(const struct command *c)
{
	unsigned n = 0;

	while (c->argument && c->argument[n].name)
		n++;
	return n;
}

int command_argument_index(const struct command *c, const char *name)
{
	for (unsigned i = 0; i < command_n_arguments(c); i++)
		if (!strcmp(c->argument[i].name, name))
			return (int)i;
	return -1;
}

bool command_is_choice(const char *choices, const char *word)
{
	size_t size = strlen(word);

	for (const char *p = choices; *p; p++) {
		size_t n = strcspn(p, "|");

		if (n == size && !memcmp(p, word, n))
			return true;
		p += n;
		if (!*p)
			break;
	}
	return false;
}

#define NEAREST_SIZE 24

/* Levenshtein distance; words longer than NEAREST_SIZE are never near. */
static unsigned distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned row[NEAREST_SIZE + 1];

	if (na > NEAREST_SIZE || nb > NEAREST_SIZE)
		return NEAREST_SIZE;
	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

const struct command *command_nearest(const char *name)
{
	const struct command *nearest = NULL;
	unsigned least = 3; /* two slips of the finger are near, three are another word */

	for (size_t i = 0; i < COMMAND_ID_COUNT; i++) {
		unsigned d = distance(name, command_table[i].name);

		if (d < least) {
			least = d;
			nearest = &command_table[i];
		}
	}
	return nearest;
}
