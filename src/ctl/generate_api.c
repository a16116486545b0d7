#include "ctl/generate_api.h"

#include <string.h>

#include "api/words.h"
#include "ctl/client.h"

/* What the objects hold; a test holds it against what the daemon sends. */
static const struct {
	const char *object, *member, *text;
} member_table[] = {
	{"status", "state",
		"healthy, degraded, dead, offline or starting; autonomyctl status exits "
		"with 0, 10, 11, 12, 13"},
	{"status", "mode", "steer, observe or released"},
	{"status", "wall_ms", "moment of this answer"},
	{"status", "version", "of the daemon"},
	{"status", "uptime_ms", "since its start"},
	{"status", "next", "cursor for events: what happens after this answer"},
	{"status", "config_confirm_ms",
		"until the configuration on trial is rolled back; only while one is"},
	{"status", "classes", "array of: choice"},
	{"status", "links", "array of: link"},
	{"choice", "class", "name of the class of traffic"},
	{"choice", "family", "ipv4 or ipv6"},
	{"choice", "state", "as in status, of this class and family"},
	{"choice", "links", "in use: array of link (name) and weight (1..100)"},
	{"choice", "step", "of the total order that settled it against the runner-up"},
	{"choice", "why", "that in words"},
	{"choice", "runner_up", "name of the next best link"},
	{"choice", "confirmed", "the kernel has said that it is so"},
	{"choice", "fail_open", "no link answers, the last one stays"},
	{"choice", "for_ms", "since when"},
	{"choice", "wanted", "a better link that something holds back; null: none"},
	{"choice", "stay", "what holds it back: no-better, unproven, hold, wait, congestion"},
	{"choice", "due_wall_ms", "when that may end by itself"},
	{"choice", "pinned", "name of the link the user has pinned"},
	{"choice", "pinned_until_wall_ms", "null: not pinned, or without an end"},
	{"choice", "held", "the user allows no switch but away from a dead link"},
	{"choice", "held_until_wall_ms", "null: not held, or without an end"},
	{"choice", "switches", "so far"},
	{"link", "link", "its name"},
	{"link", "device", "of the kernel"},
	{"link", "kind", "other, wired, starlink, cellular, wifi or vpn"},
	{"link", "slot", "its number; the order of slots is the order here"},
	{"link", "enabled", "false: never probed nor chosen"},
	{"link", "metered", "as configured or guessed"},
	{"link", "preference", "higher is preferred"},
	{"link", "in_use", "by any class in any family"},
	{"link", "drained", "new flows avoid it by the user's wish"},
	{"link", "rx_bps", "received, bits a second over the last second or so"},
	{"link", "tx_bps", "sent"},
	{"link", "weight", "share of new flows when balancing (link only)"},
	{"link", "budget_bytes", "for probes in 30 days; 0: no limit (link only)"},
	{"link", "quota_bytes", "the user's data cap; 0: none (link only)"},
	{"link", "interface", "of netifd that has the device; null: none"},
	{"link", "proto", "the interface's protocol; null: none"},
	{"link", "evidence",
		"array of kind, weight, text: what the kind was guessed from; most weight wins "
		"(links, link)"},
	{"link", "dns", "array of server, asked: the resolvers it brought along"},
	{"link", "paths", "array of: path, one an address family"},
	{"path", "family", "ipv4 or ipv6"},
	{"path", "health", "absent, down, unknown, up, suspect, degraded, dead or recovering"},
	{"path", "verdict",
		"whose fault: none, no-carrier, no-address, no-gateway, gateway-silent, "
		"provider, silent, loss, delay, jitter, congestion, dns, portal, mtu, "
		"target, local, web"},
	{"path", "health_for_ms", "since when"},
	{"path", "text", "health and numbers in words"},
	{"path", "present", "the device exists and is up"},
	{"path", "carrier", "as the kernel says"},
	{"path", "address", "null: none"},
	{"path", "gateway", "null: none, or point to point"},
	{"path", "mtu", "bytes"},
	{"path", "rtt_ms", "median round trip"},
	{"path", "rtt_usual_ms", "as learned"},
	{"path", "jitter_ms", "RFC 3550"},
	{"path", "loss_percent", "of the window"},
	{"path", "loss_usual_percent", "as learned"},
	{"path", "score", "0..100 by name of class"},
	{"path", "sample_age_ms", "of the newest answer; null: there was none"},
	{"path", "silence_ms", "nothing came back for so long although asked; 0: not silent"},
	{"path", "congested", "our own load raises delay or loss"},
	{"path", "flapping", "it has failed again soon after it came back"},
	{"path", "hold_left_ms", "until it may take traffic back; null: it has to live first"},
	{"path", "outage_chance_percent",
		"to become unusable within option prediction_horizon; null: not known"},
	{"path", "outage_trust",
		"what such forecasts have been worth here: none, untried, some, full"},
	{"path", "installed", "the kernel holds its route (this and what follows: link only)"},
	{"path", "patience_ms", "a silence this long makes it dead: learned"},
	{"path", "silences_healed", "that ended by themselves, as remembered"},
	{"path", "silences_dead", "that did not"},
	{"path", "heartbeat_ms", "between heartbeats now"},
	{"path", "probes_sent", "since the start"},
	{"path", "probes_answered", "since the start"},
	{"path", "probes_late", "answered after their time-out"},
	{"path", "probe_bytes", "spent on probes, both ways"},
	{"path", "budget_left_bytes", "for probes now; missing: no limit"},
	{"path", "quota_used_bytes", "as the operator counts; missing: not known"},
	{"path", "hold_ms", "failback hold as it stands"},
	{"path", "relapses", "since the last peace"},
	{"path", "forecast",
		"by horizon (1s, 10s, 60s): chance_percent to become unusable in it, trust (none, "
		"untried, some, full), skill_percent against the usual rate, said_percent and "
		"happened_percent on average, forecasts and outages counted, reliability "
		"(forecasts "
		"and how many came true, of under 1, 3, 10, 30 % and above)"},
	{"event", "seq", "number; never comes twice"},
	{"event", "wall_ms", "when"},
	{"event", "kind",
		"health, switch, stay, canary, fail-open, path-facts, target, verdict, "
		"applied, drift, command, expired, policy, budget, flap, time or "
		"forecast"},
	{"event", "level", "syslog's: 3 error, 4 warning, 5 notice, 6 info"},
	{"event", "text", "one sentence with the numbers and limits"},
	{"event", "link", "that it is about"},
	{"event", "family", "ipv4 or ipv6"},
	{"event", "class", "name of the class of traffic"},
	{"event", "from", "health, or link"},
	{"event", "to", "health, or link"},
	{"event", "verdict", "as of a path"},
	{"event", "step", "of switch and canary"},
	{"event", "stay", "of stay"},
	{"event", "due_ms", "of stay: until it is looked at again"},
	{"event", "hold_ms", "of canary: for so long it had to stay well"},
	{"event", "trouble_ms", "of switch: the link left had been in trouble"},
	{"event", "from_score", "of switch and canary"},
	{"event", "to_score", "of switch and canary"},
	{"event", "silence_ms", "of health"},
	{"event", "probes_lost", "of health"},
	{"event", "loss_percent", "of health"},
	{"event", "rtt_ms", "of health"},
	{"event", "patience_ms", "of health, to dead"},
	{"event", "lost", "of notifications: so many before it could not be delivered"},
};

