import { Text } from 'ink'
import type { Binding } from '../keymap.js'
import { Panel } from './Panel.js'

/** Every key of a screen. */
export function Help(props: { keys: readonly Binding<string>[]; width: number; ascii: boolean }) {
  return (
    <Panel title="Keys" width={props.width} focused ascii={props.ascii}>
      {props.keys.map(b => (
        <Text key={b.action} wrap="truncate">
          {'  '}
          <Text color="cyan">{b.hint.padEnd(10)}</Text>
          {b.label}
        </Text>
      ))}
    </Panel>
  )
}
