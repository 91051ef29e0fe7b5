/** A TCP transfer from the server to the guest that takes some seconds, and whether all of it came. */
import { spawn } from 'node:child_process'
import { expect } from 'vitest'
import { type TestHost, watch } from './run-host.js'

const server = (blocks: number) => `
  const { createHash } = require('node:crypto')
  require('node:net').createServer(s => {
    const hash = createHash('sha256'); let n = 0
    const t = setInterval(() => {
      if (n++ === ${blocks}) { clearInterval(t); s.end(); console.log('sent ' + hash.digest('hex')); return }
      const block = Buffer.alloc(50_000, n); hash.update(block); s.write(block)
    }, 50)
    s.on('error', e => console.log('error ' + e.code))
  }).listen(8080, () => console.log('listening'))`
const CLIENT = `
  const hash = require('node:crypto').createHash('sha256'); let n = 0
  const s = require('node:net').connect(8080, '64:ff9b::909:902')
  s.on('data', d => { if (n === 0) console.log('receiving'); hash.update(d); n += d.length })
  s.on('end', () => console.log('got ' + hash.digest('hex')))
  s.on('error', e => console.log('error ' + e.code))`

export interface Transfer {
  /** Waits for its end; all that was sent has come. */
  isWhole(ms?: number): Promise<void>
  /** Ends it, wherever it is. */
  stop(): Promise<void>
}

/** Starts a transfer of 1 MB a second; resolves when the first bytes have come. */
export async function startTransfer(host: TestHost, seconds: number): Promise<Transfer> {
  const script = (netns: string, text: string) =>
    watch(
      host,
      spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', text], { stdio: ['ignore', 'pipe', 'pipe'] }),
    )
  const sender = script(host.server, server(seconds * 20))
  await sender.says(/listening/)
  const receiver = script(host.guest, CLIENT)
  await receiver.says(/receiving/)
  const stop = async () => void (await Promise.all([sender.stop('SIGKILL'), receiver.stop('SIGKILL')]))
  return {
    stop,
    async isWhole(ms = 60_000) {
      await receiver.says(/got [0-9a-f]{64}/, ms)
      const hashOf = (text: string) => /(?:sent|got) (\S+)/.exec(text)?.[1]
      expect(hashOf(receiver.done().out)).toBe(hashOf(sender.done().out))
      await stop()
    },
  }
}
