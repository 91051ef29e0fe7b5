/** Shows the live screen of a run until the run ends or the user quits. */
import { glyphsFor } from '../term/glyphs.js'
import { mount } from './mount.js'
import { RunScreen, type RunSource } from './screens/RunScreen.js'

/** `stop` is called when the user quits; the result takes the screen off. */
export function showRun(source: RunSource, stop: () => void): () => Promise<void> {
  const ascii = glyphsFor(process.env).ok !== glyphsFor({ LANG: 'C.UTF-8' }).ok
  const mounted = mount(<RunScreen source={source} ascii={ascii} onQuit={stop} />, { ascii })
  return async () => {
    mounted.unmount()
    await mounted.done
  }
}
