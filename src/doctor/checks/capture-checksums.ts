import { defineCheck } from '../check.js'

/** M08. */
export const captureChecksums = defineCheck({
  code: 'N64-258',
  origin: 'M08',
  id: 'capture-checksums',
  title: "Captures on guests' devices show checksums as they are",
  explanation: `A guest with checksum offload hands its packets over with an unfinished TCP or UDP checksum; the last device on the way fills it
in, and packets that never leave the host never get one. A capture on a tap, a veth pair or a TUN device then says "bad checksum" for
packets that are fine. That is no fault and explains no loss; this note is for whoever
captures there. nat64 does not flag such checksums.`,
  needs: ['offloads', 'links'],
  after: [],
  run(facts, model) {
    if (!model.engines.some(e => e.active)) return []
    const isGuests = (device: string) =>
      model.nics.some(n => n.device === device) || facts.links.some(l => l.name === device && l.tun?.kind === 'tun')
    const devices = facts.offloads.filter(o => o.features['tx-checksumming'] && isGuests(o.device)).map(o => o.device)
    if (devices.length === 0) return []
    return [
      {
        severity: 'info' as const,
        title: `Captures on ${devices.length === 1 ? devices[0] : `${devices.length} devices of guests`} show wrong checksums that are not wrong`,
        because: 'With checksum offload the checksum is filled in later, or never when the packet stays on the host.',
        evidence: devices
          .slice(0, 8)
          .map(d => ({ source: `ethtool -k ${d}`, text: 'tx-checksumming: on', mark: 'on' })),
        affects: devices,
        remedies: [],
        references: [],
      },
    ]
  },
})
