/** All checks, in the order of their codes. One file, one check, one line here. */
import type { Check } from '../check.js'
import { joolHairpinFwbr } from './jool-hairpin-fwbr.js'

export const CHECKS: readonly Check[] = [joolHairpinFwbr]
