/** Shows the screen of `nat64 compare` until the user leaves it. */
import { glyphsFor } from '../term/glyphs.js'
import { copy } from './clipboard.js'
import { mount } from './mount.js'
import { CompareScreen, type CompareSource } from './screens/CompareScreen.js'

export async function showCompare(source: Omit<CompareSource, 'copy'>): Promise<void> {
  const ascii = glyphsFor(process.env).ok !== glyphsFor({ LANG: 'C.UTF-8' }).ok
  await mount(<CompareScreen source={{ ...source, copy }} ascii={ascii} />, { ascii }).done
}
