/*
 * The limit: what a single thread can move through an offloading TUN device with one read() and one write() a packet
 * and the least work in between. Translates statelessly between IPv4 and IPv6 by fixed addresses, TCP and UDP only:
 *
 *     2001:db8:1::x  <->  192.0.2.x           (the last byte is kept)
 *     64:ff9b::a.b.c.d  <->  a.b.c.d
 *
 * No checks, no ICMP, no fragments, no options: a yardstick, not a translator. Usage: limit TUN-NAME [plain]
 * (plain: without offloads). Runs until it is ended.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define HEADROOM 64
#define HEADER ((int)sizeof(struct virtio_net_hdr))

static uint8_t buffer[HEADROOM + 65536 + 64] __attribute__((aligned(64)));
static const uint8_t guest6[15] = {0x20, 0x01, 0x0d, 0xb8, 0, 1};
static const uint8_t pool6[12] = {0, 0x64, 0xff, 0x9b};
static const uint8_t guest4[3] = {192, 0, 2};

static uint32_t sum(const uint8_t *p, int bytes)
{
	uint32_t total = 0;
	for (int i = 0; i < bytes; i += 2)
		total += p[i] << 8 | p[i + 1];
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* Replaces the sum of the old addresses by that of the new ones in a transport checksum, full or partial. */
static void adjust(uint8_t *field, uint32_t old, uint32_t new, int partial)
{
	uint16_t c = field[0] << 8 | field[1];
	if (!partial)
		c = ~c;
	c = fold(c + (uint16_t)~fold(old) + new);
	if (!partial)
		c = ~c;
	field[0] = c >> 8;
	field[1] = c;
}

static uint8_t *to_v4(uint8_t *ip6, int length, struct virtio_net_hdr *h)
{
	uint8_t old[40];
	uint8_t *ip = ip6 + 20;
	memcpy(old, ip6, 40);
	uint8_t *transport = ip6 + 40;
	int total = length - 20;
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[2] = total >> 8, ip[3] = total;
	ip[6] = 0x40;
	ip[8] = old[7] - 1;
	ip[9] = old[6];
	memcpy(ip + 12, guest4, 3);
	ip[15] = old[23];
	memcpy(ip + 16, old + 36, 4);
	uint16_t c = ~fold(sum(ip, 20));
	ip[10] = c >> 8, ip[11] = c;
	adjust(transport + (old[6] == 6 ? 16 : 6), sum(old + 8, 32), sum(ip + 12, 8), h->flags & 1);
	if (h->hdr_len)
		h->hdr_len -= 20;
	if (h->csum_start)
		h->csum_start -= 20;
	if ((h->gso_type & 0x7f) == VIRTIO_NET_HDR_GSO_TCPV6)
		h->gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | (h->gso_type & 0x80);
	return ip;
}

static uint8_t *to_v6(uint8_t *ip, int length, struct virtio_net_hdr *h)
{
	uint8_t old[20];
	uint8_t *ip6 = ip - 20;
	memcpy(old, ip, 20);
	uint8_t *transport = ip + 20;
	int payload = length - 20;
	memset(ip6, 0, 8);
	ip6[0] = 0x60;
	ip6[4] = payload >> 8, ip6[5] = payload;
	ip6[6] = old[9];
	ip6[7] = old[8] - 1;
	memcpy(ip6 + 8, pool6, 12);
	memcpy(ip6 + 20, old + 12, 4);
	memcpy(ip6 + 24, guest6, 15);
	ip6[39] = old[19];
	adjust(transport + (old[9] == 6 ? 16 : 6), sum(old + 12, 8), sum(ip6 + 8, 32), h->flags & 1);
	if (h->hdr_len)
		h->hdr_len += 20;
	if (h->csum_start)
		h->csum_start += 20;
	if ((h->gso_type & 0x7f) == VIRTIO_NET_HDR_GSO_TCPV4)
		h->gso_type = VIRTIO_NET_HDR_GSO_TCPV6 | (h->gso_type & 0x80);
	return ip6;
}

int main(int argc, char **argv)
{
	int offload = argc < 3;
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
	int size = HEADER;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	strncpy(ifr.ifr_name, argc > 1 ? argv[1] : "limit", IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) {
		perror("limit");
		return 1;
	}
	unsigned tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	if (offload && ioctl(fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6) < 0)
		ioctl(fd, TUNSETOFFLOAD, tso);
	puts("ready");
	fflush(stdout);

	struct pollfd wait = {.fd = fd, .events = POLLIN};
	for (;;) {
		uint8_t *packet = buffer + HEADROOM;
		int n = read(fd, packet - HEADER, sizeof buffer - HEADROOM + HEADER);
		if (n < HEADER + 20) {
			if (n < 0 && poll(&wait, 1, -1) > 0 && (wait.revents & POLLERR))
				return 0;
			continue;
		}
		struct virtio_net_hdr h;
		memcpy(&h, packet - HEADER, HEADER);
		int length = n - HEADER;
		uint8_t *out;
		if (packet[0] >> 4 == 6 && (packet[6] == 6 || packet[6] == 17))
			out = to_v4(packet, length, &h), length -= 20;
		else if (packet[0] >> 4 == 4 && (packet[9] == 6 || packet[9] == 17))
			out = to_v6(packet, length, &h), length += 20;
		else
			continue;
		memcpy(out - HEADER, &h, HEADER);
		if (write(fd, out - HEADER, length + HEADER) < 0)
			continue;
	}
}
