#include "ctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/*
 * Process-wide, as the terminal and signals are.  Signals only set a flag; they are blocked except in ppoll(), so none is
 * missed between looking at the flags and sleeping.
 */
static struct termios before;
static bool is_open;
static volatile sig_atomic_t resized, ended, stopped;
static sigset_t outside;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else if (number == SIGTSTP)
		stopped = 1;
	else
		ended = 1;
}

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGWINCH, SIGTSTP};

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
		sigaddset(&set, watched[i]);
		sigaction(watched[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, &outside);
}

static void put(const char *text)
{
	screen_write(text, strlen(text));
}

int screen_open(void)
{
	static bool registered;
	struct termios raw;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before))
		return -ENOTTY;
	if (!registered) {
		atexit(screen_close);
		catch_signals();
		registered = true;
	}
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw))
		return -errno;
	is_open = true;
	/* the other screen, no cursor, no wrapping at the right edge */
	put("\033[?1049h\033[?25l\033[?7l");
	return 0;
}

void screen_close(void)
{
	if (!is_open)
		return;
	is_open = false;
	put("\033[?7h\033[0m\033[?25h\033[?1049l");
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

int screen_number(const char *variable)
{
	const char *text = getenv(variable);
	long value = text ? strtol(text, NULL, 10) : 0;

	return value > 0 && value < 10000 ? (int)value : 0;
}

/* A serial line does not know its size: the shell's variables, or what terminals have had since 1978. */
void screen_size(int *ret_rows, int *ret_columns)
{
	struct winsize size = {.ws_row = 0};

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row ? size.ws_row : screen_number("LINES");
	*ret_columns = size.ws_col ? size.ws_col : screen_number("COLUMNS");
	if (*ret_rows < 1)
		*ret_rows = 24;
	if (*ret_columns < 1)
		*ret_columns = 80;
}

bool screen_unicode(void)
{
	const char *text = getenv("LC_ALL");

	if (!text || !*text)
		text = getenv("LC_CTYPE");
	if (!text || !*text)
		text = getenv("LANG");
	return text && (strcasestr(text, "utf-8") || strcasestr(text, "utf8"));
}

void screen_write(const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(STDOUT_FILENO, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		size -= (size_t)n;
	}
}

enum screen_signal screen_signal(void)
{
	if (ended)
		return SCREEN_SIGNAL_END;
	if (stopped) {
		stopped = 0;
		return SCREEN_SIGNAL_STOP;
	}
	if (resized) {
		resized = 0;
		return SCREEN_SIGNAL_RESIZE;
	}
	return SCREEN_SIGNAL_NONE;
}

void screen_suspend(void)
{
	raise(SIGSTOP);
}

int screen_wait(int socket, int timeout_ms)
{
	struct pollfd p[2] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = socket, .events = POLLIN},
	};
	struct timespec timeout = {.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000L};

	if (ended || resized || stopped)
		timeout = (struct timespec){0, 0};
	if (ppoll(p, 2, &timeout, &outside) <= 0)
		return 0;
	/* the terminal is gone: nobody is looking */
	if (p[0].revents & (POLLHUP | POLLERR))
		ended = 1;
	return (p[1].revents ? 1 : 0) | (p[0].revents & POLLIN ? 2 : 0);
}

int screen_key(void)
{
	unsigned char key;

	return read(STDIN_FILENO, &key, 1) == 1 ? key : -1;
}
