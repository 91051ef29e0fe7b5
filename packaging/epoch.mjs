// The time that everything built here bears, seconds since 1970: so that the same sources give the same bytes.
//   $SOURCE_DATE_EPOCH (reproducible-builds.org), else the last commit's, else the newest date of CHANGELOG.md
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export function sourceDateEpoch(root, env = process.env) {
  if (/^\d+$/.test(env.SOURCE_DATE_EPOCH ?? '')) return Number(env.SOURCE_DATE_EPOCH)
  const git = spawnSync('git', ['-C', root, 'log', '-1', '--format=%ct'], { encoding: 'utf8' })
  if (git.status === 0 && /^\d+$/.test(git.stdout.trim())) return Number(git.stdout.trim())
  const dates = readFileSync(join(root, 'CHANGELOG.md'), 'utf8').match(/^## .*\b\d{4}-\d\d-\d\d$/gm) ?? []
  const [newest = '1980-01-01'] = dates.map(line => line.slice(-10)).sort((a, b) => (a < b ? 1 : -1))
  return Date.parse(newest) / 1000
}

/** `2026-01-31` */
export const dayOf = epoch => new Date(epoch * 1000).toISOString().slice(0, 10)
