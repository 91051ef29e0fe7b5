import { expect, it } from 'vitest'
import { splitExec } from '../../src/lab/exec.js'

it.each<[string, string[], string[]]>([
  ['vm100 -- ping -c 1 -W 1 x', ['vm100'], ['ping', '-c', '1', '-W', '1', 'x']],
  ['--name a node -- nat64 run --json', ['--name', 'a', 'node'], ['nat64', 'run', '--json']],
  ['node ip -6 route', ['node'], ['ip', '-6', 'route']],
  ['--json inet -- sh -c -- x', ['--json', 'inet'], ['sh', '-c', '--', 'x']],
  ['vm100 -- echo node', ['vm100'], ['echo', 'node']],
  ['elsewhere -- echo node', ['elsewhere'], ['echo', 'node']],
  ['--help', ['--help'], []],
  ['vm100', ['vm100'], []],
])('splitExec: %s', (line, ours, command) => {
  expect(splitExec(line.split(' '))).toEqual({ ours, command })
})
