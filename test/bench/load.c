/*
 * Load for `npm run bench`: UDP floods, and one request at a time over UDP and TCP.
 *
 *     load count PORT GSO                 counts UDP datagrams until 400 ms pass without one (10 s for the first);
 *                                         prints "packets bytes seconds", from the first to the last
 *     load flood ADDR PORT SECONDS SIZE GSO
 *                                         sends datagrams of SIZE bytes as fast as it can; GSO > 1: as many a call with
 *                                         UDP_SEGMENT; prints the packets sent
 *     load pace ADDR PORT SECONDS SIZE RATE FLOWS
 *                                         sends numbered datagrams of SIZE bytes, RATE a second over FLOWS sockets in turn;
 *                                         prints the packets sent
 *     load sink ADDR PORT EVERY           counts as `count` does, until 2 s pass without a datagram, and sends every
 *                                         EVERYth back from ADDR (IPv4)
 *     load answer PORT                    sends back every UDP datagram and every byte of every TCP connection
 *     load ask udp|tcp ADDR PORT SECONDS  one request of 64 bytes at a time; prints "count lost median p99 max",
 *                                         microseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define BATCH 64
#define REQUEST 64
#define MAX_SAMPLES 4000000
#define MAX_CONNECTIONS 16
#define MAX_FLOWS 64

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static int listening(int type, const char *port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port)), .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, type, 0), off = 0, on = 1, big = 16 << 20;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	if (fd < 0 || bind(fd, (void *)&a, sizeof a) < 0 || (type == SOCK_STREAM && listen(fd, 8) < 0))
		fail("listen");
	return fd;
}

static int connected(int type, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICHOST}, *r;
	if (getaddrinfo(host, port, &hints, &r))
		fail("address");
	int fd = socket(r->ai_family, type, 0), on = 1, big = 4 << 20;
	struct timeval limit = {.tv_usec = 200000};
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (connect(fd, r->ai_addr, r->ai_addrlen) < 0)
		fail("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

/* The size of the datagrams that the kernel joined into one buffer; `whole` when it joined none. */
static int segment(struct msghdr *m, int whole)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof size);
			return size > 0 ? size : whole;
		}
	return whole;
}

static int count(const char *port, int gso)
{
	static char store[BATCH][65536], control[BATCH][64];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	int fd = listening(SOCK_DGRAM, port), on = 1;
	uint64_t packets = 0, bytes = 0;
	double first = 0, last = 0;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	if (gso > 1)
		setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on);
	puts("ready");
	fflush(stdout);
	while (poll(&wait, 1, packets ? 400 : 10000) > 0) {
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){store[i], gso > 1 ? sizeof store[i] : 2048};
			messages[i].msg_hdr = (struct msghdr){
				.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]};
		}
		int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			continue;
		last = now();
		if (!packets)
			first = last;
		for (int i = 0; i < n; i++) {
			int length = messages[i].msg_len, size = segment(&messages[i].msg_hdr, length);
			packets += size ? (length + size - 1) / size : 1;
			bytes += length;
		}
	}
	printf("%llu %llu %.6f\n", (unsigned long long)packets, (unsigned long long)bytes, last - first);
	return 0;
}

static int flood(const char *host, const char *port, double seconds, int size, int gso)
{
	static char data[65536];
	static struct mmsghdr messages[BATCH];
	struct iovec part = {data, (size_t)size * gso};
	int fd = connected(SOCK_DGRAM, host, port), batch = gso > 1 ? 1 : BATCH;
	if (part.iov_len > 65000 || (gso > 1 && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) < 0))
		fail("UDP_SEGMENT");
	for (int i = 0; i < batch; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
	uint64_t sent = 0;
	for (double end = now() + seconds; now() < end;) {
		int n = sendmmsg(fd, messages, batch, 0);
		if (n > 0)
			sent += (uint64_t)n * gso;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}

/* What is behind schedule after a pause is sent in one go, up to a tenth of a second's worth. */
static int pace(const char *host, const char *port, double seconds, int size, double rate, int flows)
{
	static char data[BATCH][2048];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	int fds[MAX_FLOWS];
	uint64_t sent = 0, number = 0;
	if (flows < 1 || flows > MAX_FLOWS || size < 8 || size > (int)sizeof data[0])
		fail("arguments");
	for (int i = 0; i < flows; i++)
		fds[i] = connected(SOCK_DGRAM, host, port);
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){data[i], size};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	double start = now(), t;
	uint64_t due = 0, skipped = 0;
	while ((t = now() - start) < seconds) {
		due = t * rate - skipped;
		if (due - number > rate / 10) {
			skipped += due - number - rate / 10;
			due = number + rate / 10;
		}
		while (number < due) {
			int n = due - number < BATCH ? due - number : BATCH;
			for (int i = 0; i < n; i++) {
				number++;
				memcpy(data[i], &number, sizeof number);
			}
			int done = sendmmsg(fds[number / BATCH % flows], messages, n, 0);
			if (done > 0)
				sent += done;
		}
		struct timespec nap = {.tv_nsec = 500000};
		nanosleep(&nap, NULL);
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}

static int sink(const char *host, const char *port, unsigned every)
{
	static char store[BATCH][2048];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	static struct sockaddr_in from[BATCH];
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(atoi(port)), .sin_addr.s_addr = inet_addr(host)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), big = 16 << 20;
	uint64_t packets = 0, bytes = 0;
	double first = 0, last = 0;
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	if (fd < 0 || bind(fd, (void *)&own, sizeof own) < 0)
		fail("bind");
	puts("ready");
	fflush(stdout);
	while (poll(&wait, 1, packets ? 2000 : 60000) > 0) {
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){store[i], sizeof store[i]};
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &parts[i], .msg_iovlen = 1};
		}
		int n = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			continue;
		last = now();
		if (!packets)
			first = last;
		for (int i = 0; i < n; i++) {
			if (packets++ % every == 0)
				sendto(fd, store[i], messages[i].msg_len, 0, (void *)&from[i], sizeof from[i]);
			bytes += messages[i].msg_len;
		}
	}
	printf("%llu %llu %.6f\n", (unsigned long long)packets, (unsigned long long)bytes, last - first);
	return 0;
}

