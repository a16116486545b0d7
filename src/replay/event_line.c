#include "replay/event_line.h"

#include <inttypes.h>

#include "core/names.h"

/* All that is printed are numbers and words of our own, so nothing needs quoting. */
void event_line_print(FILE *to, const struct event *e)
{
	fprintf(to, "{\"t_s\": %.6f, \"kind\": \"%s\"", (double)e->at_us / 1e6,
		event_kind_name(e->kind));
	if (e->path < PATHS_MAX)
		fprintf(to, ", \"path\": %u", e->path);
	if (e->class < CLASSES_MAX)
		fprintf(to, ", \"class\": %u", e->class);
	if (e->kind == EVENT_HEALTH)
		fprintf(to, ", \"from\": \"%s\", \"to\": \"%s\"", health_name((enum health)e->from),
			health_name((enum health)e->to));
	else
		fprintf(to, ", \"from\": %u, \"to\": %u", e->from, e->to);
	fprintf(to, ", \"verdict\": \"%s\", \"step\": \"%s\", \"value\": [%" PRId64,
		verdict_name((enum verdict)e->verdict), step_name((enum step)e->step), e->value[0]);
	for (unsigned i = 1; i < EVENT_VALUES; i++)
		fprintf(to, ", %" PRId64, e->value[i]);
	fputs("]}\n", to);
}
