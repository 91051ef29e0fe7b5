/** Who has which address and ports, told as it changes: for those who have to answer for it later. */

/** A guest is four words, an address is signed or not, ports are of all protocols. */
export interface LeaseLog {
  /** Nobody has anything any more; what somebody still has, follows. */
  reset(): void
  begin(h0: number, h1: number, h2: number, h3: number, address4: number, first: number, last: number): void
  end(h0: number, h1: number, h2: number, h3: number, address4: number, first: number, last: number): void
  /** A static binding: one port of one protocol (0 TCP, 1 UDP, 2 ICMP), until the next reset. */
  fixed(h0: number, h1: number, h2: number, h3: number, address4: number, port: number, protocol: number): void
}

/** Tells nobody. */
export const SILENT: LeaseLog = { reset() {}, begin() {}, end() {}, fixed() {} }