static int answer(const char *port)
{
	static char data[65536];
	struct pollfd fds[2 + MAX_CONNECTIONS] = {{.fd = listening(SOCK_DGRAM, port), .events = POLLIN},
						  {.fd = listening(SOCK_STREAM, port), .events = POLLIN}};
	int used = 2, on = 1;
	puts("ready");
	fflush(stdout);
	while (poll(fds, used, -1) > 0) {
		if (fds[0].revents) {
			struct sockaddr_in6 from;
			socklen_t length = sizeof from;
			ssize_t n = recvfrom(fds[0].fd, data, sizeof data, 0, (void *)&from, &length);
			if (n >= 0)
				sendto(fds[0].fd, data, n, 0, (void *)&from, length);
		}
		for (int i = 2; i < used; i++)
			if (fds[i].revents) {
				ssize_t n = read(fds[i].fd, data, sizeof data);
				if (n > 0 && write(fds[i].fd, data, n) == n)
					continue;
				close(fds[i].fd);
				fds[i--] = fds[--used];
			}
		if (fds[1].revents && used < 2 + MAX_CONNECTIONS) {
			int fd = accept(fds[1].fd, NULL, NULL);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
			if (fd >= 0)
				fds[used++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
	return 1;
}

static int ascending(const void *a, const void *b)
{
	float d = *(const float *)a - *(const float *)b;
	return d < 0 ? -1 : d > 0;
}

static int ask(int type, const char *host, const char *port, double seconds)
{
	char data[REQUEST] = {0};
	float *samples = malloc(MAX_SAMPLES * sizeof *samples);
	int fd = connected(type, host, port), count = 0, lost = 0;
	uint32_t number = 0;
	/* The first exchanges find neighbours and sessions: not counted. */
	double start = now() + 0.03, end = start + seconds;
	for (double sent = now(); sent < end && count < MAX_SAMPLES; sent = now()) {
		number++;
		memcpy(data, &number, sizeof number);
		if (send(fd, data, sizeof data, 0) != sizeof data)
			fail("send");
		uint32_t got = number - 1;
		size_t have = 0;
		while (have < sizeof data || got != number) {
			if (have == sizeof data)
				have = 0;
			ssize_t n = recv(fd, data + have, sizeof data - have, 0);
			if (n <= 0)
				break;
			have += n;
			memcpy(&got, data, sizeof got);
		}
		if (got != number || have < sizeof data) {
			if (type == SOCK_STREAM && lost > 20)
				fail("recv");
			lost++;
		} else if (sent >= start)
			samples[count++] = (now() - sent) * 1e6;
	}
	qsort(samples, count, sizeof *samples, ascending);
	if (count)
		printf("%d %d %.1f %.1f %.1f\n", count, lost, samples[count / 2], samples[(int)(count * 0.99)], samples[count - 1]);
	else
		printf("0 %d 0 0 0\n", lost);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "count"))
		return count(argv[2], atoi(argv[3]));
	if (argc == 7 && !strcmp(argv[1], "flood"))
		return flood(argv[2], argv[3], atof(argv[4]), atoi(argv[5]), atoi(argv[6]));
	if (argc == 8 && !strcmp(argv[1], "pace"))
		return pace(argv[2], argv[3], atof(argv[4]), atoi(argv[5]), atof(argv[6]), atoi(argv[7]));
	if (argc == 5 && !strcmp(argv[1], "sink"))
		return sink(argv[2], argv[3], atoi(argv[4]));
	if (argc == 3 && !strcmp(argv[1], "answer"))
		return answer(argv[2]);
	if (argc == 6 && !strcmp(argv[1], "ask"))
		return ask(strcmp(argv[2], "tcp") ? SOCK_DGRAM : SOCK_STREAM, argv[3], argv[4], atof(argv[5]));
	fputs("see the head of load.c for usage\n", stderr);
	return 2;
}
