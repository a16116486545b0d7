#include "replay/tracefile.h"

#include <errno.h>
#include <string.h>

static const char *meaning(int error)
{
	return error == -EPROTONOSUPPORT ? "a trace of another version"
	       : error == -ENODATA       ? "the file is cut off here"
					 : "not a trace, or damaged";
}

static void damaged(struct tracefile *t, const char *text)
{
	t->exact = false;
	t->blocks_damaged++;
	if (t->complain)
		t->complain(t->user, t->offset, text);
}

/* Fills the buffer; at the end of the file, or where it cannot be read further (said), it stays. */
static void refill(struct tracefile *t)
{
	int n, code;

	memmove(t->buffer, t->buffer + t->at, t->have - t->at);
	t->have -= t->at;
	t->at = 0;
	n = gzread(t->in, t->buffer + t->have, (unsigned)(sizeof(t->buffer) - t->have));
	if (n < 0) {
		const char *why = gzerror(t->in, &code);

		damaged(t, code == Z_BUF_ERROR ? "the gzip file is cut off" : why);
		return;
	}
	t->have += (size_t)n;
}

static void skip(struct tracefile *t, size_t n)
{
	t->at += n;
	t->offset += n;
}

int tracefile_open(struct tracefile *t, const char *file, struct problem *ret)
{
	int error;

	t->file = file;
	t->in = gzopen(file, "rb");
	if (!t->in) {
		error = errno ? errno : ENOMEM;
		problem_set(ret, file, 0, "cannot open: %s", strerror(error));
		return -error;
	}
	gzbuffer(t->in, 1 << 16);
	t->have = t->at = 0;
	t->offset = t->blocks_damaged = t->state_bytes = 0;
	t->next_block = 0;
	t->in_block = t->begun = false;
	t->exact = true;
	refill(t);
	error = trace_header_decode(t->buffer, t->have, &t->header);
	if (error) {
		problem_set(ret, file, 0, "at byte 0: %s", meaning(error));
		gzclose(t->in);
		return error;
	}
	skip(t, TRACE_HEADER_SIZE);
	return 0;
}

/* Goes on at the next place that may be the begin of a block. */
static void resume_after_damage(struct tracefile *t, int error)
{
	if (t->exact || !t->blocks_damaged)
		damaged(t, meaning(error));
	else
		t->blocks_damaged++;
	do
		skip(t, 1);
	while (t->at + 4 <= t->have && memcmp(t->buffer + t->at, "ATB1", 4));
}

/* 1: a block is open; 0: the end. */
static int next_block(struct tracefile *t)
{
	for (;;) {
		int error;

		if (t->have - t->at < TRACE_BLOCK_SIZE)
			refill(t);
		if (t->at == t->have)
			return 0;
		error = trace_reader_open(&t->reader, t->buffer + t->at, t->have - t->at);
		if (!error)
			break;
		if (error == -ENODATA) {
			damaged(t, meaning(error));
			t->at = t->have;
			return 0;
		}
		resume_after_damage(t, error);
	}
	if (t->reader.number != t->next_block)
		t->exact = false;
	t->next_block = t->reader.number + 1;
	return 1;
}

int tracefile_next(struct tracefile *t, struct trace_record *ret)
{
	for (;;) {
		int got;

		if (!t->in_block && !next_block(t))
			return 0;
		t->in_block = true;
		got = trace_reader_next(&t->reader, ret);
		if (got > 0) {
			t->begun |= ret->kind == TRACE_INPUT;
			return 1;
		}
		if (got < 0)
			damaged(t, meaning(got));
		skip(t, t->reader.size);
		t->in_block = false;
	}
}

void tracefile_take_state(struct tracefile *t, const struct trace_record *rec,
	struct engine *engine)
{
	if (t->begun || rec->state.total != engine_size() ||
		t->header.engine != trace_engine_tag(engine_size()) ||
		rec->state.offset != t->state_bytes) {
		t->exact = false;
		return;
	}
	memcpy((uint8_t *)engine + rec->state.offset, rec->state.bytes, rec->state.size);
	t->state_bytes += rec->state.size;
	/* half an engine is none */
	t->exact = t->state_bytes == rec->state.total;
}

void tracefile_close(struct tracefile *t)
{
	gzclose(t->in);
}
