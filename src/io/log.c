#include "io/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 512

static struct {
	const char *name;
	int level;
	bool to_syslog, only_syslog;
} log_state = {.name = "autonomyd", .level = LOG_NOTICE};

/* A service manager's journal, to which syslog's lines go too. */
static bool stderr_is_journal(void)
{
	struct stat s;

	return fstat(STDERR_FILENO, &s) == 0 && S_ISSOCK(s.st_mode);
}

void log_open(const char *name, int level, bool to_syslog)
{
	log_state.name = name;
	log_state.level = level;
	log_state.to_syslog = to_syslog;
	log_state.only_syslog = to_syslog && stderr_is_journal();
	if (to_syslog)
		openlog(name, LOG_PID, LOG_DAEMON);
}

void log_set_level(int level)
{
	log_state.level = level;
}

int log_level(void)
{
	return log_state.level;
}

static const char *level_word(int level)
{
	switch (level) {
	case LOG_WARNING:
		return "warning: ";
	case LOG_NOTICE:
	case LOG_INFO:
		return "";
	case LOG_DEBUG:
		return "debug: ";
	default:
		return "error: ";
	}
}

void log_line(int level, const char *format, ...)
{
	char text[LINE_SIZE], line[LINE_SIZE + 64];
	va_list arguments;
	int size;

	if (level > log_state.level)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* what came from outside (names, kernel's words) must not forge lines */
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	if (log_state.to_syslog)
		syslog(level, "%s", text);
	if (log_state.only_syslog)
		return;
	size = snprintf(line, sizeof(line), "%s: %s%s\n", log_state.name, level_word(level), text);
	/* one write: lines of several processes do not mix; a lost log is no reason to stop */
	if (size > 0 && write(STDERR_FILENO, line, (size_t)size) < 0)
		return;
}
