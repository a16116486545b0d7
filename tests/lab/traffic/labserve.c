/*
 * labserve: the servers of the lab's Internet, all in one process, on every address of its network
 * namespace.
 *
 *   7/udp     echo; a record (record.h) comes back completed
 *   7/tcp     echo; a connection that starts with a record is one of records
 *   9/tcp     discard
 *   19/tcp    sends zeros as fast as they are taken
 *   53        DNS over UDP and TCP: any name has A 192.0.2.1 and AAAA 2001:db8::1
 *   80/tcp    HTTP for any host: /generate_204 is 204, anything else 200
 *   443/tcp   accepts, and closes once something is said
 *
 * With "portal" as argument it is a captive portal instead: HTTP on PORTAL_PORT that redirects.
 */
#include "../loop.h"
#include "record.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTAL_PORT 8088
#define PRIORITY 10
#define BATCH 32
#define DATAGRAM_MAX 2048
#define BUFFER_BYTES 4096
#define DNS_HEADER_BYTES 12
#define DNS_TYPE_A 1
#define DNS_TYPE_AAAA 28

enum service {
	SERVICE_ECHO,
	SERVICE_DISCARD,
	SERVICE_ZEROS,
	SERVICE_DNS,
	SERVICE_HTTP,
	SERVICE_TLS,
	SERVICE_PORTAL,
};

struct socket_watch {
	struct watch watch; /* first member */
	enum service service;
};

enum stream_kind { STREAM_UNDECIDED, STREAM_PLAIN, STREAM_RECORDS };

struct connection {
	struct watch watch; /* first member */
	enum service service;
	enum stream_kind kind;
	struct sockaddr_in6 peer;
	uint8_t in[BUFFER_BYTES];
	size_t n_in;
	uint8_t out[BUFFER_BYTES]; /* what the peer has not taken yet */
	size_t n_out;
	bool closing; /* close once out is empty */
	struct connection *next;
	struct connection *previous;
};

static struct loop loop;
static struct connection *connections;
static volatile sig_atomic_t stop_asked;

static const struct {
	enum service service;
	int type;
	uint16_t port;
} internet[] = {
	{SERVICE_ECHO, SOCK_DGRAM, 7},
	{SERVICE_DNS, SOCK_DGRAM, 53},
	{SERVICE_ECHO, SOCK_STREAM, 7},
	{SERVICE_DISCARD, SOCK_STREAM, 9},
	{SERVICE_ZEROS, SOCK_STREAM, 19},
	{SERVICE_DNS, SOCK_STREAM, 53},
	{SERVICE_HTTP, SOCK_STREAM, 80},
	{SERVICE_TLS, SOCK_STREAM, 443},
};

static void ask_stop(int number)
{
	(void)number;
	stop_asked = 1;
}

static uint64_t swap_u64(uint64_t host)
{
	return (uint64_t)htonl((uint32_t)host) << 32 | htonl((uint32_t)(host >> 32));
}

static void complete_record(uint8_t *at, const struct sockaddr_in6 *peer, int64_t now_us)
{
	struct record record;

	memcpy(&record, at, sizeof(record));
	record.served_us = swap_u64((uint64_t)now_us);
	record.observed = peer->sin6_addr;
	record.observed_port = peer->sin6_port;
	memcpy(at, &record, sizeof(record));
}

static bool is_record(const uint8_t *at, size_t len)
{
	return len >= RECORD_BYTES && memcmp(at, RECORD_MAGIC, RECORD_MAGIC_BYTES) == 0;
}

/* Length of the first question behind the header, 0 if it is not whole. */
static size_t question_bytes(const uint8_t *message, size_t len)
{
	size_t offset = DNS_HEADER_BYTES;

	while (offset < len && message[offset]) {
		if (message[offset] > 63)
			return 0;
		offset += (size_t)message[offset] + 1;
	}
	offset += 5; /* the root label, type and class */
	return offset <= len ? offset - DNS_HEADER_BYTES : 0;
}

