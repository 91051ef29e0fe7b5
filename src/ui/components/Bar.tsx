import { Text } from 'ink'

/** How full something is, as a bar of `width` columns; yellow from 75 %, red from 90 %. */
export function Bar(props: { used: number; limit: number; width: number; ascii: boolean }) {
  const share = props.limit > 0 ? Math.min(1, props.used / props.limit) : 0
  const filled = props.used > 0 ? Math.max(1, Math.round(share * props.width)) : 0
  const colour = share >= 0.9 ? 'red' : share >= 0.75 ? 'yellow' : 'green'
  const [on, off] = props.ascii ? ['#', '.'] : ['█', '░']
  return (
    <Text>
      <Text color={colour}>{on.repeat(filled)}</Text>
      <Text dimColor>{off.repeat(props.width - filled)}</Text>
    </Text>
  )
}
