/** The devices that the model predicts for a guest's echo through `nat64 run` are those on which a capture sees it. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { loadFacts } from '../../src/facts/load.js'
import { ping } from '../../src/lab/demo/probes.js'
import { enterLab } from '../../src/lab/enter.js'
import { LAB } from '../../src/lab/options.js'
import { modelHost } from '../../src/path/inventory.js'
import { value } from '../path/recording.js'
import { placesOf, predictedPlaces, readSightings } from '../path/sightings.js'
import { makeLab, product, type TestLab } from './lab-product.js'

const scratch = mkdtempSync(join(tmpdir(), 'nat64-stations-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** Captures on all devices of the node while `during` runs. */
async function capture(lab: TestLab, during: () => Promise<unknown>): Promise<Uint8Array> {
  const words = 'tcpdump --immediate-mode -U -s 256 -B 8192 -i any -y LINUX_SLL2 -w - icmp or icmp6'.split(' ')
  const [file, ...args] = enterLab(lab.name, 'node', words)
  const child = spawn(file as string, args)
  const chunks: Buffer[] = []
  child.stdout.on('data', chunk => chunks.push(chunk))
  const ended = new Promise(resolve => child.on('close', resolve))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', text => {
      said += text
      if (said.includes('listening on')) resolve()
    })
    child.on('error', reject)
    child.on('close', () => reject(new Error(`tcpdump: ${said}`)))
  })
  await during()
  for (let length = -1; length !== chunks.length; await sleep(300)) length = chunks.length
  child.kill('SIGINT')
  await ended
  return Buffer.concat(chunks)
}

describe.each(['routed', 'bridged'] as const)('uplink %s', uplink => {
  it.each(['all', 'none'] as const)('firewall: %s', async firewall => {
    const lab = await makeLab({ guests: 1, uplink, firewall })
    try {
      await lab.start()
      const file = join(scratch, `${lab.name}.json`)
      const saved = await lab.run('node', [...product, 'doctor', '--save-facts', file])
      expect(saved.stderr).not.toContain('cannot')
      const facts = loadFacts(file)
      const links = value(facts.links)
      // A bridge shows what it passes on to who asks for everything.
      for (const l of links) if (l.bridge) await lab.sh('node', `ip link set ${l.name} promisc on`)
      // Neighbours first: the echo that counts waits for nobody.
      expect((await ping(lab.name, 'vm100', LAB.host4in6, 1)).ok).toBe(true)
      const bytes = await capture(lab, () => lab.sh('vm100', `ping -c 1 -W 2 ${LAB.host4in6}`))
      const nameOf = (index: number) => links.find(l => l.index === index)?.name
      const seen = readSightings(bytes, nameOf, { pool6: LAB.pool6, target4: LAB.host4, sequence: 1 })
      const [prediction, ...more] = modelHost(facts, LAB.host4).predictions
      expect(more).toEqual([])
      expect(prediction?.path.delivered).toBe(true)
      for (const way of ['request', 'reply'] as const) {
        const predicted = prediction ? predictedPlaces(prediction.path[way]) : []
        const places = placesOf(seen, way)
        expect([...places].sort()).toEqual([...predicted].sort())
        // Without a time from its arrival, a bridge's copy comes after the frame that went on.
        const isNoCopy = (place: string) => !place.startsWith('fwbr')
        expect(places.filter(isNoCopy)).toEqual(predicted.filter(isNoCopy))
      }
    } finally {
      await lab.down()
    }
  })
})
