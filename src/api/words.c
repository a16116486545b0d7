#include "api/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/usec.h"

#define CLOCK_NEAR_S INT64_C(72000)

#define WORD(...)                                                                                  \
	__extension__({                                                                            \
		struct word word_;                                                                 \
		snprintf(word_.text, sizeof(word_.text), __VA_ARGS__);                             \
		word_;                                                                             \
	})

/* One decimal below ten, none from there on; rounds half up. */
static struct word word_scaled(int64_t value, int64_t unit, const char *name)
{
	int64_t tenths = (value / unit) * 10 + ((value % unit) * 10 + unit / 2) / unit;

	if (tenths < 100 && tenths % 10)
		return WORD("%d.%d %s", (int)(tenths / 10), (int)(tenths % 10), name);
	return WORD("%lld %s", (long long)((tenths + 5) / 10), name);
}

static struct word word_two_units(int64_t us, int64_t unit, const char *name, int64_t part,
	const char *part_name)
{
	int64_t parts = us / part + (us % part >= part / 2), ratio = unit / part;

	if (parts % ratio == 0)
		return WORD("%lld %s", (long long)(parts / ratio), name);
	return WORD("%lld %s %d %s", (long long)(parts / ratio), name, (int)(parts % ratio),
		part_name);
}

struct word word_span(int64_t us)
{
	if (us == USEC_NEVER)
		return WORD("for ever");
	if (us < 0)
		return WORD("0 ms");
	if (us > 0 && us < USEC_MS / 10)
		return WORD("0.%02d ms", (int)((us + 5) / 10));
	if (us < USEC_S - USEC_MS / 2)
		return word_scaled(us, USEC_MS, "ms");
	if (us < USEC_MIN - USEC_S / 2)
		return word_scaled(us, USEC_S, "s");
	if (us < 10 * USEC_MIN)
		return word_two_units(us, USEC_MIN, "min", USEC_S, "s");
	if (us < USEC_H - USEC_MIN / 2)
		return word_scaled(us, USEC_MIN, "min");
	if (us < 2 * USEC_DAY)
		return word_two_units(us, USEC_H, "h", USEC_MIN, "min");
	return word_two_units(us, USEC_DAY, "d", USEC_H, "h");
}

struct word word_percent(int64_t ppm)
{
	if (ppm > 0 && ppm < 1000)
		return WORD("0.%02d %%", (int)((ppm + 50) / 100));
	if (ppm < 0)
		return WORD("0 %%");
	if (ppm < 100000)
		return word_scaled(ppm, 10000, "%");
	return WORD("%lld %%", (long long)((ppm + 5000) / 10000));
}

static struct word word_metric(int64_t value, const char *const name[4])
{
	if (value < 0)
		value = 0;
	if (value < 1000)
		return WORD("%d %s", (int)value, name[0]);
	if (value < 999500)
		return word_scaled(value, 1000, name[1]);
	if (value < 999500000)
		return word_scaled(value, 1000000, name[2]);
	return word_scaled(value, 1000000000, name[3]);
}

struct word word_rate(int64_t bps)
{
	static const char *const name[4] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s"};

	return word_metric(bps, name);
}

struct word word_bytes(int64_t bytes)
{
	static const char *const name[4] = {"B", "kB", "MB", "GB"};

	return word_metric(bytes, name);
}

struct word word_clock(int64_t wall_us, int64_t now_wall_us)
{
	time_t seconds = (time_t)(wall_us / USEC_S);
	bool near = wall_us / USEC_S - now_wall_us / USEC_S < CLOCK_NEAR_S &&
		    now_wall_us / USEC_S - wall_us / USEC_S < CLOCK_NEAR_S;
	struct word word = {"?"};
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(word.text, sizeof(word.text), near ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &tm);
	return word;
}

void words_init(struct words *w, char *text, size_t size)
{
	w->text = text;
	w->size = size;
	w->used = 0;
	text[0] = '\0';
}

void words_add(struct words *w, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(w->text + w->used, w->size - w->used, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n < w->size - w->used) {
		w->used += (size_t)n;
		return;
	}
	w->used = w->size - 1;
	/* half a UTF-8 character at the end would make the JSON around it invalid */
	while (w->used > 0 && ((unsigned char)w->text[w->used - 1] & 0xc0) == 0x80)
		w->used--;
	if (w->used > 0 && ((unsigned char)w->text[w->used - 1] & 0x80))
		w->used--;
	w->text[w->used] = '\0';
}
