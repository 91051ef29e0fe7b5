import { defineCheck } from '../check.js'
import { safe } from '../remedy.js'

const FULL = 0.9

/** K01. */
export const conntrackFull = defineCheck({
  code: 'N64-151',
  origin: 'K01',
  id: 'conntrack-full',
  title: 'The connection tracking table has room',
  explanation: `The kernel tracks every connection that passes a firewall or a masquerade in one table for the whole host, guests included.
When net.netfilter.nf_conntrack_max is reached it drops packets that would open another connection, at random for all, and logs
"nf_conntrack: table full, dropping packet". Translators on a TUN device need an entry for the IPv6 half and one for the IPv4 half
of each connection; Jool needs none.

From nine tenths on it is an error, because bursts fill the rest. An entry takes about 320 bytes. On Proxmox the limit is
nf_conntrack_max in the node's firewall options, and pve-firewall writes it again.`,
  needs: ['conntrack'],
  wants: ['kernelLog', 'proxmox'],
  after: [],
  run(facts) {
    const { count, max } = facts.conntrack
    const isFull = max > 0 && count >= FULL * max
    const logged = facts.maybe('kernelLog')?.findLast(l => /nf_conntrack: table full/.test(l.text))
    if (!isFull && !logged) return []
    const isProxmox = Boolean(facts.maybe('proxmox')?.version)
    const more = safe(
      'Double the limit.',
      isProxmox
        ? [`pvesh set /nodes/$(hostname)/firewall/options --nf_conntrack_max ${max * 2}`]
        : [`sysctl -w net.netfilter.nf_conntrack_max=${max * 2}`],
      isProxmox
        ? [`pvesh set /nodes/$(hostname)/firewall/options --nf_conntrack_max ${max}`]
        : [`sysctl -w net.netfilter.nf_conntrack_max=${max}`],
      `${Math.ceil((max * 320) / 2 ** 20)} MiB of memory when it is full.`,
    )
    const percent = Math.round((count / max) * 100)
    return [
      {
        severity: isFull ? ('error' as const) : ('warning' as const),
        title: isFull
          ? `The connection tracking table is ${percent} % full`
          : 'The connection tracking table has been full since boot',
        because: 'When it is full, the kernel drops packets that open a connection, of all guests and of the host.',
        evidence: [
          {
            source: 'sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max',
            text: `net.netfilter.nf_conntrack_count = ${count}\nnet.netfilter.nf_conntrack_max = ${max}`,
            mark: String(count),
          },
          ...(logged ? [{ source: 'dmesg', text: logged.text, mark: 'table full' }] : []),
        ],
        affects: [],
        remedies: [more],
        references: ['https://docs.kernel.org/networking/nf_conntrack-sysctl.html'],
      },
    ]
  },
})
