#include "core/fields.h"

#include <errno.h>

#include "base/usec.h"

#define ANY_U8 UINT8_MAX
#define ANY_U16 UINT16_MAX
#define ANY_U32 UINT32_MAX
#define ANY_U64 UINT64_MAX

static void any_i64(struct pack *p, int64_t *v)
{
	pack_i64(p, v, INT64_MIN, INT64_MAX);
}

static void any_i32(struct pack *p, int32_t *v)
{
	pack_i32(p, v, INT32_MIN, INT32_MAX);
}

/* A length of time or an amount: never negative. */
static void amount(struct pack *p, int64_t *v)
{
	pack_i64(p, v, 0, INT64_MAX);
}

static void link_policy(struct pack *p, struct link_policy *v)
{
	pack_text(p, v->name, sizeof(v->name));
	pack_text(p, v->device, sizeof(v->device));
	pack_bool(p, &v->enabled);
	pack_bool(p, &v->metered);
	pack_bool(p, &v->shared);
	PACK_ENUM(p, v->kind, LINK_KIND_COUNT);
	any_i32(p, &v->preference);
	pack_u16(p, &v->order, ANY_U16);
	pack_u16(p, &v->weight, ANY_U16);
	amount(p, &v->budget_bytes);
	amount(p, &v->quota_bytes);
	amount(p, &v->heartbeat_us);
	amount(p, &v->hold_us);
	amount(p, &v->hold_max_us);
}

static void class_policy(struct pack *p, struct class_policy *v)
{
	pack_text(p, v->name, sizeof(v->name));
	PACK_ENUM(p, v->need, CLASS_NEED_COUNT);
	pack_u8(p, &v->min_score, 100);
	pack_bool(p, &v->balance);
	pack_u32(p, &v->links, ANY_U32);
}

static void target(struct pack *p, struct target *v)
{
	pack_bytes(p, v->address, sizeof(v->address));
	pack_u16(p, &v->tcp_port, ANY_U16);
	pack_u8(p, &v->methods, (1U << PROBE_METHOD_COUNT) - 1);
}

void fields_policy(struct pack *p, struct policy *v)
{
	uint8_t at_least_one = (uint8_t)(v->n_classes - 1);

	for (unsigned i = 0; i < LINKS_MAX; i++)
		link_policy(p, &v->link[i]);
	pack_u32(p, &v->links, (1U << LINKS_MAX) - 1);
	for (unsigned i = 0; i < CLASSES_MAX; i++)
		class_policy(p, &v->class[i]);
	pack_u8(p, &at_least_one, CLASSES_MAX - 1);
	v->n_classes = (uint8_t)(at_least_one + 1);
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		for (unsigned i = 0; i < TARGETS_MAX; i++)
			target(p, &v->target[f][i]);
		pack_u8(p, &v->n_targets[f], TARGETS_MAX);
	}
	pack_bool(p, &v->observe);
	pack_bool(p, &v->ipv6);
	amount(p, &v->false_switch_period_us);
	amount(p, &v->timeout_floor_us);
	amount(p, &v->timeout_max_us);
	amount(p, &v->burst_us);
	amount(p, &v->counters_us);
	amount(p, &v->heartbeat_active_us);
	amount(p, &v->heartbeat_standby_us);
	amount(p, &v->switch_cost_us);
	amount(p, &v->bad_hold_us);
	amount(p, &v->unsteady_us);
	amount(p, &v->canary_us);
	pack_bool(p, &v->dns_matters);
	pack_bool(p, &v->move_flows_on_failback);
	PACK_ENUM(p, v->prediction, PREDICTION_COUNT);
	PACK_ENUM(p, v->horizon, HORIZON_COUNT);
}

static void path_facts(struct pack *p, struct path_facts *v)
{
	pack_bool(p, &v->present);
	pack_bool(p, &v->carrier);
	pack_bool(p, &v->has_address);
	pack_bool(p, &v->has_gateway);
	pack_bytes(p, v->address, sizeof(v->address));
	pack_bytes(p, v->gateway, sizeof(v->gateway));
	pack_u32(p, &v->ifindex, ANY_U32);
	pack_u32(p, &v->mtu, ANY_U32);
	pack_u32(p, &v->metric, ANY_U32);
}

