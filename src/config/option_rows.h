/*
 * The rows of the option table.  Two files are made of them: options.c, which programs read and print configurations with,
 * and options_text.c, which holds the texts for documents: a daemon on a router does without.  Who includes this defines
 * OPTION_TABLE, the table's name, and SAYS(words), what becomes of a text.
 */
#pragma once

#include <inttypes.h>
#include <stddef.h>
#include <syslog.h>

#include "base/usec.h"
#include "config/options.h"
#include "core/names.h"

#define MB INT64_C(1000000)

static const char *mode_word(int64_t value)
{
	static const char *const word[] = {"auto", "kernel", "mwan3", "observe"};

	return word[value];
}

static const char *ubus_word(int64_t value)
{
	static const char *const word[] = {"auto", "off"};

	return word[value];
}

static const char *firewall_word(int64_t value)
{
	static const char *const word[] = {"auto", "nft", "iptables", "none"};

	return word[value];
}

static const char *dns_word(int64_t value)
{
	return value ? "auto" : "off";
}

static const char *log_level_word(int64_t value)
{
	static const char *const word[] = {"error", "warning", "notice", "info", "debug"};

	return word[value - LOG_ERR];
}

static const char *family_word(int64_t value)
{
	return value == FAMILY_COUNT ? "any" : family_name((enum family)value);
}

static const char *kind_word(int64_t value)
{
	return link_kind_name((enum link_kind)value);
}

static const char *need_word(int64_t value)
{
	return class_need_name((enum class_need)value);
}

static const char *prediction_word(int64_t value)
{
	return prediction_name((enum prediction)value);
}

static const char *horizon_word(int64_t value)
{
	return horizon_name((enum horizon)value);
}

static const char *method_word(int64_t value)
{
	return probe_method_name((enum probe_method)value);
}

/*
 * A row is tied to its field when it is compiled: FIELD refuses a field of another C type than the
 * option's type needs, and tests/unit/config/test_options.c refuses a field without a row.
 */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type in _Generic takes none */
#define FIELD(owner, member, ctype)                                                                \
	.offset = (uint16_t)(offsetof(struct owner, member) +                                      \
			     0 * sizeof(char[_Generic(((struct owner *)0)->member, ctype : 1)])),  \
	.size = (uint16_t)sizeof(((struct owner *)0)->member)

/* NOLINTEND(bugprone-macro-parentheses) */

#define BOOL(owner, member) .type = OPTION_TYPE_BOOL, FIELD(owner, member, bool), .max = 1
#define INTEGER(owner, member, ctype) .type = OPTION_TYPE_INTEGER, FIELD(owner, member, ctype)
#define DURATION(owner, member) .type = OPTION_TYPE_DURATION, FIELD(owner, member, int64_t)
#define BYTES(owner, member) .type = OPTION_TYPE_BYTES, FIELD(owner, member, int64_t)
#define WORD(owner, member, ctype) .type = OPTION_TYPE_WORD, FIELD(owner, member, ctype)
#define TEXT(kind, owner, member) .type = OPTION_TYPE_##kind, FIELD(owner, member, char *)

/* Enums are unsigned int to every compiler we use; a row with a negative value would show. */
#define ENUM(owner, member) WORD(owner, member, unsigned int)

/* Two neighbours filled by one option. */
#define FIELDS(owner, first, last)                                                                 \
	.offset = (uint16_t)offsetof(struct owner, first),                                         \
	.size = (uint16_t)(offsetof(struct owner, last) + sizeof(((struct owner *)0)->last) -      \
			   offsetof(struct owner, first))

_Static_assert(offsetof(struct class_match, source_bits) ==
			       offsetof(struct class_match, source) + 16 &&
		       offsetof(struct class_match, destination_bits) ==
			       offsetof(struct class_match, destination) + 16,
	"a prefix is an address and the length behind it");
_Static_assert(offsetof(struct class_match, port_last) ==
		       offsetof(struct class_match, port_first) + sizeof(uint16_t),
	"a range of ports is two neighbours");

