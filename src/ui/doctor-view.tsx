/** Shows the doctor's screen until the user leaves it. */
import { glyphsFor } from '../term/glyphs.js'
import { copy } from './clipboard.js'
import { mount } from './mount.js'
import { DoctorScreen, type DoctorSource } from './screens/DoctorScreen.js'

/** Resolves with the code whose remedy is to be applied, or null. */
export async function showDoctor(source: Omit<DoctorSource, 'copy' | 'fix'>, canFix: boolean): Promise<string | null> {
  const ascii = glyphsFor(process.env).ok !== glyphsFor({ LANG: 'C.UTF-8' }).ok
  let code: string | null = null
  const whole: DoctorSource = { ...source, copy, fix: canFix ? wanted => (code = wanted) : null }
  await mount(<DoctorScreen source={whole} ascii={ascii} />, { ascii }).done
  return code
}
