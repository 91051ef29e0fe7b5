import { Text } from 'ink'

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
const ASCII = ['.', '.', ':', ':', '|', '|', '#', '#'] as const

/** Values as a row of bars, newest right, scaled to the largest; `width` columns. */
export function sparkline(values: readonly number[], width: number, ascii: boolean): string {
  const shown = values.slice(-width)
  const top = Math.max(...shown, 0)
  const blocks = ascii ? ASCII : BLOCKS
  const bars = shown.map(v => (top === 0 || v <= 0 ? ' ' : blocks[Math.min(7, Math.floor((v / top) * 7.999))]))
  return bars.join('').padStart(width)
}

export function Sparkline(props: { values: readonly number[]; width: number; colour: string; ascii: boolean }) {
  return <Text color={props.colour}>{sparkline(props.values, props.width, props.ascii)}</Text>
}