/* clang-format off */
#define LINK_OPTIONS(in)                                                                           \
	{in, .name = "enabled", BOOL(config_link, policy.enabled), .def = 1, .live = true,         \
		SAYS("Whether the link is probed and may carry traffic.")},                      \
	{in, .name = "kind", ENUM(config_link, policy.kind), .def = LINK_KIND_OTHER,               \
		.max = LINK_KIND_COUNT - 1, .word = kind_word, .live = true,                       \
		SAYS("What the link is made of. Guessed from the device when it is not "        \
			"given.")},                                                                 \
	{in, .name = "metered", BOOL(config_link, policy.metered), .def = 0, .live = true,         \
		SAYS("Whether data on this link costs money: then it is probed sparingly. "     \
			"Cellular links are metered unless this says otherwise.")},                 \
	{in, .name = "preference", INTEGER(config_link, policy.preference, int32_t), .def = 0,     \
		.min = -1000, .max = 1000, .live = true,                                           \
		SAYS("Of two links that both do, the one with the higher preference is "        \
			"used; equal ones are told apart by quality.")},                            \
	{in, .name = "weight", INTEGER(config_link, policy.weight, uint16_t), .def = 1, .min = 1,  \
		.max = 100, .live = true,                                                          \
		SAYS("Share of new flows where a class balances, in relation to other "         \
			"links.")},                                                                 \
	{in, .name = "budget", BYTES(config_link, policy.budget_bytes), .def = 0, .max = INT64_MAX, \
		.live = true,                                                                      \
		SAYS("What probes may use in 30 days, both ways; 0 is no limit. 5MB on "        \
			"metered links when it is not given.")},                                    \
	{in, .name = "quota", BYTES(config_link, policy.quota_bytes), .def = 0, .max = INT64_MAX,  \
		.live = true,                                                                      \
		SAYS("The link's data allowance in one accounting period; 0 is none. A "        \
			"link whose allowance is used up is chosen only when no other works.")},    \
	{in, .name = "heartbeat", DURATION(config_link, policy.heartbeat_us), .def = 0,            \
		.max = USEC_H, .live = true,                                                       \
		SAYS("Time between probes while the link is well. 0: chosen by kind, use "      \
			"and budget.")},                                                            \
	{in, .name = "hold", DURATION(config_link, policy.hold_us), .def = 60 * USEC_S,            \
		.max = USEC_DAY, .live = true,                                                     \
		SAYS("How long a link that came back must be well before traffic returns "      \
			"to it. Doubles with every relapse.")},                                     \
	{in, .name = "hold_max", DURATION(config_link, policy.hold_max_us), .def = USEC_H,      \
		.max = 7 * USEC_DAY, .live = true, SAYS("What that time can grow to.")}
/* clang-format on */

