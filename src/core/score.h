/*
 * Experience of a path, 0..100, as in docs/decision.md.  Voice: the rating R of ITU-T G.107 with the loss term of
 * G.711 with concealment (G.113 Appendix I: Ie 0, Bpl 25.1) and Id of its delay curve.
 */
#pragma once

#include <stdint.h>

#include "core/policy.h"

/* rtt_us < 0: not known, counts as no delay; jitter_us < 0 likewise; loss_ppm 0..1000000. */
uint8_t score_path(enum class_need need, int64_t rtt_us, int64_t jitter_us, uint32_t loss_ppm);
