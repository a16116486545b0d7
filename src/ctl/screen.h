/* The terminal: taken over in screen_open(), given back as it was in screen_close(), whatever ends the program. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 0, or -ENOTTY when standard input or output is no terminal. */
int screen_open(void);
void screen_close(void);
void screen_size(int *ret_rows, int *ret_columns);
/* A number in the environment, 0 when there is none. */
int screen_number(const char *variable);
bool screen_unicode(void); /* by the locale's variables */
void screen_write(const char *data, size_t size);

/* What a signal has asked for since the last call. */
enum screen_signal {
	SCREEN_SIGNAL_NONE,
	SCREEN_SIGNAL_RESIZE,
	SCREEN_SIGNAL_END,
	SCREEN_SIGNAL_STOP, /* ^Z: close, screen_suspend(), open */
};
enum screen_signal screen_signal(void);
void screen_suspend(void);

/* Waits for the socket (-1: none), a key or a signal.  Returns a bit mask: 1 socket, 2 key. */
int screen_wait(int socket, int timeout_ms);
int screen_key(void); /* -1: none */