bool generate_api_has(const char *object, const char *member)
{
	for (size_t i = 0; i < sizeof(member_table) / sizeof(member_table[0]); i++)
		if (!strcmp(member_table[i].object, object) &&
			!strcmp(member_table[i].member, member))
			return true;
	return false;
}

static void api_objects(FILE *out)
{
	const char *last = "";

	fputs("\n## Objects\n", out);
	for (size_t i = 0; i < sizeof(member_table) / sizeof(member_table[0]); i++) {
		if (strcmp(member_table[i].object, last) != 0)
			fprintf(out, "\n### %s (object)\n\n| member | |\n|---|---|\n",
				member_table[i].object);
		last = member_table[i].object;
		fprintf(out, "| `%s` | %s |\n", member_table[i].member, member_table[i].text);
	}
}

static void api_argument(FILE *out, const struct argument *a)
{
	fprintf(out, "| `%s` | %s | %s | ", a->name, argument_type_name(a->type),
		a->required   ? "required"
		: a->fallback ? a->fallback
			      : "");
	fputs(a->text, out);
	if (a->choices) {
		fputs(" One of", out);
		for (const char *p = a->choices; *p; p += strcspn(p, "|"), p += *p == '|')
			fprintf(out, " `%.*s`", (int)strcspn(p, "|"), p);
		fputc('.', out);
	}
	fputs(" |\n", out);
}

static void api_command(FILE *out, const struct command *c)
{
	fprintf(out, "\n### %s\n\n%s%s%s\n\nPermission: `%s`. Result: %s.%s\n", c->name, c->text,
		*c->help ? " " : "", c->help, permission_name(c->permission), c->result,
		c->stream ? " With `follow` notifications come after it." : "");
	if (!command_n_arguments(c))
		return;
	fputs("\n| argument | type | default | |\n|---|---|---|---|\n", out);
	for (unsigned i = 0; i < command_n_arguments(c); i++)
		api_argument(out, &c->argument[i]);
}

void generate_api(FILE *out)
{
	fprintf(out,
		"<!-- Made from the command table by: autonomyctl generate api.md -->\n"
		"# The API\n\n"
		"JSON-RPC 2.0 over the Unix socket `%s`, one message a line, at most 64 KiB a "
		"request and 256 KiB an answer. Batches of up to 16 requests are answered as one "
		"array.\n\n"
		"```\n"
		"> {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pin\",\"params\":{\"link\":\"lte\","
		"\"for\":\"1h\"}}\n"
		"< {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"text\":\"all traffic is pinned to "
		"lte for 1 h (until 15:03:00)\",\"until_wall_ms\":1774796580000}}\n"
		"```\n\n"
		"Root has the permission `admin`, members of the group in option `rpc_group` "
		"`operate`, everybody else who may open the socket `read`. Parameters are given "
		"by name or by place. Durations are text such as `90s`, `1h30m`, `2d`, `forever`, "
		"or a number of seconds. Times end in `_ms`, moments of the wall clock in "
		"`_wall_ms`; `null` means not known.\n\n"
		"`events` with `follow` sends notifications as things happen: "
		"`{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"seq\":...,\"text\":..."
		"}}`. A client that reads too slowly loses the oldest and is told how many in "
		"`params.lost`.\n\n"
		"| code | |\n|---|---|\n"
		"| -32700 | no JSON; the message says at which byte |\n"
		"| -32600 | no JSON-RPC 2.0 request, or too long |\n"
		"| -32601 | no such method |\n"
		"| -32602 | an argument is missing, unknown or out of range |\n"
		"| -32000 | refused: not possible as things are |\n"
		"| -32001 | not permitted |\n"
		"| -32002 | no such link or class |\n"
		"| -32003 | this daemon does not keep that |\n"
		"| -32004 | the answer would be too large: ask for less |\n"
		"| -32005 | too many at a time: try again |\n\n"
		"## Methods\n",
		CLIENT_SOCKET);
	for (size_t i = 0; i < COMMAND_ID_COUNT; i++)
		api_command(out, &command_table[i]);
	api_objects(out);
}
