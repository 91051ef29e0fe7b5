/** The loop of a live capture, and the watch of interfaces, in real network namespaces. */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parsePrefix4, parsePrefix6 } from '../../src/addr/prefix.js'
import { closeEventfd, openEventfd, signalEventfd } from '../../src/host/eventfd.js'
import { type LinkEvent, type LinkWatch, openLinkWatch } from '../../src/host/link-watch.js'
import { openNamespace } from '../../src/host/netns.js'
import type { Tap } from '../../src/trace/core/frame.js'
import { type LiveCapture, openLiveCapture } from '../../src/trace/live/open-capture.js'
import { inside, makeHost, removeHost, sh, type TestHost } from './run-host.js'

const EPOCH = Math.floor(Date.now() / 1000)
const filter = {
  four: [{ a: parsePrefix4('9.9.9.2')!, b: null }],
  six: [{ a: parsePrefix6('2001:db8:1::2')!, b: null }],
  errors: false,
  snapLength: 262_144,
}

let host: TestHost
beforeEach(() => {
  host = makeHost()
})
afterEach(() => removeHost(host))

interface Live extends LiveCapture {
  readonly taps: Tap[]
  readonly frames: { readonly where: string; readonly time: number; readonly length: number }[]
  readonly links: string[]
  readonly lost: () => number
  readonly wakeFd: number
  readonly woken: () => number
  /** Turns for so long, not more. */
  turnFor(ms: number): void
}

/** A live capture that notes what it is told. */
function open(namespaces: readonly (string | null)[]): Live {
  const wakeFd = openEventfd()
  const [taps, frames, links]: [Tap[], Live['frames'], string[]] = [[], [], []]
  let [lost, woken] = [0, 0]
  const live = openLiveCapture({
    namespaces,
    filter,
    epoch: EPOCH,
    ringBytes: 4 << 20,
    wakeFd,
    handlers: {
      onTap: tap => taps.push(tap),
      see({ tap, direction, time, length }) {
        const { netns, device } = taps[tap]!
        frames.push({ where: `${netns === host.node ? 'node' : 'server'} ${device} ${direction}`, time, length })
      },
      onLinks: (_, events) => {
        for (const e of events) links.push(e.event === 'resync' ? e.event : `${e.event} ${e.name}`)
      },
      onCounts: counts => {
        lost += counts.lost
      },
      onIdle: () => {},
      onWake: () => {
        woken++
      },
    },
  })
  return {
    ...live,
    taps,
    frames,
    links,
    wakeFd,
    lost: () => lost,
    woken: () => woken,
    turnFor(ms) {
      const end = performance.now() + ms
      for (let left = ms; left > 0; left = end - performance.now()) live.turn(Math.ceil(left))
    },
    close() {
      live.close()
      closeEventfd(wakeFd)
    },
  }
}

