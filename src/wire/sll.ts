/**
 * "Linux cooked" headers, which libpcap writes for captures on the `any` device
 * (LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 of the pcap link-type registry).
 *
 *     v1, 16 bytes: packet type(2) ARPHRD(2) address length(2) address(8) protocol(2)
 *     v2, 20 bytes: protocol(2) reserved(2) ifindex(4) ARPHRD(2) packet type(1) address length(1) address(8)
 *
 * `protocol` is an ethertype.
 */
export const SLL_HEADER = 16
export const SLL_PROTOCOL = 14
export const SLL2_HEADER = 20
export const SLL2_PROTOCOL = 0
