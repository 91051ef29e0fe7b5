/*
 * UDP traffic for comparing packet loops. One program, four parts:
 *
 *     io-traffic sink PORT SECONDS                       counts datagrams, prints "packets bytes"
 *     io-traffic send ADDR PORT SECONDS SIZE [GSO [PPS]] sends as fast as it can; GSO datagrams a call when above 1
 *     io-traffic echo PORT SECONDS                       sends every datagram back
 *     io-traffic ask ADDR PORT SECONDS                   one request at a time; prints "median p99 count", microseconds
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/udp.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define MANY 64

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int bound(const char *port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port)), .sin6_addr = in6addr_any};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), off = 0, big = 8 << 20;
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big);
	struct timeval t = {.tv_usec = 200000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	if (bind(fd, (void *)&a, sizeof a) < 0)
		perror("bind"), exit(1);
	return fd;
}

static int connected(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST}, *r;
	if (getaddrinfo(host, port, &hints, &r))
		exit(1);
	int fd = socket(r->ai_family, SOCK_DGRAM, 0), big = 4 << 20;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big);
	struct timeval t = {.tv_usec = 200000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	if (connect(fd, r->ai_addr, r->ai_addrlen) < 0)
		perror("connect"), exit(1);
	return fd;
}

static int ascending(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return d < 0 ? -1 : d > 0;
}

int main(int argc, char **argv)
{
	static char data[65536], store[MANY][2048];
	static struct mmsghdr messages[MANY];
	static struct iovec parts[MANY];
	if (argc < 4)
		return 2;
	if (!strcmp(argv[1], "sink")) {
		int fd = bound(argv[2]);
		double end = now() + atof(argv[3]);
		uint64_t packets = 0, bytes = 0;
		for (int i = 0; i < MANY; i++) {
			parts[i] = (struct iovec){store[i], sizeof store[i]};
			messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		}
		while (now() < end) {
			int n = recvmmsg(fd, messages, MANY, MSG_WAITFORONE, NULL);
			for (int i = 0; i < n; i++)
				packets++, bytes += messages[i].msg_len;
		}
		printf("%lu %lu\n", packets, bytes);
	} else if (!strcmp(argv[1], "send") && argc > 5) {
		int fd = connected(argv[2], argv[3]), size = atoi(argv[5]);
		int gso = argc > 6 ? atoi(argv[6]) : 1;
		double pps = argc > 7 ? atof(argv[7]) : 0;
		double start = now(), end = start + atof(argv[4]);
		uint64_t sent = 0;
		if (gso > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) < 0)
			perror("UDP_SEGMENT"), exit(1);
		for (int i = 0; i < MANY; i++) {
			parts[i] = (struct iovec){data, size * gso};
			messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		}
		while (now() < end) {
			if (pps > 0 && sent > (now() - start) * pps)
				continue;
			int n = sendmmsg(fd, messages, gso > 1 ? 4 : 32, 0);
			if (n > 0)
				sent += n * gso;
		}
		printf("%lu\n", sent);
	} else if (!strcmp(argv[1], "echo")) {
		int fd = bound(argv[2]);
		double end = now() + atof(argv[3]);
		struct sockaddr_storage from;
		while (now() < end) {
			socklen_t length = sizeof from;
			int n = recvfrom(fd, data, sizeof data, 0, (void *)&from, &length);
			if (n >= 0)
				sendto(fd, data, n, 0, (void *)&from, length);
		}
	} else if (!strcmp(argv[1], "ask") && argc > 4) {
		int fd = connected(argv[2], argv[3]), count = 0;
		static double took[1000000];
		double end = now() + atof(argv[4]);
		while (now() < end && count < 1000000) {
			double start = now();
			if (send(fd, data, 32, 0) == 32 && recv(fd, data, sizeof data, 0) == 32)
				took[count++] = (now() - start) * 1e6;
		}
		qsort(took, count, sizeof took[0], ascending);
		printf("%.1f %.1f %d\n", count ? took[count / 2] : 0, count ? took[count * 99 / 100] : 0, count);
	}
	return 0;
}
