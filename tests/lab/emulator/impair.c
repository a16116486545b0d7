#include "impair.h"

#include <string.h>

#define PPM 1000000
#define PPB 1000000000
#define NS_PER_US 1000
#define NS_PER_S 1000000000
#define US_PER_S 1000000
#define MILLI 1000
#define QUEUE_DEFAULT_US 100000

void impair_init(struct impair *impair, uint64_t seed)
{
	*impair = (struct impair){.random = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du};
	if (!impair->random)
		impair->random = 1;
	for (int i = 0; i < 8; i++)
		impair_random(impair, 2);
}

void impair_set_policy(struct impair *impair, const struct impair_policy *policy)
{
	if (policy->loss_ppm != impair->policy.loss_ppm ||
		policy->burst_milli != impair->policy.burst_milli)
		impair->in_burst = false;
	impair->policy = *policy;
}

/* xorshift64*, Vigna 2016 */
uint64_t impair_random(struct impair *impair, uint64_t limit)
{
	uint64_t x = impair->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	impair->random = x;
	return ((x * 0x2545f4914f6cdd1du) >> 32) * limit >> 32;
}

static bool chance_ppb(struct impair *impair, int64_t ppb)
{
	return ppb > 0 && (int64_t)impair_random(impair, PPB) < ppb;
}

static bool chance(struct impair *impair, int64_t ppm)
{
	return chance_ppb(impair, ppm * (PPB / PPM));
}

static bool filtered(const struct impair_policy *policy, const struct packet *packet)
{
	for (size_t i = 0; i < policy->n_filters; i++) {
		const struct impair_filter *filter = &policy->filters[i];

		if (filter->protocol != packet->protocol)
			continue;
		if (filter->port < 0 || filter->port == packet->source_port ||
			filter->port == packet->destination_port)
			return true;
	}
	return false;
}

/* The bucket of the destination, else the one that was idle for longest, emptied for it. */
static struct impair_bucket *find_bucket(struct impair *impair, const struct in6_addr *destination)
{
	struct impair_bucket *oldest = &impair->buckets[0];

	for (size_t i = 0; i < IMPAIR_BUCKETS; i++) {
		struct impair_bucket *bucket = &impair->buckets[i];

		if (memcmp(&bucket->destination, destination, sizeof(*destination)) == 0)
			return bucket;
		if (bucket->filled_us < oldest->filled_us)
			oldest = bucket;
	}
	*oldest = (struct impair_bucket){.destination = *destination};
	return oldest;
}

/* A token bucket that holds one second's worth. */
static bool icmp_exceeds(struct impair *impair, const struct packet *packet, int64_t now_us)
{
	int64_t full_milli = impair->policy.icmp_per_s * MILLI;
	struct impair_bucket *bucket;
	int64_t elapsed_us;

	if (!impair->policy.icmp_per_s || !packet->echo_request)
		return false;
	bucket = find_bucket(impair, &packet->destination);
	elapsed_us = now_us - bucket->filled_us;
	if (elapsed_us > US_PER_S)
		elapsed_us = US_PER_S;
	bucket->tokens_milli += elapsed_us * full_milli / US_PER_S;
	bucket->filled_us = now_us;
	if (bucket->tokens_milli > full_milli)
		bucket->tokens_milli = full_milli;
	if (bucket->tokens_milli < MILLI)
		return true;
	bucket->tokens_milli -= MILLI;
	return false;
}

/*
 * Gilbert's model: in a burst everything is lost.  A burst ends after each frame with probability
 * r = 1 / mean length; one starts with p = loss * r / (1 - loss), which makes p / (p + r) the loss.
 */
static bool burst_loss(struct impair *impair)
{
	const struct impair_policy *policy = &impair->policy;
	int64_t end_ppb = (int64_t)PPB * MILLI / policy->burst_milli;
	int64_t start_ppb;

	if (policy->loss_ppm >= PPM)
		return true;
	start_ppb = policy->loss_ppm * end_ppb / (PPM - policy->loss_ppm);
	if (impair->in_burst)
		impair->in_burst = !chance_ppb(impair, end_ppb);
	else
		impair->in_burst = chance_ppb(impair, start_ppb);
	return impair->in_burst;
}

