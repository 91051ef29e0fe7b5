import { useStdout } from 'ink'
import { useEffect, useState } from 'react'

export interface WindowSize {
  readonly columns: number
  readonly rows: number
}

/** The terminal's size, followed while it changes. 80x24 where the stream does not know. */
export function useWindowSize(): WindowSize {
  const { stdout } = useStdout()
  const read = (): WindowSize => ({ columns: stdout.columns || 80, rows: stdout.rows || 24 })
  const [size, setSize] = useState(read)
  useEffect(() => {
    const onResize = () => setSize(read())
    stdout.on('resize', onResize)
    return () => {
      stdout.off('resize', onResize)
    }
  })
  return size
}
