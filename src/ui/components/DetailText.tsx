import { Text } from 'ink'
import type { DetailLine } from '../detail.js'

const COLOURS: Readonly<Partial<Record<DetailLine['tone'], string>>> = {
  mark: 'yellow',
  bad: 'red',
  good: 'green',
  command: 'cyan',
}

/** A line of details in the colour of its tone. */
export function DetailText(props: { line: DetailLine; ascii: boolean }) {
  const { tone } = props.line
  const text = props.ascii ? props.line.text.replaceAll('·', '-').replaceAll('§', 'section ') : props.line.text
  return (
    <Text
      wrap="truncate"
      bold={tone === 'title' || tone === 'heading'}
      dimColor={tone === 'dim'}
      color={COLOURS[tone] ?? ''}
    >
      {` ${text === '' ? ' ' : text}`}
    </Text>
  )
}