static bool lost(struct impair *impair, const struct trace_point *playing)
{
	bool policy_lost;

	if (impair->policy.burst_milli && impair->policy.loss_ppm)
		policy_lost = burst_loss(impair);
	else
		policy_lost = chance(impair, impair->policy.loss_ppm);
	if (playing && chance(impair, trace_one_way_ppm(playing->loss_ppm)))
		return true;
	return policy_lost;
}

/*
 * A sender of rate_bps with a queue in front of it that drops what does not fit.  Returns false
 * for a drop, else when the last bit has left.
 */
static bool transmit(struct impair *impair, size_t frame_bytes, int64_t now_us,
	int64_t *ret_sent_us)
{
	const struct impair_policy *policy = &impair->policy;
	int64_t limit_ns = (policy->queue_us ? policy->queue_us : QUEUE_DEFAULT_US) * NS_PER_US;
	int64_t now_ns = now_us * NS_PER_US;
	int64_t start_ns;
	int64_t send_ns;

	if (!policy->rate_bps) {
		*ret_sent_us = now_us;
		return true;
	}
	if (policy->queue_bytes)
		limit_ns = policy->queue_bytes * 8 * NS_PER_S / policy->rate_bps;
	start_ns = impair->free_ns > now_ns ? impair->free_ns : now_ns;
	send_ns = (int64_t)frame_bytes * 8 * NS_PER_S / policy->rate_bps;
	if (start_ns > now_ns && start_ns + send_ns - now_ns > limit_ns)
		return false;
	impair->free_ns = start_ns + send_ns;
	*ret_sent_us = impair->free_ns / NS_PER_US;
	return true;
}

static int64_t travel_us(struct impair *impair, const struct trace_point *playing)
{
	int64_t delay_us = impair->policy.delay_us;
	int64_t jitter_us = impair->policy.jitter_us;

	if (playing && playing->rtt_us >= 0)
		delay_us = playing->rtt_us / 2;
	if (jitter_us)
		delay_us += (int64_t)impair_random(impair, 2 * (uint64_t)jitter_us + 1) - jitter_us;
	return delay_us > 0 ? delay_us : 0;
}

static enum drop forbidden(struct impair *impair, const struct packet *packet, int64_t now_us)
{
	const struct impair_policy *policy = &impair->policy;

	if (policy->blackhole)
		return DROP_BLACKHOLE;
	if ((policy->ipv4_dead && packet->family == 4) ||
		(policy->ipv6_dead && packet->family == 6))
		return DROP_FAMILY;
	if (filtered(policy, packet))
		return DROP_FILTER;
	if (policy->mtu_bytes && packet->ip_bytes > policy->mtu_bytes)
		return DROP_MTU;
	if (icmp_exceeds(impair, packet, now_us))
		return DROP_ICMP_RATE;
	return DROP_NONE;
}

struct verdict impair_judge(struct impair *impair, const struct packet *packet, size_t frame_bytes,
	const struct trace_point *playing, int64_t now_us)
{
	struct verdict verdict = {.drop = forbidden(impair, packet, now_us)};
	int64_t sent_us;

	if (verdict.drop)
		return verdict;
	if (lost(impair, playing)) {
		verdict.drop = DROP_LOSS;
		return verdict;
	}
	if (!transmit(impair, frame_bytes, now_us, &sent_us)) {
		verdict.drop = DROP_QUEUE;
		return verdict;
	}
	verdict.due_us = sent_us + travel_us(impair, playing);
	if (!impair->policy.reorder && verdict.due_us < impair->last_due_us)
		verdict.due_us = impair->last_due_us;
	if (verdict.due_us > impair->last_due_us)
		impair->last_due_us = verdict.due_us;
	verdict.duplicate = chance(impair, impair->policy.duplicate_ppm);
	verdict.corrupt = chance(impair, impair->policy.corrupt_ppm);
	return verdict;
}

const char *impair_drop_name(enum drop drop)
{
	static const char *const names[DROP_COUNT] = {
		[DROP_NONE] = "none",
		[DROP_BLACKHOLE] = "blackhole",
		[DROP_UPSTREAM] = "upstream",
		[DROP_DEAD_HOST] = "dead_host",
		[DROP_FAMILY] = "family",
		[DROP_FILTER] = "filter",
		[DROP_MTU] = "mtu",
		[DROP_ICMP_RATE] = "icmp_rate",
		[DROP_LOSS] = "loss",
		[DROP_QUEUE] = "queue",
		[DROP_DEVICE] = "device",
		[DROP_MEMORY] = "memory",
	};

	return names[drop];
}
