/** Who is where in the lab of `npm run abuse`: the network of test/bench/net.ts, and attackers behind its ends. */
export const POOL6 = '2001:db8:64::/96'
export const POOL4 = '198.51.100.1'
/** Three guests: with what is established, that opens a new port every time, and that sends what must be fragmented. */
export const SETTLED = '2001:db8:1::2'
export const NEWCOMER = '2001:db8:1::3'
export const FRAGMENTER = '2001:db8:1::4'
/** Attackers, and the devices in the client and in the server that they are behind. */
export const GUESTS_PREFIX = '2001:db8:bad::/48'
export const OUTSIDE_PREFIX = '198.18.0.0/15'
export const DEVICE = 'flood'
/** Where nobody is, and nobody says so. */
export const FAR_PREFIX = '203.0.0.0/16'