static void sample(struct pack *p, struct input_sample *v)
{
	pack_u8(p, &v->path, PATHS_MAX - 1);
	pack_u8(p, &v->outcome, SAMPLE_OUTCOME_COUNT - 1);
	pack_u8(p, &v->detail, ANY_U8);
	pack_u32(p, &v->probe, ANY_U32);
	pack_u32(p, &v->rtt_us, ANY_U32);
	any_i32(p, &v->error);
}

static void counters(struct pack *p, struct input_counters *v)
{
	pack_u8(p, &v->link, LINKS_MAX - 1);
	pack_u64(p, &v->tx_packets, ANY_U64);
	pack_u64(p, &v->rx_packets, ANY_U64);
	pack_u64(p, &v->tx_bytes, ANY_U64);
	pack_u64(p, &v->rx_bytes, ANY_U64);
	/* where this is the end, as always in version 2, families are not known apart */
	if (pack_reading(p) ? p->at == p->size : !v->apart)
		return;
	pack_bool(p, &v->apart);
	if (!p->error && !v->apart)
		p->error = -ERANGE; /* then there would be nothing */
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		pack_u64(p, &v->tx_of[f], ANY_U64);
		pack_u64(p, &v->rx_of[f], ANY_U64);
	}
}

static void command(struct pack *p, struct input_command *v)
{
	pack_u8(p, &v->verb, COMMAND_VERB_COUNT - 1);
	pack_u8(p, &v->class, CLASSES_MAX);
	pack_u8(p, &v->link, LINKS_MAX);
	any_i64(p, &v->expires_us);
}

static void drift(struct pack *p, struct input_drift *v)
{
	pack_u8(p, &v->kind, DRIFT_FLOWS);
	pack_u8(p, &v->path, PATHS_MAX - 1);
	pack_u8(p, &v->class, CLASSES_MAX - 1);
	pack_u8(p, &v->family, FAMILY_COUNT - 1);
}

static void spells(struct pack *p, struct spells *v)
{
	for (unsigned i = 0; i < LEARNED_SPELLS; i++)
		pack_u16(p, &v->ended[i], ANY_U16);
	pack_u16(p, &v->lasting, ANY_U16);
}

void fields_learned(struct pack *p, struct path_learned *v)
{
	any_i64(p, &v->rtt_us);
	any_i64(p, &v->rtt_var_us);
	pack_u32(p, &v->loss_ppm, 1000000);
	pack_u32(p, &v->burst_ppm, 1000000);
	pack_u32(p, &v->rx_per_tx_ppm, ANY_U32);
	spells(p, &v->silence);
	spells(p, &v->bad);
	pack_u16(p, &v->relapses, ANY_U16);
	amount(p, &v->hold_us);
	amount(p, &v->trouble_us);
	amount(p, &v->watched_us);
	pack_u32(p, &v->outages, ANY_U32);
	pack_u32(p, &v->outages_time, ANY_U32);
	for (unsigned h = 0; h < HAZARD_HORIZONS; h++) {
		struct forecast_learned *f = &v->forecast[h];

		pack_u32(p, &f->n, ANY_U32);
		pack_u32(p, &f->happened, ANY_U32);
		pack_u32(p, &f->onsets, ANY_U32);
		pack_u32(p, &f->said_ppm, ANY_U32);
		pack_u32(p, &f->brier_ppb, ANY_U32);
		pack_u32(p, &f->climate_ppb, ANY_U32);
	}
}

static void read_or_write_policy(struct pack *p, struct input *v, struct policy *policy)
{
	if (!pack_reading(p)) {
		/* a walk may store what it has just read, and the caller's policy may be const */
		struct policy copy = *v->policy;

		fields_policy(p, &copy);
		return;
	}
	*policy = (struct policy){0};
	fields_policy(p, policy);
	v->policy = policy;
}

static void input_path(struct pack *p, struct input *v)
{
	pack_u8(p, &v->path.path, PATHS_MAX - 1);
	path_facts(p, &v->path.facts);
}

static void hint(struct pack *p, struct input_hint *v)
{
	pack_u8(p, &v->link, LINKS_MAX - 1);
	pack_u8(p, &v->kind, HINT_KIND_COUNT - 1);
	any_i64(p, &v->value);
}

static void applied(struct pack *p, struct input_applied *v)
{
	pack_u32(p, &v->action, ANY_U32);
	any_i32(p, &v->error);
	pack_u32(p, &v->took_us, ANY_U32);
}

