/**
 * Sends the packets of an attack, in the namespace where it is started, through a TUN device of its own:
 * `node flood.js NAME RATE COUNT`. Says "ready", waits for a line, sends, says how many and in what time as JSON.
 */
import { mapMemory, write } from '../../src/host/libc.js'
import { openTun } from '../../src/host/tun.js'
import { ATTACKS, packetOf } from './attacks.js'
import { DEVICE } from './places.js'

/** What is behind schedule after a pause is sent in one go, up to so many seconds' worth. */
const CATCH_UP = 0.01

export interface Flooded {
  readonly sent: number
  readonly refused: number
  readonly seconds: number
}

function flood(name: string, rate: number, count: number): void {
  const attack = ATTACKS.find(a => a.name === name)
  const slot = mapMemory(65536)
  if (attack === undefined || slot === null) throw new Error(`no attack ${name}`)
  const tun = openTun({ name: DEVICE, vnetHeader: false })
  const bytes = new Uint8Array(slot.buffer)
  const fd = tun.fds[0]!
  let sent = 0
  let refused = 0
  const start = () => {
    const began = performance.now()
    let skipped = 0
    const step = () => {
      const due = ((performance.now() - began) / 1000) * rate - skipped
      const done = sent + refused
      skipped += Math.max(0, due - done - rate * CATCH_UP)
      for (let n = Math.min(due - done, rate * CATCH_UP, count - done); n >= 1; n--) {
        const b = packetOf(attack, sent + refused)
        bytes.set(b)
        if (write(fd, slot.address, b.length) === b.length) sent++
        else refused++
      }
      if (sent + refused < count) setTimeout(step, 1)
      else {
        const result: Flooded = { sent, refused, seconds: (performance.now() - began) / 1000 }
        console.log(JSON.stringify(result))
        // The device stays until standard input ends, so that answers have somewhere to go.
      }
    }
    step()
  }
  process.stdin.once('data', start)
  process.stdin.once('end', () => process.exit(0))
  console.log('ready')
}

const [name = '', rate = '', count = ''] = process.argv.slice(2)
flood(name, Number(rate), Number(count))