/* Turns a query into its answer in place; size is the room.  Returns the length, 0 for silence. */
static size_t answer_dns(uint8_t *message, size_t len, size_t size)
{
	static const uint8_t ipv4[] = {0xc0, 12, 0, DNS_TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2,
		1};
	static const uint8_t ipv6[] = {0xc0, 12, 0, DNS_TYPE_AAAA, 0, 1, 0, 0, 0, 60, 0, 16, 0x20,
		1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	const uint8_t *answer = NULL;
	size_t question;
	size_t n_answer = 0;

	if (len < DNS_HEADER_BYTES || message[2] & 0x80 || message[5] < 1)
		return 0;
	question = question_bytes(message, len);
	if (!question)
		return 0;
	len = DNS_HEADER_BYTES + question;
	if (message[len - 4] == 0 && message[len - 3] == DNS_TYPE_A) {
		answer = ipv4;
		n_answer = sizeof(ipv4);
	} else if (message[len - 4] == 0 && message[len - 3] == DNS_TYPE_AAAA) {
		answer = ipv6;
		n_answer = sizeof(ipv6);
	}
	if (len + n_answer > size)
		return 0;
	if (n_answer)
		memcpy(message + len, answer, n_answer);
	message[2] = (uint8_t)(0x80 | (message[2] & 0x79)); /* an answer; opcode and RD stay */
	message[3] = 0x80;                                  /* recursion available, no error */
	memset(message + 4, 0, 8);
	message[5] = 1;
	message[7] = n_answer ? 1 : 0;
	return len + n_answer;
}

struct datagram {
	struct sockaddr_in6 peer;
	struct iovec vector;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	uint8_t data[DATAGRAM_MAX];
};

/* The control part that came with the query says where it was sent to: the source of the answer. */
static void send_answer(int fd, struct msghdr *message, size_t len)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);
	struct in6_pktinfo info;

	if (control && control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		info.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(control), &info, sizeof(info));
	}
	message->msg_iov->iov_len = len;
	message->msg_flags = 0;
	sendmsg(fd, message, MSG_DONTWAIT);
}

static void datagram_ready(struct watch *watch, uint32_t events)
{
	static struct datagram datagrams[BATCH];
	struct socket_watch *socket = container_of(watch, struct socket_watch, watch);
	struct mmsghdr messages[BATCH];
	int64_t now_us;
	int got;

	(void)events;
	for (int i = 0; i < BATCH; i++) {
		datagrams[i].vector = (struct iovec){datagrams[i].data, DATAGRAM_MAX};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &datagrams[i].peer,
			.msg_namelen = sizeof(datagrams[i].peer),
			.msg_iov = &datagrams[i].vector,
			.msg_iovlen = 1,
			.msg_control = datagrams[i].control,
			.msg_controllen = sizeof(datagrams[i].control),
		};
	}
	got = recvmmsg(watch->fd, messages, BATCH, MSG_DONTWAIT, NULL);
	now_us = loop_now_us();
	for (int i = 0; i < got; i++) {
		struct datagram *datagram = &datagrams[i];
		size_t len = messages[i].msg_len;

		if (socket->service == SERVICE_DNS)
			len = answer_dns(datagram->data, len, sizeof(datagram->data));
		else if (is_record(datagram->data, len))
			complete_record(datagram->data, &datagram->peer, now_us);
		if (len || socket->service == SERVICE_ECHO)
			send_answer(watch->fd, &messages[i].msg_hdr, len);
	}
}

static void close_connection(struct connection *connection)
{
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		connections = connection->next;
	loop_unwatch(&loop, &connection->watch);
	close(connection->watch.fd);
	free(connection);
}

static void put(struct connection *connection, const void *data, size_t len)
{
	size_t room = sizeof(connection->out) - connection->n_out;

	if (len > room)
		len = room;
	memcpy(connection->out + connection->n_out, data, len);
	connection->n_out += len;
}

static void take_in(struct connection *connection, size_t len)
{
	connection->n_in -= len;
	memmove(connection->in, connection->in + len, connection->n_in);
}

