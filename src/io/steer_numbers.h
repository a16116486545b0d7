/* Where our objects live in the kernel: ids, tables, priorities and mark bits, all derived
   from the configuration. */
#pragma once

#include "config/config.h"

#define STEER_LINK_BITS 5    /* LINKS_MAX marks, and 0 for none */
#define STEER_CLASS_BITS 2   /* CLASSES_MAX - 1 marks, and 0 for class 0 */
#define STEER_GROUP_FIRST 64 /* of nexthop ids and tables: paths below, classes from here */
#define STEER_RULE_MAIN 100
#define STEER_RULE_CLASS 200
#define STEER_RULE_REDIRECT 210 /* and up to 60 more */
#define STEER_REDIRECT_SPAN 61
#define STEER_REDIRECTS_MAX 32 /* in a family */
#define STEER_NUMBERS_SPAN 128 /* ids and tables from their base on */
#define STEER_RULES_SPAN 300   /* priorities from rule_base on */
#define STEER_METRIC 1         /* of our default routes; IPv6 has no 0 */

struct steer_numbers {
	uint32_t table_base, rule_base, nexthop_base;
	uint32_t link_mask, class_mask; /* class_mask 0: mark_mask has no room for classes */
	uint32_t foreign_mask;          /* class 0 takes only what has none of these bits */
	uint8_t link_shift, class_shift;
	uint8_t protocol;
};

static inline struct steer_numbers steer_numbers(const struct config *config)
{
	unsigned shift = config->mark_mask ? (unsigned)__builtin_ctz(config->mark_mask) : 0;
	uint32_t links = ((UINT32_C(1) << STEER_LINK_BITS) - 1) << shift;
	uint32_t above = config->mark_mask & ~links;
	unsigned class_shift = above ? (unsigned)__builtin_ctz(above) : 0;
	uint32_t classes = above & (((UINT32_C(1) << STEER_CLASS_BITS) - 1) << class_shift);

	return (struct steer_numbers){
		.table_base = config->table_base,
		.rule_base = config->rule_base,
		.nexthop_base = config->nexthop_base,
		.link_mask = links & config->mark_mask,
		.class_mask = __builtin_popcount(classes) == STEER_CLASS_BITS ? classes : 0,
		.foreign_mask = config->foreign_mask,
		.link_shift = (uint8_t)shift,
		.class_shift = (uint8_t)class_shift,
		.protocol = config->protocol,
	};
}

static inline uint32_t steer_link_mark(const struct steer_numbers *n, unsigned link)
{
	return ((uint32_t)link + 1) << n->link_shift;
}

static inline uint32_t steer_class_mark(const struct steer_numbers *n, unsigned class)
{
	return (uint32_t) class << n->class_shift;
}

static inline uint32_t steer_path_nexthop(const struct steer_numbers *n, unsigned path)
{
	return n->nexthop_base + 1 + path;
}

static inline uint32_t steer_group_nexthop(const struct steer_numbers *n, unsigned class,
	enum family family)
{
	return n->nexthop_base + STEER_GROUP_FIRST + class * FAMILY_COUNT + (unsigned)family;
}

static inline uint32_t steer_link_table(const struct steer_numbers *n, unsigned link)
{
	return n->table_base + 1 + link;
}

static inline uint32_t steer_class_table(const struct steer_numbers *n, unsigned class)
{
	return n->table_base + STEER_GROUP_FIRST + class;
}
