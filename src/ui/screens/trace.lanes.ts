/**
 * Lanes: a column a device in the order of the way, the translation as a double bar between the last of IPv6 and the first of
 * IPv4. Devices of several guests that do the same share a column. Pure.
 */

import { middle } from '../../term/format.js'
import type { Hop, LaneInfo } from '../../trace/core/traced.js'

export interface Column {
  /** As short as it has to be. */
  readonly name: string
  readonly family: 4 | 6
  readonly devices: readonly string[]
  /** Of its marker, from the left. */
  readonly x: number
}

export interface Lanes {
  readonly columns: readonly Column[]
  readonly width: number
  /** Of the double bar; -1: nothing is seen translated. */
  readonly bar: number
  /** A column stands for devices of several guests, so that rows have to say whose they are. */
  readonly isShared: boolean
}

/** Columns from a marker to the next: room for a short name, at least for an arrow; wider ones only look empty. */
const NARROWEST = 4
const WIDEST = 11
/** Longer names are cut before lanes are given up. */
const LONGEST_NAME = 6
/** From the double bar to the marker behind it. */
const BEHIND_BAR = 3

interface Group {
  readonly label: string
  readonly family: 4 | 6
  readonly devices: string[]
}

/** Divides `width` for lanes; null when there is no room for all of them. */
export function placeLanes(lanes: readonly LaneInfo[], width: number, ellipsis: string): Lanes | null {
  const groups = groupLanes(lanes)
  if (groups.length === 0) return null
  const border = groups.findIndex((g, i) => g.family === 4 && groups[i - 1]?.family === 6)
  const extra = border > 0 ? BEHIND_BAR : 0
  const least = groups.map(g => Math.max(NARROWEST, Math.min(stemOf(g.label).length, LONGEST_NAME) + 1))
  const spare = width + 1 - extra - least.reduce((sum, n) => sum + n, 0)
  if (spare < 0) return null
  const each = Math.floor(spare / groups.length)
  const gaps = least.map(n => Math.max(n, Math.min(n + each, WIDEST)))
  let x = 0
  const columns = groups.map(({ label, family, devices }, i): Column => {
    if (i === border) x += extra
    const gap = gaps[i] ?? NARROWEST
    const column = { name: shorten(label, gap - 1, ellipsis), family, devices, x }
    x += gap
    return column
  })
  return {
    columns,
    width: x - 1,
    bar: border > 0 ? (columns[border]?.x ?? 0) - BEHIND_BAR : -1,
    isShared: columns.some(c => c.devices.length > 1),
  }
}

/** Devices named by number, `tap100i0` and `tap101i0`, do the same for different guests. */
function groupLanes(lanes: readonly LaneInfo[]): Group[] {
  const groups = new Map<string, Group>()
  for (const { device, family, role } of lanes) {
    const isGuests = role === 'guest' || role === 'firewall'
    const key = `${family} ${isGuests ? stemOf(device) : device}`
    const group = groups.get(key)
    if (group) group.devices.push(device)
    else groups.set(key, { label: device, family, devices: [device] })
  }
  return [...groups.values()].map(g => (g.devices.length > 1 ? { ...g, label: stemOf(g.label) } : g))
}

/** `fwln` of `fwln100i0`: what a guest's device does, without whose it is. Other names say all they say as a whole. */
export function stemOf(device: string): string {
  return /^(tap|veth|vnet|fwbr|fwln|fwpr)\d/.exec(device)?.[1] ?? device
}

/** In so many columns: whole, else without numbers of a guest, else cut in the middle. */
export function shorten(device: string, width: number, ellipsis: string): string {
  if (device.length <= width) return device
  const stem = stemOf(device)
  return stem.length <= width ? stem : middle(stem, width, ellipsis)
}

/** The column of a hop, or -1. */
export function columnOf(lanes: Lanes, hop: Pick<Hop, 'device' | 'family'>): number {
  return lanes.columns.findIndex(c => c.family === hop.family && c.devices.includes(hop.device))
}

/** The column where a packet should have been seen next: the nearest of that device, `step` to the right or left; else -1. */
export function nextColumn(lanes: Lanes, from: number, device: string, step: 1 | -1): number {
  for (let i = from + step; i >= 0 && i < lanes.columns.length; i += step) {
    if (lanes.columns[i]?.devices.includes(device)) return i
  }
  return -1
}