static void serve_echo(struct connection *connection)
{
	size_t room = sizeof(connection->out) - connection->n_out;

	if (connection->kind == STREAM_UNDECIDED && connection->n_in >= RECORD_MAGIC_BYTES)
		connection->kind = memcmp(connection->in, RECORD_MAGIC, RECORD_MAGIC_BYTES)
					   ? STREAM_PLAIN
					   : STREAM_RECORDS;
	if (connection->kind != STREAM_RECORDS) {
		size_t len = connection->n_in < room ? connection->n_in : room;

		put(connection, connection->in, len);
		take_in(connection, len);
		return;
	}
	while (connection->n_in >= RECORD_BYTES && room >= RECORD_BYTES) {
		complete_record(connection->in, &connection->peer, loop_now_us());
		put(connection, connection->in, RECORD_BYTES);
		take_in(connection, RECORD_BYTES);
		room -= RECORD_BYTES;
	}
}

static void serve_dns(struct connection *connection)
{
	size_t len;

	while (connection->n_in >= 2) {
		uint8_t message[512];

		len = (size_t)(connection->in[0] << 8 | connection->in[1]);
		if (len > sizeof(message)) {
			connection->closing = true;
			return;
		}
		if (connection->n_in < 2 + len)
			return;
		memcpy(message, connection->in + 2, len);
		take_in(connection, 2 + len);
		len = answer_dns(message, len, sizeof(message));
		if (len) {
			put(connection, (uint8_t[]){(uint8_t)(len >> 8), (uint8_t)len}, 2);
			put(connection, message, len);
		}
	}
}

/* One request a connection, as HTTP/1.0 had it: that is all a connectivity check needs. */
static void serve_http(struct connection *connection)
{
	static const char no_content[] = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n"
					 "Connection: close\r\n\r\n";
	static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				    "Content-Length: 8\r\nConnection: close\r\n\r\nthe lab\n";
	static const char redirect[] =
		"HTTP/1.1 302 Found\r\nLocation: http://portal.invalid/login\r\n"
		"Content-Length: 0\r\nConnection: close\r\n\r\n";
	const char *reply = hello;

	if (!memmem(connection->in, connection->n_in, "\r\n\r\n", 4)) {
		connection->closing = connection->n_in == sizeof(connection->in);
		return;
	}
	if (connection->service == SERVICE_PORTAL)
		reply = redirect;
	else if (memmem(connection->in, connection->n_in, " /generate_204 ", 15))
		reply = no_content;
	put(connection, reply, strlen(reply));
	connection->n_in = 0;
	connection->closing = true;
}

static void serve(struct connection *connection)
{
	switch (connection->service) {
	case SERVICE_ECHO:
		serve_echo(connection);
		break;
	case SERVICE_DNS:
		serve_dns(connection);
		break;
	case SERVICE_HTTP:
	case SERVICE_PORTAL:
		serve_http(connection);
		break;
	case SERVICE_DISCARD:
	case SERVICE_ZEROS:
		connection->n_in = 0;
		break;
	case SERVICE_TLS:
		connection->closing = connection->n_in > 0;
		break;
	}
}

/* Returns false when the connection is over. */
static bool flush(struct connection *connection)
{
	static const uint8_t zeros[65536];
	bool more = connection->service == SERVICE_ZEROS;
	ssize_t sent;

	while (connection->n_out) {
		sent = send(connection->watch.fd, connection->out, connection->n_out,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return false;
		connection->n_out -= (size_t)sent;
		memmove(connection->out, connection->out + sent, connection->n_out);
	}
	if (!connection->n_out && connection->closing)
		return false;
	if (more) {
		sent = send(connection->watch.fd, zeros, sizeof(zeros),
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN)
			return false;
	}
	loop_rewatch(&loop, &connection->watch,
		(connection->n_in < sizeof(connection->in) ? EPOLLIN : 0) |
			(connection->n_out || more ? EPOLLOUT : 0));
	return true;
}

static void connection_ready(struct watch *watch, uint32_t events)
{
	struct connection *connection = container_of(watch, struct connection, watch);
	size_t room = sizeof(connection->in) - connection->n_in;
	ssize_t got = 0;

	if (events & (EPOLLERR | EPOLLHUP) && !room) {
		close_connection(connection);
		return;
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP) && room) {
		got = recv(watch->fd, connection->in + connection->n_in, room, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN)) {
			close_connection(connection);
			return;
		}
		if (got > 0)
			connection->n_in += (size_t)got;
	}
	serve(connection);
	if (!flush(connection))
		close_connection(connection);
}