static void adopted(struct pack *p, struct input_adopted *v)
{
	pack_u8(p, &v->class, CLASSES_MAX - 1);
	pack_u8(p, &v->family, FAMILY_COUNT - 1);
	pack_u8(p, &v->path, PATHS_MAX - 1);
}

void fields_input(struct pack *p, struct input *v, struct policy *policy)
{
	PACK_ENUM(p, v->kind, INPUT_KIND_COUNT);
	if (p->error)
		return;
	switch (v->kind) {
	case INPUT_TICK:
	case INPUT_KIND_COUNT:
		break;
	case INPUT_POLICY:
		read_or_write_policy(p, v, policy);
		break;
	case INPUT_PATH:
		input_path(p, v);
		break;
	case INPUT_SAMPLE:
		sample(p, &v->sample);
		break;
	case INPUT_COUNTERS:
		counters(p, &v->counters);
		break;
	case INPUT_HINT:
		hint(p, &v->hint);
		break;
	case INPUT_COMMAND:
		command(p, &v->command);
		break;
	case INPUT_APPLIED:
		applied(p, &v->applied);
		break;
	case INPUT_DRIFT:
		drift(p, &v->drift);
		break;
	case INPUT_LEARNED:
		pack_u8(p, &v->learned.path, PATHS_MAX - 1);
		fields_learned(p, &v->learned.learned);
		break;
	case INPUT_ADOPTED:
		adopted(p, &v->adopted);
		break;
	}
}

static void action_probe(struct pack *p, struct action_probe *v)
{
	pack_u32(p, &v->probe, ANY_U32);
	pack_u8(p, &v->path, PATHS_MAX - 1);
	pack_u8(p, &v->method, PROBE_METHOD_COUNT - 1);
	pack_u8(p, &v->target, ANY_U8);
	pack_u16(p, &v->tcp_port, ANY_U16);
	pack_u16(p, &v->size, ANY_U16);
	pack_bytes(p, v->address, sizeof(v->address));
}

static void action_route(struct pack *p, struct action_route *v)
{
	pack_u8(p, &v->class, CLASSES_MAX - 1);
	pack_u8(p, &v->family, FAMILY_COUNT - 1);
	pack_u8(p, &v->n, ROUTE_PATHS_MAX);
	for (unsigned i = 0; !p->error && i < v->n; i++) {
		pack_u8(p, &v->path[i], PATHS_MAX - 1);
		pack_u8(p, &v->weight[i], ANY_U8);
	}
}

/* One number, so that version 2 can be read as well. */
static void action_count(struct pack *p, struct action *v)
{
	uint32_t both = v->count.links | v->count.apart << LINKS_MAX;

	pack_u32(p, &both, ANY_U32);
	v->count.links = both & ((UINT32_C(1) << LINKS_MAX) - 1);
	v->count.apart = both >> LINKS_MAX;
}

void fields_action(struct pack *p, struct action *v)
{
	PACK_ENUM(p, v->kind, ACTION_KIND_COUNT);
	pack_u32(p, &v->seq, ANY_U32);
	if (p->error)
		return;
	switch (v->kind) {
	case ACTION_PROBE:
		action_probe(p, &v->probe);
		break;
	case ACTION_COUNT:
		action_count(p, v);
		break;
	case ACTION_PATH:
		pack_u8(p, &v->path.path, PATHS_MAX - 1);
		pack_bool(p, &v->path.install);
		path_facts(p, &v->path.facts);
		break;
	case ACTION_ROUTE:
		action_route(p, &v->route);
		break;
	case ACTION_FLOWS:
		pack_u8(p, &v->flows.path, PATHS_MAX - 1);
		pack_u8(p, &v->flows.class, CLASSES_MAX);
		break;
	case ACTION_RELEASE:
	case ACTION_KIND_COUNT:
		break;
	}
}

void fields_event(struct pack *p, struct event *v)
{
	PACK_ENUM(p, v->kind, EVENT_KIND_COUNT);
	any_i64(p, &v->at_us);
	pack_u8(p, &v->path, PATHS_MAX);
	pack_u8(p, &v->class, CLASSES_MAX);
	pack_u8(p, &v->from, ANY_U8);
	pack_u8(p, &v->to, ANY_U8);
	pack_u8(p, &v->verdict, VERDICT_COUNT - 1);
	pack_u8(p, &v->step, STEP_COUNT - 1);
	for (unsigned i = 0; i < EVENT_VALUES; i++)
		any_i64(p, &v->value[i]);
	any_i64(p, &v->limit_us);
}
