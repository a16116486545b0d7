/* Numbers as a person reads them, by value: printf("%s", word_span(us).text) needs no buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	char text[32];
};

/* "0.4 ms", "8.1 ms", "140 ms", "1.3 s", "45 s", "12 min", "3 h 12 min", "5 d 3 h"; "for ever" for USEC_NEVER. */
struct word word_span(int64_t us);
/* Of 1,000,000: "0.2 %", "31 %"; "0.05 %" below a tenth. */
struct word word_percent(int64_t ppm);
/* "850 bit/s", "12.3 Mbit/s" */
struct word word_rate(int64_t bps);
/* "512 B", "4.8 MB"; powers of ten, as budgets and quotas are given */
struct word word_bytes(int64_t bytes);
/* Local time of a wall clock: "14:03:22" within 20 hours of now_wall_us, "2026-03-29 14:03" beyond. */
struct word word_clock(int64_t wall_us, int64_t now_wall_us);

/* A sentence in the making: appends to a caller's buffer and cuts at its end, at a character's boundary. */
struct words {
	char *text;
	size_t size, used;
};

void words_init(struct words *w, char *text, size_t size);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
void words_add(struct words *w, const char *format, ...);