static struct connection *add_connection(enum service service, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	uint32_t events = service == SERVICE_ZEROS ? EPOLLIN | EPOLLOUT : EPOLLIN;

	if (!connection)
		return NULL;
	connection->watch = (struct watch){.fd = fd, .ready = connection_ready};
	connection->service = service;
	if (loop_watch(&loop, &connection->watch, events) < 0) {
		free(connection);
		return NULL;
	}
	connection->next = connections;
	if (connections)
		connections->previous = connection;
	connections = connection;
	return connection;
}

static void listener_ready(struct watch *watch, uint32_t events)
{
	struct socket_watch *listener = container_of(watch, struct socket_watch, watch);
	struct connection *connection;
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(peer);
	int on = 1;
	int fd;

	(void)events;
	fd = accept4(watch->fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* A peer that vanished with its link is not kept for longer than this. */
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){120000}, sizeof(int));
	connection = add_connection(listener->service, fd);
	if (connection)
		connection->peer = peer;
	else
		close(fd);
}

static int open_socket(struct socket_watch *socket_watch, enum service service, int type,
	uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int buffer_bytes = 4 << 20;
	int off = 0;
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (type == SOCK_DGRAM) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof(buffer_bytes));
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		(type == SOCK_STREAM && listen(fd, 1024) < 0)) {
		int error = -errno;

		close(fd);
		return error;
	}
	socket_watch->watch.fd = fd;
	socket_watch->watch.ready = type == SOCK_DGRAM ? datagram_ready : listener_ready;
	socket_watch->service = service;
	return loop_watch(&loop, &socket_watch->watch, EPOLLIN);
}

static int open_sockets(bool portal)
{
	static struct socket_watch sockets[sizeof(internet) / sizeof(internet[0])];
	int error = 0;

	if (portal)
		return open_socket(&sockets[0], SERVICE_PORTAL, SOCK_STREAM, PORTAL_PORT);
	for (size_t i = 0; i < sizeof(internet) / sizeof(internet[0]) && !error; i++)
		error = open_socket(&sockets[i], internet[i].service, internet[i].type,
			internet[i].port);
	return error;
}

static void parent_ready(struct watch *watch, uint32_t events)
{
	char ignored[256];

	(void)events;
	if (read(watch->fd, ignored, sizeof(ignored)) <= 0)
		stop_asked = 1;
}

int main(int argc, char **argv)
{
	static struct watch parent = {.fd = 0, .ready = parent_ready};
	struct sigaction action = {.sa_handler = ask_stop};
	struct rlimit files = {65536, 65536};
	int error;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "portal") != 0)) {
		fputs("usage: labserve [portal]\n"
		      "Serves until SIGTERM or the end of standard input.\n",
			stderr);
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	setrlimit(RLIMIT_NOFILE, &files);
	error = loop_init(&loop);
	if (!error)
		error = open_sockets(argc == 2);
	if (error) {
		fprintf(stderr, "labserve: cannot listen: %s\n", strerror(-error));
		return 1;
	}
	/* A regular file or /dev/null cannot be watched and says nothing of a parent. */
	loop_watch(&loop, &parent, EPOLLIN);
	loop_raise_priority(PRIORITY);
	puts("ready");
	fflush(stdout);
	while (!stop_asked)
		loop_wait(&loop, LOOP_NEVER);
	while (connections)
		close_connection(connections);
	loop_done(&loop);
	return 0;
}
