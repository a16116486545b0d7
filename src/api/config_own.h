/* What the commands about the configuration share. */
#pragma once

#include "api/request.h"

/* A candidate and what was said of it; some 20 kB, so it lives on the heap for the length of a call. */
struct candidate {
	struct config config;
	struct config_problems problems;
};

/* These return 0, or -1 with ret_error filled. */

/* The daemon's file, locked; uci_store_close() in every case but an error. */
int config_open_store(struct api *api, struct api_error *ret_error);

/* A whole file, or one that may be rolled back, cannot take in what somebody else has not finished. */
int config_need_nothing_staged(const struct api *api, struct api_error *ret_error);

/* Hands the candidate to the daemon and frees it.  ret_result: what changed. */
int config_use(struct api *api, struct candidate *c, struct json_object **ret_result,
	struct api_error *ret_error);

/*
 * The text of the candidate becomes the file, which the store has open, and is used; c is freed.  Always with the old
 * file kept: the daemon may still refuse what was read without mistake.
 */
int config_put_in_place(struct api *api, const char *text, size_t size, struct candidate *c,
	const struct argument_value *confirm, struct json_object **ret_result,
	struct api_error *ret_error);
