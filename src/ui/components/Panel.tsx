import { Box, Text } from 'ink'
import type { ReactNode } from 'react'

/** A titled part of a screen: a rule with the title in it, then its lines. A mark and a bold title when it has the focus. */
export function Panel(props: { title: string; width: number; focused?: boolean; ascii: boolean; children: ReactNode }) {
  const rule = props.ascii ? '-' : '─'
  const title = ` ${props.title} `
  const tail = rule.repeat(Math.max(0, props.width - title.length - 2))
  return (
    <Box flexDirection="column" width={props.width}>
      <Text wrap="truncate">
        <Text dimColor={!props.focused}>{props.focused ? `${props.ascii ? '>' : '▸'}${rule}` : rule.repeat(2)}</Text>
        <Text bold={props.focused ?? false} color={props.focused ? 'cyan' : ''}>
          {title}
        </Text>
        <Text dimColor>{tail}</Text>
      </Text>
      {props.children}
    </Box>
  )
}