describe('a live capture', () => {
  it('hands over frames of several namespaces in the order of time', async () => {
    const live = open([host.node, host.server])
    const ping = spawn('ip', ['netns', 'exec', host.server, 'ping', '-nq', '-i0.002', '-c300', '9.9.9.1'])
    const ended = new Promise(resolve => ping.once('exit', resolve))
    try {
      live.turnFor(1_500)
      await ended
      live.turnFor(200)
      const icmp = live.frames.filter(f => f.length === 98)
      expect(icmp.length).toBe(1_200)
      const way = ['server eth0 out', 'node uplink in', 'node uplink out', 'server eth0 in']
      expect(icmp.map(f => f.where)).toEqual(icmp.map((_, i) => way[i % 4]))
      const times = icmp.map(f => f.time)
      expect(times).toEqual([...times].sort((a, b) => a - b))
      expect(live.lost()).toBe(0)
      expect(live.taps.map(t => t.id)).toEqual([...live.taps.keys()])
    } finally {
      ping.kill()
      live.close()
    }
  })

  it('follows interfaces, and makes firewall bridges promiscuous that come and those that are there', () => {
    const promiscuity = (dev: string) =>
      JSON.parse(sh(`ip -n ${host.node} -j -d link show dev ${dev}`))[0].promiscuity as number
    sh(`ip -n ${host.node} link add fwbr100i0 type bridge`)
    const live = open([host.node])
    try {
      live.turnFor(50)
      expect(live.links).toEqual(expect.arrayContaining(['new lo', 'new guests', 'new uplink', 'new fwbr100i0']))
      expect(promiscuity('fwbr100i0')).toBe(1)
      live.links.length = 0
      sh(`ip -n ${host.node} link add fwbr101i0 type bridge`)
      sh(`ip -n ${host.node} link add other type bridge`)
      live.turnFor(50)
      expect(live.links).toEqual(expect.arrayContaining(['new fwbr101i0', 'new other']))
      expect(['fwbr100i0', 'fwbr101i0', 'other'].map(promiscuity)).toEqual([1, 1, 0])
      sh(`ip -n ${host.node} link delete fwbr101i0`)
      live.turnFor(50)
      expect(live.links).toContain('gone fwbr101i0')
    } finally {
      live.close()
    }
    expect(promiscuity('fwbr100i0')).toBe(0)
  })

  it('gives an interface that was renamed a new tap', () => {
    const live = open([host.node])
    const ping = () => {
      inside(host.server, 'ping -nc1 9.9.9.1')
      live.turnFor(100)
    }
    try {
      ping()
      sh(`ip -n ${host.node} link set uplink name wan`)
      live.turnFor(20)
      ping()
      expect(live.taps.map(t => [t.device, t.linkType])).toEqual([
        ['uplink', 1],
        ['wan', 1],
      ])
      expect(live.taps[0]!.ifindex).toBe(live.taps[1]!.ifindex)
    } finally {
      live.close()
    }
  })

  it('wakes at once when it is told to, and changes its filter', () => {
    const live = open([host.node])
    try {
      live.turnFor(20)
      live.refilter({ ...filter, four: [] })
      inside(host.server, 'ping -nc1 9.9.9.1')
      live.turnFor(100)
      expect(live.frames).toEqual([])
      signalEventfd(live.wakeFd)
      const began = performance.now()
      live.turn(10_000)
      expect(performance.now() - began).toBeLessThan(1_000)
      expect(live.woken()).toBe(1)
    } finally {
      live.close()
    }
  })

  it('does without a namespace that is not there, unless it is the first', () => {
    const live = open([host.node, 'no-such'])
    expect(live.missing.map(m => [m.netns, m.error.message])).toEqual([
      ['no-such', 'There is no network namespace no-such.'],
    ])
    expect(live.ringBytes).toBe(4 << 20)
    live.close()
    expect(() => open(['no-such', host.node])).toThrow(/^There is no network namespace no-such\.$/)
    expect(inside(host.node, 'cat /proc/net/packet').trim().split('\n')).toHaveLength(1)
  })

  it('hands over the last packets, too, when it is told to finish', () => {
    const live = open([host.node, host.server])
    // Not as fast as it goes: on an idle machine that is more than a small ring holds.
    const pings = spawn('ip', ['netns', 'exec', host.server, 'ping', '-nq', '-i0.002', '-w5', '9.9.9.1'], {
      stdio: 'ignore',
    })
    try {
      live.turnFor(300)
      live.finish()
      const frames = live.frames.length
      expect(frames).toBeGreaterThan(100)
      live.turnFor(200)
      expect(live.frames.length).toBe(frames)
      // Of every packet both ends were seen, but for one that was under way.
      const count = (where: string) => live.frames.filter(f => f.where === where && f.length === 98).length
      expect(Math.abs(count('server eth0 in') - count('node uplink out'))).toBeLessThanOrEqual(1)
    } finally {
      pings.kill()
      live.close()
    }
  })
})

describe('a watch of interfaces', () => {
  let watch: LinkWatch
  let process: ReturnType<typeof spawn>
  beforeEach(async () => {
    // A namespace without a name is reached by a process in it.
    process = spawn('ip', ['netns', 'exec', host.node, 'sleep', '600'])
    await sleep(200)
    const netns = openNamespace(`pid:${process.pid}`)
    watch = openLinkWatch(netns)
    closeSync(netns)
  })
  afterEach(() => {
    watch.close()
    process.kill()
  })

  const named = (events: readonly LinkEvent[]) =>
    events.map(e => (e.event === 'resync' ? e.event : `${e.event} ${e.name} ${e.kind} ${e.up ? 'up' : 'down'}`))

  it('tells what is there, and then what changes', () => {
    expect(named(watch.read())).toEqual(
      expect.arrayContaining(['new lo null up', 'new guests veth up', 'new uplink veth up']),
    )
    expect(watch.read()).toEqual([])
    sh(`ip -n ${host.node} link add br0 type bridge && ip -n ${host.node} tuntap add t0 mode tun`)
    expect(named(watch.read())).toEqual(['new br0 bridge down', 'new t0 tun down'])
    sh(`ip -n ${host.node} link set t0 up`)
    expect(named(watch.read()).at(-1)).toBe('new t0 tun up')
    sh(`ip -n ${host.node} link set uplink master br0`)
    const br0 = Number(inside(host.node, 'cat /sys/class/net/br0/ifindex'))
    expect(watch.read()).toContainEqual(expect.objectContaining({ event: 'new', name: 'uplink', master: br0 }))
    sh(`ip -n ${host.node} link set uplink nomaster`)
    expect(watch.read().map(e => ('name' in e ? [e.event, e.name, e.master] : e))).not.toContainEqual(
      expect.arrayContaining(['gone']),
    )
    sh(`ip -n ${host.node} link delete t0`)
    expect(named(watch.read()).at(-1)).toBe('gone t0 tun down')
  })

  it('says when it lost events, and tells everything anew', () => {
    watch.read()
    const changes = Array.from({ length: 2_000 }, (_, i) => `link set lo ${i % 2 === 0 ? 'down' : 'up'}`).join('\n')
    inside(host.node, `ip -batch - <<'E'\n${changes}\nlink add after type bridge\nE`)
    const events = [...watch.read(), ...watch.read()]
    expect(events[0]).toEqual({ event: 'resync' })
    expect(events.length).toBeLessThan(10)
    expect(named(events)).toEqual(expect.arrayContaining(['new lo null up', 'new after bridge down']))
    sh(`ip -n ${host.node} link delete after`)
    expect(named(watch.read())).toEqual(['gone after bridge down'])
  })
})