const struct option OPTION_TABLE[] = {
	/* general */
	{OPTION_SECTION_MAIN, .name = "mode", ENUM(config, mode), .def = CONFIG_MODE_AUTO,
		.max = CONFIG_MODE_OBSERVE, .word = mode_word, .live = true,
		SAYS("kernel moves traffic by rules and tables of our own; mwan3 leaves that to "
		     "OpenWrt's mwan3 and sends its marks elsewhere when a link is left; auto "
		     "is mwan3 where that is running and kernel otherwise; observe changes "
		     "nothing and says what it would do.")},
	{OPTION_SECTION_MAIN, .name = "discover", BOOL(config, zero_config), .def = 1, .live = true,
		SAYS("Whether every device with a default route becomes a link by itself. "
		     "With 0 only the links of this file are used.")},
	{OPTION_SECTION_MAIN, .name = "ipv6", BOOL(config, policy.ipv6), .def = 1, .live = true,
		SAYS("Whether IPv6 is judged and moved too.")},
	{OPTION_SECTION_MAIN, .name = "watch", BOOL(config, watch), .def = 1, .live = true,
		SAYS("Whether a change of this file takes effect by itself, for instance after uci "
		     "commit. With 0 only when a reload is asked for.")},
	{OPTION_SECTION_MAIN, .name = "log_level", WORD(config, log_level, int), .def = LOG_NOTICE,
		.min = LOG_ERR, .max = LOG_DEBUG, .word = log_level_word, .live = true,
		SAYS("The least important message that is logged.")},
	{OPTION_SECTION_MAIN, .name = "log_syslog", BOOL(config, log_syslog), .def = 1,
		.live = true,
		SAYS("Whether messages go to syslog; with 0 they go to standard error.")},
	{OPTION_SECTION_MAIN, .name = "socket_group", TEXT(NAME, config, rpc_group), .def_text = "",
		SAYS("Group that may use the control socket besides root.")},
	{OPTION_SECTION_MAIN, .name = "socket_mode", .type = OPTION_TYPE_MODE,
		FIELD(config, rpc_mode, uint32_t), .def = 0660, .max = 0777,
		SAYS("Mode of the control socket, octal.")},
	{OPTION_SECTION_MAIN, .name = "ubus", ENUM(config, ubus), .def = CONFIG_UBUS_AUTO,
		.max = CONFIG_UBUS_OFF, .word = ubus_word, .live = true,
		SAYS("Whether to join OpenWrt's bus: the object autonomy, its events, and what "
		     "other programs tell there. auto does where there is a bus.")},
	{OPTION_SECTION_MAIN, .name = "ubus_socket", TEXT(PATH, config, ubus_socket),
		.def_text = "", .live = true,
		SAYS("Socket of the bus; /var/run/ubus/ubus.sock or /var/run/ubus.sock when it "
		     "is not given.")},
	{OPTION_SECTION_MAIN, .name = "button", TEXT(NAME, config, button), .def_text = "",
		.live = true,
		SAYS("Name of a button, on OpenWrt, that moves traffic away from the link in use "
		     "for an hour; held for three seconds it makes everything automatic again.")},
	{OPTION_SECTION_MAIN, .name = "state_dir", TEXT(PATH, config, state_dir),
		.def_text = "/var/lib/autonomy",
		SAYS("Where history and what was learned of each link are kept over a "
		     "restart. Choose a folder that survives a reboot.")},
	{OPTION_SECTION_MAIN, .name = "checkpoint", DURATION(config, checkpoint_us),
		.def = 15 * USEC_MIN, .min = USEC_MIN, .max = 7 * USEC_DAY, .live = true,
		SAYS("Time between writes of that state: what a power cut can cost.")},
	{OPTION_SECTION_MAIN, .name = "flash_per_day", BYTES(config, flash_bytes_per_day),
		.def = MB, .max = INT64_MAX, .live = true,
		SAYS("What may be written there in a day; checkpoints become rarer to keep "
		     "to it. 0 writes nothing.")},
	{OPTION_SECTION_MAIN, .name = "recording", BYTES(config, recording_bytes), .def = MB,
		.max = 16 * MB,
		SAYS("Room in state_dir for what the links did, in short, from which whatif and "
		     "tune work. A quarter of flash_per_day goes there; where that is 0, the "
		     "record is kept in memory. 0 records nothing.")},

	/* detection */
	{OPTION_SECTION_DETECT, .name = "false_switch_period",
		DURATION(config, policy.false_switch_period_us), .def = 365 * USEC_DAY,
		.min = USEC_H, .max = 3650 * USEC_DAY, .live = true,
		SAYS("One needless switch per link in this time is accepted. Shorter makes "
		     "detection faster, longer makes it calmer.")},
	{OPTION_SECTION_DETECT, .name = "heartbeat_active",
		DURATION(config, policy.heartbeat_active_us), .def = 500 * USEC_MS,
		.min = 10 * USEC_MS, .max = USEC_H, .live = true,
		SAYS("Time between probes of an unmetered link in use, while all is well; "
		     "radio links are asked twice as often.")},
	{OPTION_SECTION_DETECT, .name = "heartbeat_standby",
		DURATION(config, policy.heartbeat_standby_us), .def = 5 * USEC_S,
		.min = 10 * USEC_MS, .max = USEC_H, .live = true,
		SAYS("The same for an unmetered link that stands by.")},
	{OPTION_SECTION_DETECT, .name = "burst_interval", DURATION(config, policy.burst_us),
		.def = 20 * USEC_MS, .min = 5 * USEC_MS, .max = USEC_S, .live = true,
		SAYS("Time between rounds of probes once a link is suspected.")},
	{OPTION_SECTION_DETECT, .name = "counters_interval", DURATION(config, policy.counters_us),
		.def = 10 * USEC_MS, .min = 5 * USEC_MS, .max = 10 * USEC_S, .live = true,
		SAYS("Time between looks at a busy link's packet counters, the probes that "
		     "cost nothing.")},
	{OPTION_SECTION_DETECT, .name = "timeout_min", DURATION(config, policy.timeout_floor_us),
		.def = 50 * USEC_MS, .min = USEC_MS, .max = 10 * USEC_S, .live = true,
		SAYS("Least time that a probe is waited for; above it the wait follows the "
		     "measured round trip.")},
	{OPTION_SECTION_DETECT, .name = "timeout_max", DURATION(config, policy.timeout_max_us),
		.def = USEC_S, .min = 10 * USEC_MS, .max = 10 * USEC_S, .live = true,
		SAYS("An answer later than this counts as lost.")},
	{OPTION_SECTION_DETECT, .name = "http_host", TEXT(HOST, config, http_host),
		.def_text = "cp.cloudflare.com", .live = true,
		SAYS("Host that targets with method http are asked for, to find captive "
		     "portals. They must answer 204.")},
	{OPTION_SECTION_DETECT, .name = "http_path", TEXT(PATH, config, http_path),
		.def_text = "/generate_204", .live = true, SAYS("Page that is asked for.")},
	{OPTION_SECTION_DETECT, .name = "dns_zone", TEXT(HOST, config, dns_zone),
		.def_text = "invalid", .live = true,
		SAYS("DNS probes ask for a new name below this zone each time. Servers "
		     "answer for 'invalid' by themselves (RFC 6761), so nobody else is "
		     "bothered.")},

	/* when traffic moves */
	{OPTION_SECTION_FAILOVER, .name = "switch_cost", DURATION(config, policy.switch_cost_us),
		.def = 500 * USEC_MS, .max = USEC_MIN, .live = true,
		SAYS("What one switch costs its users, as time in trouble: an outage that "
		     "will probably end sooner is waited out.")},
	{OPTION_SECTION_FAILOVER, .name = "bad_hold", DURATION(config, policy.bad_hold_us),
		.def = 500 * USEC_MS, .max = USEC_H, .live = true,
		SAYS("How long a link must have been bad (not dead) before traffic leaves "
		     "it: on radio links, whose bad moments pass, a "
		     "multiple of it.")},
	{OPTION_SECTION_FAILOVER, .name = "unsteady", DURATION(config, policy.unsteady_us),
		.def = 500 * USEC_MS, .max = USEC_H, .live = true,
		SAYS("Seconds of trouble in an hour from which on a link counts as less steady "
		     "than one without, whatever the preference; each half as much again is one "
		     "step more. 0: preference decides alone.")},
	{OPTION_SECTION_FAILOVER, .name = "canary", DURATION(config, policy.canary_us),
		.def = 2 * USEC_S, .max = USEC_H, .live = true,
		SAYS("On the way back new flows go first; the move is complete after this "
		     "time.")},
	{OPTION_SECTION_FAILOVER, .name = "move_flows", BOOL(config, policy.move_flows_on_failback),
		.def = 0, .live = true,
		SAYS("Whether established flows are moved back too. They start anew then; "
		     "with 0 they end where they are.")},
	{OPTION_SECTION_FAILOVER, .name = "dns_matters", BOOL(config, policy.dns_matters), .def = 1,
		.live = true,
		SAYS("Whether a link on which only DNS is dead is left for one whose DNS "
		     "works.")},

	{OPTION_SECTION_FAILOVER, .name = "prediction", ENUM(config, policy.prediction),
		.def = PREDICTION_ON, .max = PREDICTION_COUNT - 1, .word = prediction_word,
		.live = true,
		SAYS("Whether outages are forecast. observe: forecasts are made, checked "
		     "against what happens and shown. on: they are also acted upon, as far as "
		     "they have proved right on the link in question.")},
	{OPTION_SECTION_FAILOVER, .name = "prediction_horizon", ENUM(config, policy.horizon),
		.def = HORIZON_10S, .max = HORIZON_COUNT - 1, .word = horizon_word, .live = true,
		SAYS("How far ahead the forecasts look that are acted upon. 60s had no skill on "
		     "recordings of other places: it stands by until it has shown some here.")},

	/* the kernel */
	{OPTION_SECTION_STEER, .name = "firewall", ENUM(config, firewall),
		.def = CONFIG_FIREWALL_AUTO, .max = CONFIG_FIREWALL_NONE, .word = firewall_word,
		.live = true,
		SAYS("What writes the marks that keep flows on their link. none: only new "
		     "flows are steered.")},
	{OPTION_SECTION_STEER, .name = "nexthop_objects", BOOL(config, nexthop_objects), .def = 1,
		SAYS("Whether nexthop objects are used where the kernel has them (5.3 and "
		     "later).")},
	{OPTION_SECTION_STEER, .name = "mark_mask", .type = OPTION_TYPE_MASK,
		FIELD(config, mark_mask, uint32_t), .def = 0x7f000000, .min = 1, .max = UINT32_MAX,
		SAYS("Bits of the packet mark that are ours: at least 7 neighbours that "
		     "nothing else on this machine uses.")},
	{OPTION_SECTION_STEER, .name = "table_base", INTEGER(config, table_base, uint32_t),
		.def = 7400, .min = 256, .max = INT32_MAX - 128,
		SAYS("First of 128 routing tables that are ours.")},
	{OPTION_SECTION_STEER, .name = "rule_base", INTEGER(config, rule_base, uint32_t),
		.def = 32400, .min = 1, .max = 32766 - 300,
		SAYS("First of 300 rule priorities that are ours. The rules of VPNs and of "
		     "other policy routing belong before it.")},
	{OPTION_SECTION_STEER, .name = "mwan3_config", TEXT(PATH, config, mwan3_config),
		.def_text = "/etc/config/mwan3", .live = true,
		SAYS("Where the configuration of mwan3 is, if it is installed. It is read, and "
		     "never written.")},
	{OPTION_SECTION_STEER, .name = "nexthop_base", INTEGER(config, nexthop_base, uint32_t),
		.def = 7400000, .min = 1, .max = INT32_MAX - 128,
		SAYS("First of 128 nexthop ids that are ours.")},
	{OPTION_SECTION_STEER, .name = "protocol", INTEGER(config, protocol, uint8_t), .def = 74,
		.min = 5, .max = 255,
		SAYS("Protocol number that marks routes as ours (see rt_protos).")},
	{OPTION_SECTION_STEER, .name = "dns", .type = OPTION_TYPE_WORD, FIELD(config, dns, bool),
		.def = 1, .max = 1, .word = dns_word, .live = true,
		SAYS("auto: the resolvers that a link brought along (netifd tells) are asked "
		     "over that link, and not at all while it does not work. off: resolvers "
		     "are left alone.")},
	{OPTION_SECTION_STEER, .name = "dns_file", TEXT(PATH, config, dns_file),
		.def_text = "/tmp/resolv.conf.d/resolv.conf.auto", .live = true,
		SAYS("The list of resolvers that netifd writes and dnsmasq reads.")},
	{OPTION_SECTION_STEER, .name = "release_on_stop", BOOL(config, release_on_stop), .def = 0,
		.live = true,
		SAYS("Whether routes, rules and marks are taken out when the daemon stops. "
		     "With 0 they stay for its successor and traffic goes on.")},

	LINK_OPTIONS(OPTION_SECTION_DEFAULTS),

	{OPTION_SECTION_LINK, .name = "name", TEXT(NAME, config_link, policy.name), .def_text = "",
		.live = true,
		SAYS("What the link is called, when the section's name does not do.")},
	{OPTION_SECTION_LINK, .name = "interface", TEXT(NAME, config_link, interface),
		.def_text = "", .live = true,
		SAYS("OpenWrt's interface (config interface in /etc/config/network); its device "
		     "is followed. The link's name when no device is given either.")},
	{OPTION_SECTION_LINK, .name = "device", TEXT(DEVICE, config_link, policy.device),
		.def_text = "", .live = true,
		SAYS("The kernel's device, where there is no interface. The link's name when it "
		     "is not given.")},
	LINK_OPTIONS(OPTION_SECTION_LINK),

	{OPTION_SECTION_CLASS, .name = "name", TEXT(NAME, class_policy, name), .def_text = "",
		.live = true,
		SAYS("What the class is called, when the section's name does not do.")},
	{OPTION_SECTION_CLASS, .name = "need", ENUM(class_policy, need), .def = CLASS_NEED_DEFAULT,
		.max = CLASS_NEED_COUNT - 1, .word = need_word, .live = true,
		SAYS("What its traffic suffers from. realtime: delay, jitter and loss; "
		     "bulk: loss; default: something of both.")},
	{OPTION_SECTION_CLASS, .name = "min_score", INTEGER(class_policy, min_score, uint8_t),
		.def = 70, .max = 100, .live = true,
		SAYS("A link that scores less does not meet the class's needs. 80 for "
		     "realtime when it is not given.")},
	{OPTION_SECTION_CLASS, .name = "balance", BOOL(class_policy, balance), .def = 0,
		.live = true,
		SAYS("Whether new flows are spread over all links of the best preference "
		     "that meet the needs.")},
	{OPTION_SECTION_CLASS, .name = "link", .type = OPTION_TYPE_LINKS,
		FIELD(class_policy, links, uint32_t), .def_text = "", .live = true,
		SAYS("Names of the links that the class may use. All when there is none.")},

	{OPTION_SECTION_MATCH, .name = "class", .type = OPTION_TYPE_CLASS,
		FIELD(class_match, class, uint8_t), .def_text = "", .live = true,
		SAYS("The class that matching flows belong to.")},
	{OPTION_SECTION_MATCH, .name = "family", WORD(class_match, family, uint8_t),
		.def = FAMILY_COUNT, .max = FAMILY_COUNT, .word = family_word, .live = true,
		SAYS("IP version.")},
	{OPTION_SECTION_MATCH, .name = "protocol", .type = OPTION_TYPE_PROTOCOL,
		FIELD(class_match, protocol, uint8_t), .max = 255, .live = true,
		SAYS("tcp, udp, icmp ... or its number.")},
	{OPTION_SECTION_MATCH, .name = "port", .type = OPTION_TYPE_PORTS,
		FIELDS(class_match, port_first, port_last), .live = true,
		SAYS("Destination port or range, like 5000-5100. Needs a protocol that has "
		     "ports.")},
	{OPTION_SECTION_MATCH, .name = "dscp", .type = OPTION_TYPE_DSCP,
		FIELD(class_match, dscp, int16_t), .def = -1, .min = -1, .max = 63, .live = true,
		SAYS("EF, AF41, CS1 ... or a number.")},
	{OPTION_SECTION_MATCH, .name = "device", TEXT(DEVICE, class_match, device), .def_text = "",
		.live = true, SAYS("Device that the flow came in by.")},
	{OPTION_SECTION_MATCH, .name = "source", .type = OPTION_TYPE_PREFIX,
		FIELDS(class_match, source, source_bits), .live = true,
		SAYS("Address or network of the sender.")},
	{OPTION_SECTION_MATCH, .name = "destination", .type = OPTION_TYPE_PREFIX,
		FIELDS(class_match, destination, destination_bits), .live = true,
		SAYS("Address or network of the receiver.")},

	{OPTION_SECTION_TARGET, .name = "address", .type = OPTION_TYPE_ADDRESS,
		FIELD(option_target, target.address, uint8_t *), .live = true,
		SAYS("IP address, IPv4 or IPv6.")},
	{OPTION_SECTION_TARGET, .name = "method", .type = OPTION_TYPE_METHODS,
		FIELD(option_target, target.methods, uint8_t), .def_text = "icmp tcp dns",
		.max = PROBE_HTTP, .word = method_word, .live = true,
		SAYS("How it may be asked. tcp opens and at once resets a connection, dns "
		     "asks for a name, http asks for a page that is empty.")},
	{OPTION_SECTION_TARGET, .name = "tcp_port",
		INTEGER(option_target, target.tcp_port, uint16_t), .def = 443, .min = 1,
		.max = 65535, .live = true, SAYS("Port for method tcp.")},
};

