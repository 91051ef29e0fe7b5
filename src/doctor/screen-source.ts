/** What the doctor's screen is fed with. */
import { resolve } from 'node:path'
import type { DoctorReport } from './report/report.js'
import { type Doctor, type DoctorRequest, type Examined, keep, paper, write } from './service.js'
import { type Change, settle, startWatching, type Watched } from './watch.js'

/** A look; while watching with what changed once that has settled. */
export interface Look {
  readonly report: DoctorReport
  readonly change?: Change
}

export interface ScreenSource {
  look(): Promise<Look>
  readonly everySeconds: number
  save(report: DoctorReport): string
  /** The last look, for the exit status. */
  last(): DoctorReport | null
}

/** Begins to look at once. Files that were asked for are written with the first look. */
export function screenSource(doctor: Doctor, request: DoctorRequest, everySeconds: number): ScreenSource {
  let last: DoctorReport | null = null
  let watched: Watched | null = null
  const noted = async (examining: Promise<Examined>): Promise<Examined> => {
    const examined = await examining
    last = examined.report
    return examined
  }
  let first: Promise<Examined> | null = noted(doctor.examine()).then(examined => {
    keep(request, examined)
    return examined
  })
  // Whoever awaits it gets the error; until then it is no unhandled one.
  first.catch(() => undefined)
  return {
    async look() {
      const examining = first ?? noted(doctor.examine())
      first = null
      const { report } = await examining
      if (everySeconds === 0) return { report }
      if (watched === null) {
        watched = startWatching(report)
        return { report }
      }
      const settled = settle(watched, report)
      watched = settled.watched
      return { report, change: settled.change }
    },
    everySeconds,
    save(report) {
      const time = report.facts.at.replace(/\D/g, '').slice(0, 14)
      const path = resolve(`nat64-doctor${time && `-${time}`}.txt`)
      write(path, paper(report))
      return path
    },
    last: () => last,
  }
}
