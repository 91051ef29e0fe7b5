import type { ProxmoxFact } from '../../facts/facts.js'
import { isInside6 } from '../../path/host-view.js'
import type { Finding } from '../check.js'
import { defineCheck } from '../check.js'

/** B08 */
export const pveFirewallOptions = defineCheck({
  code: 'N64-403',
  origin: 'B08',
  id: 'pve-firewall-options',
  title: "Proxmox's firewall lets guests do what IPv6 needs",
  explanation: `Two options of Proxmox's firewall cut a guest off from IPv6 before NAT64 comes into it.

"ndp: 0" (in a guest's <id>.fw, or in host.fw for the host) forbids neighbour discovery. IPv6 cannot find a router or a neighbour's
MAC address without it; nothing works, often only after some minutes, when what was learnt before runs out.

"ipfilter: 1" in <id>.fw lets a guest send only from addresses in its set ipfilter-net0 (net1 …). The link-local address made of
the MAC address is always in it, and for containers the addresses that Proxmox configures. A virtual machine that takes its
address by router advertisement has none there: all that it sends to pool6 is dropped, while ping to the router's link-local
address works. Privacy addresses change daily; put the whole prefix into the set.

Both count only while the firewall is on: for the data centre, for the guest, and on the NIC. "macfilter" does not matter here.`,
  needs: ['proxmox'],
  after: [],
  run(facts, model) {
    const { proxmox } = facts
    if (proxmox.clusterFirewall?.enable !== true) return []
    const host = proxmox.hostFirewall
    const found = proxmox.guests.flatMap(guest => {
      const firewall = proxmox.guestFirewalls[guest.id]
      if (firewall?.enable !== true) return []
      const file = `/etc/pve/firewall/${guest.id}.fw`
      const nics = guest.nics.filter(n => n.firewall)
      const kind = guest.type === 'lxc' ? 'veth' : 'tap'
      const devices = nics.map(n => `${kind}${guest.id}i${n.name.replace('net', '')}`)
      if (nics.length === 0) return []
      if (option(firewall.text, 'ndp') === '0') return [noDiscovery(`Guest ${guest.id}`, file, devices)]
      if (option(firewall.text, 'ipfilter') !== '1') return []
      return nics.flatMap((nic, i) => {
        const device = devices[i] as string
        const address = model.nics.find(n => n.device === device)?.address6 ?? null
        return filtered(guest, nic, device, address, proxmox)
      })
    })
    if (host?.enable !== false && option(host?.text ?? '', 'ndp') === '0') {
      found.push(noDiscovery('The host', '/etc/pve/local/host.fw', []))
    }
    return found
  },
})

/** An option of the [OPTIONS] section; null: not set. */
function option(text: string, name: string): string | null {
  const section = /\[OPTIONS\]([^[]*)/i.exec(text)?.[1] ?? ''
  return new RegExp(`^\\s*${name}:\\s*(\\S+)`, 'm').exec(section)?.[1] ?? null
}

function noDiscovery(whose: string, file: string, devices: readonly string[]): Omit<Finding, 'code'> {
  return {
    severity: 'error',
    title: `${whose} may not do neighbour discovery`,
    because: 'Without it, IPv6 finds neither its router nor any neighbour; NAT64 is not reached.',
    evidence: [{ source: file, text: 'ndp: 0', mark: '0' }],
    affects: devices,
    remedies: [
      {
        text: 'Allow it again, which is what Proxmox does when nothing is set.',
        commands: [`sed -i 's/^ndp: 0/ndp: 1/' ${file}`],
        risk: 'safe',
        price: 'None; pve-firewall takes the change up within ten seconds.',
        undo: [`sed -i 's/^ndp: 1/ndp: 0/' ${file}`],
      },
    ],
    references: ['RFC 4861'],
  }
}

function filtered(
  guest: ProxmoxFact['guests'][number],
  nic: ProxmoxFact['guests'][number]['nics'][number],
  device: string,
  address: string | null,
  proxmox: ProxmoxFact,
): Omit<Finding, 'code'>[] {
  const text = proxmox.guestFirewalls[guest.id]?.text ?? ''
  const set = new RegExp(`\\[IPSET ipfilter-${nic.name}\\][^\\n]*\\n([^[]*)`, 'i').exec(text)?.[1] ?? ''
  const own = [nic.address6?.split('/')[0] ?? '', ...set.split('\n').map(l => l.split('#')[0]?.trim() ?? '')]
  const allowed = own.filter(a => a.includes(':'))
  if (own.some(a => /^(dc\/|guest\/|\+|[a-z_][\w-]*$)/i.test(a) && !a.includes(':'))) return []
  if (address === null ? allowed.length > 0 : allowed.some(a => isInside6(a, address))) return []
  const file = `/etc/pve/firewall/${guest.id}.fw`
  const set6 = `[IPSET ipfilter-${nic.name}]`
  return [
    {
      severity: 'error',
      title: `Proxmox drops what guest ${guest.id} sends from ${address ?? 'any global IPv6 address'} on ${nic.name}`,
      because: `The IP filter is on, and ipfilter-${nic.name} ${allowed.length === 0 ? 'has no IPv6 address' : 'does not have this one'}.`,
      evidence: [
        {
          source: file,
          text: `ipfilter: 1\n${set.trim() === '' ? `(no ${set6})` : `${set6}\n${set.trim()}`}`,
          mark: 'ipfilter: 1',
        },
      ],
      affects: [device],
      remedies: [
        {
          text: "Put the guests' prefix into the set.",
          commands: [`printf '\\n${set6}\\n<prefix of the guests>\\n' >> ${file}`],
          risk: 'safe',
          price: 'The guest may use any address of that prefix.',
          undo: [`sed -i '/<prefix of the guests>/d' ${file}`],
        },
      ],
      references: ['nat64 doctor --explain N64-403'],
    },
  ]
}
