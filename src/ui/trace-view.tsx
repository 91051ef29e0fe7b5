/** Shows the screen of a trace until the user leaves it. */
import { copy } from './clipboard.js'
import { mount } from './mount.js'
import { TraceScreen, type TraceSource } from './screens/TraceScreen.js'

export async function showTrace(
  source: Omit<TraceSource, 'copy'>,
  options: { readonly ascii: boolean },
): Promise<void> {
  const { ascii } = options
  await mount(<TraceScreen source={{ ...source, copy }} ascii={ascii} />, { ascii }).done
}
