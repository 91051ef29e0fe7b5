/** Shows the screen of a trace until the user leaves it. */
import { copy } from './clipboard.js'
import { mount } from './mount.js'
import { TraceScreen, type TraceSource } from './screens/TraceScreen.js'

/** Resolves when the user leaves it; when `failed` gives an error first, the screen is taken off and the error thrown. */
export async function showTrace(
  source: Omit<TraceSource, 'copy'>,
  options: { readonly ascii: boolean; readonly failed: Promise<Error> },
): Promise<void> {
  const { ascii, failed } = options
  const mounted = mount(<TraceScreen source={{ ...source, copy }} ascii={ascii} />, { ascii })
  const error = await Promise.race([mounted.done.then(() => null), failed])
  if (error === null) return
  mounted.unmount()
  await mounted.done
  throw error
}
