/*
 * One path: what the kernel says of it, what its probes say, and the health that follows.  path.c is the only writer
 * of health.
 *
 *   ABSENT <-> DOWN <-> UNKNOWN --answer--> UP <--> DEGRADED      (needs, DNS, web, portal, MTU: judged in assess.c)
 *                          |                | \        |
 *                          |         silence|  answer  | silence
 *                          |                v     |    v
 *                          +--silence---> SUSPECT-+  SUSPECT
 *                          v                |
 *                         DEAD <--test------+
 *                          |  ^
 *                    answer|  |misses
 *                          v  |
 *                       RECOVERING --enough answers--> UP
 *
 * The test (is it dead?) is sequential: every probe that stays unanswered, and every user's packet whose answer is
 * overdue, adds the logarithm of how much likelier that is on a dead line than on this line with its usual loss and
 * burstiness.  Dead is: enough evidence (a false alarm a year at the most), at least three probes, and a silence longer
 * than this line's learned patience.
 */
#pragma once

#include "core/baseline.h"
#include "core/budget.h"
#include "core/forecast.h"
#include "core/passive.h"
#include "core/service.h"
#include "core/step.h"
#include "core/trouble.h"
#include "core/window.h"

enum suspicion {
	SUSPICION_NONE,
	SUSPICION_CHECK, /* one miss: a few probes ask whether it was chance */
	SUSPICION_BURST, /* they, or the users' packets, were not answered either */
};

struct path {
	uint8_t index;
	bool wanted; /* in the policy, enabled, family in use */
	struct path_facts facts;
	enum health health;
	int64_t health_since_us;
	enum health trusted_health; /* while SUSPECT: what it was before */
	enum verdict verdict;

	struct window window;
	struct baseline baseline;

	/* is it dead? */
	enum suspicion suspicion;
	int64_t suspect_us;  /* when the suspicion arose */
	int64_t alive_us;    /* send time of the newest probe that was answered; 0: none yet */
	int64_t answered_us; /* arrival of the newest answer */
	int64_t slowest_us; /* longest round trip of late, for what our own traffic does to the line */
	int64_t slowest_at_us; /* its arrival */
	int64_t silent_us; /* send time of the oldest thing unanswered since alive_us; 0: none */
	int64_t evidence;  /* of death, NAT fixed point, probes only */
	uint32_t misses;   /* unanswered probes since alive_us */
	int64_t gateway_alive_us; /* send time of the newest answered neighbour probe */
	int64_t gateway_asked_us;
	int64_t trusted_us; /* since when it has been UP without a break; 0: it is not */
	uint8_t recovery;   /* answers while RECOVERING */
	uint8_t recovery_misses;
	bool died; /* the present silence has been counted as a death already */

	uint32_t learned_next; /* probes before it have been learned from */
	uint32_t row;          /* lost in a row, up to there */
	int64_t row_us;        /* when the first of them was sent */
	int64_t died_us; /* first unanswered probe of the silence last called death; 0: none */

	/* is it bad? written by assess.c */
	int64_t assess_us;         /* next assessment */
	int64_t examine_until_us;  /* probed densely until then */
	int64_t examined_us;       /* when the last one began; 0: never */
	int64_t rtt_us, jitter_us; /* -1: not known */
	int64_t loss_ppm;          /* -1: not known */
	uint8_t score[CLASSES_MAX];
	bool bad[CLASSES_MAX];        /* the class's needs are not met, beyond doubt */
	int64_t bad_us[CLASSES_MAX];  /* since when the score has been too low; 0: it is not */
	int64_t good_us[CLASSES_MAX]; /* since when it has been good enough again; 0: it is not */
	int64_t borne_us;             /* that long for class 0, weighed by how bad it was */
	int64_t bore_us;              /* when that was brought up to date */
	bool congested;
	bool queueing; /* our own traffic fills, or has just filled, a queue; written by path_judge() */
	bool troubled;          /* class 0's needs are not met, and that is hardly chance */
	struct trouble trouble; /* with silences and with the needs of class 0 */
	struct service_state service[SERVICE_COUNT];
	uint8_t check_mode; /* what decided how often they are checked; written by probing.c */

	/* will it be? written by predict.c */
	struct hazard hazard;
	struct forecast forecast;
	int64_t predict_us;      /* next look */
	int64_t doomed_until_us; /* better left alone until then */
	uint32_t predicted_next; /* probes before it have been looked at */

	/* fitness of probe targets on this path: misses in a row while others answered */
	uint8_t unfit[TARGETS_MAX][PROBE_METHOD_COUNT];
	bool answered_once; /* by any target */
	int64_t refit_us;   /* next time the unfit ones get another chance */

	/* what to send when, written by probing.c */
	int64_t heartbeat_us; /* next heartbeat */
	int64_t heartbeat_interval_us;
	int64_t in_use_us;    /* since when it carries traffic; 0: it does not */
	int64_t round_us;     /* next round of whatever the health calls for */
	uint16_t rounds;      /* since that began */
	uint8_t turn;         /* rotates targets and methods */
	bool confirm;         /* a fresh burst is asked for */
	int64_t confirmed_us; /* when it was sent */
	int64_t fresh_us;     /* no heartbeat out of turn before this time */

	/* failback, written by choice.c */
	int64_t hold_us;     /* as learned */
	int64_t left_us;     /* when traffic last left it for its own fault; 0: never */
	int64_t returned_us; /* when traffic last came back */
	uint16_t relapses;

	uint32_t sent, answered, late;
	int64_t outage_at_us; /* announced; 0: none */
};

#define PATH_UNFIT 4 /* misses in a row that make a target and method unfit */

void path_init(struct path *p, unsigned index, const struct policy *policy);

/* The set of targets is another one: what was known of each is not. */
void path_forget_targets(struct path *p);

/* The link's policy has changed; wanted as in the struct. */
void path_set_wanted(struct path *p, const struct step_env *env, bool wanted);
void path_set_facts(struct path *p, const struct step_env *env, const struct path_facts *facts);

/* Facts and policy allow traffic. */
bool path_usable(const struct path *p);

/* A probe ended.  passive is its link's. */
void path_sample(struct path *p, const struct step_env *env, const struct input_sample *s,
	struct passive *passive);

/* Time-outs, and the test.  active: it carries traffic. */
void path_judge(struct path *p, const struct step_env *env, struct passive *passive, bool active);

/* Something else makes it suspect: users' packets unanswered, a hint, a sibling's death. */
void path_suspect(struct path *p, const struct step_env *env, enum suspicion suspicion);

/* When path_judge() has something to say next; USEC_NEVER: not by time. */
int64_t path_due_us(const struct path *p, const struct step_env *env,
	const struct passive *passive);

/* Its services or needs changed: UP <-> DEGRADED. */
void path_requalify(struct path *p, const struct step_env *env);

/* Evidence that is enough, NAT fixed point. */
int64_t path_evidence_limit(const struct policy *policy);

/* Walks the set bits of a mask of paths or links, lowest first: path_each(i, mask) { ... } */
#define path_each(i, mask)                                                                         \
	for (uint32_t i##_rest = (mask), i;                                                        \
		i##_rest && (i = (uint32_t)__builtin_ctz(i##_rest), true);                         \
		i##_rest &= i##_rest - 1)

static inline bool path_answers(const struct path *p)
{
	return p->health == HEALTH_UP || p->health == HEALTH_DEGRADED ||
	       p->health == HEALTH_RECOVERING;
}
