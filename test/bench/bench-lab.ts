/** Programs in a lab, for `npm run bench`: what they say, processor time by thread, memory, packets by interface. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { enterLab } from '../../src/lab/enter.js'
import { type LabRole, namespaceOf } from '../../src/lab/options.js'
import { pause, run } from './net.js'

/** A program that was started in a lab. */
export interface LabProgram {
  readonly pid: number
  /** The end of what it wrote to standard output, once it has ended. */
  readonly done: Promise<string>
  /** Resolves when it says this, on either stream, from now on. Throws when it does not, or has ended. */
  says(text: string, withinMs: number): Promise<void>
  write(text: string): void
  signal(signal: NodeJS.Signals): void
}

const KEPT = 1 << 18

/** Starts a program; all that it writes is read, and the end of it kept. */
export function startInLab(lab: string, role: LabRole, argv: readonly string[]): LabProgram {
  const [file, ...rest] = enterLab(lab, role, argv) as [string, ...string[]]
  const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let errors = ''
  let ended = false
  const heard = new Set<(text: string) => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(-KEPT)
    for (const hear of heard) hear(text)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
    for (const hear of heard) hear(text)
  })
  child.stdin.on('error', () => {})
  const done = new Promise<string>(resolve =>
    child.once('close', () => {
      ended = true
      resolve(out)
    }),
  )
  return {
    pid: child.pid as number,
    done,
    says(text, withinMs) {
      const name = argv.find(a => !a.startsWith('-')) ?? file
      return new Promise((resolve, reject) => {
        let rest = ''
        const timer = setTimeout(() => end(new Error(`${name} did not say "${text}": ${errors.trim()}`)), withinMs)
        const hear = (more: string) => {
          rest = (rest + more).slice(-2 * KEPT)
          if (rest.includes(text)) end()
        }
        const end = (error?: Error) => {
          clearTimeout(timer)
          heard.delete(hear)
          if (error) reject(error)
          else resolve()
        }
        if (ended) end(new Error(`${name} ended: ${errors.trim()}`))
        else heard.add(hear)
      })
    },
    write: text => void child.stdin.write(text),
    signal: signal => void child.kill(signal),
  }
}

/** The process that a wrapper has started below itself. */
export async function childOf(pid: number): Promise<number> {
  for (let i = 0; i < 50; i++) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    if (child) return Number(child)
    await pause(50)
  }
  throw new Error(`process ${pid} has started nothing`)
}

/** Processor time so far, seconds: of the main thread, and of the busiest other one. */
export function threadTimes(pid: number): { readonly main: number; readonly busiest: number } {
  const times = readdirSync(`/proc/${pid}/task`).map(thread => {
    const fields = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return [Number(thread), (Number(fields[11]) + Number(fields[12])) / 100] as const
  })
  const main = times.find(([thread]) => thread === pid)?.[1] ?? Number.NaN
  return { main, busiest: Math.max(0, ...times.filter(([thread]) => thread !== pid).map(([, time]) => time)) }
}

/** The most resident memory that a process ever had, MB. */
export function peakMb(pid: number): number {
  const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes ?? Number.NaN) / 1024
}

/** Packets that came in or were to go out at these devices of the node so far, all together. */
export function passedIn(lab: string, devices: readonly string[]): number {
  const links = JSON.parse(run('ip', '-n', namespaceOf(lab, 'node'), '-s', '-j', 'link')) as {
    ifname: string
    stats64: Record<'rx' | 'tx', { packets: number; dropped: number }>
  }[]
  const counted = links.filter(l => devices.includes(l.ifname)).map(l => l.stats64)
  // A TUN device whose queue is full drops what captures have seen by then.
  return counted.reduce((sum, { rx, tx }) => sum + rx.packets + tx.packets + tx.dropped, 0)
}