static const struct option_section_info section_table[] = {
	[OPTION_SECTION_MAIN] = {"autonomy", "main", SAYS("The daemon as a whole.")},
	[OPTION_SECTION_DETECT] = {"detect", "detect", SAYS("How trouble is noticed.")},
	[OPTION_SECTION_FAILOVER] = {"failover", "failover", SAYS("When traffic moves.")},
	[OPTION_SECTION_STEER] = {"steer", "steer",
		SAYS("What is ours in the kernel. To be changed where something else uses the same "
		     "numbers.")},
	[OPTION_SECTION_DEFAULTS] = {"defaults", "defaults",
		SAYS("What holds for every link that does not say otherwise, also for links that "
		     "were "
		     "found.")},
	[OPTION_SECTION_LINK] = {"link", NULL,
		SAYS("One uplink, named by its section. A link needs a section only where the "
		     "guesses "
		     "are not right; the order of sections is the last tie-break.")},
	[OPTION_SECTION_CLASS] = {"class", NULL,
		SAYS("Traffic with needs of its own, named by its section. The class 'default' "
		     "always "
		     "exists and takes what no match picks out; three more are possible.")},
	[OPTION_SECTION_MATCH] = {"match", NULL,
		SAYS("Which flows belong to a class: those for which everything that is given "
		     "holds. "
		     "The first match counts.")},
	[OPTION_SECTION_TARGET] = {"target", NULL,
		SAYS("What is probed to find out whether the Internet is there. The first target "
		     "of a "
		     "family replaces all built-in ones of that family. Give at least three, of "
		     "different operators: then a target's own trouble is not taken for the "
		     "link's.")},
};
