/** How a command gets into a lab. */
import { existsSync } from 'node:fs'
import { type LabRole, namespaceOf } from './options.js'

/** Where everything about labs and running translators lives. */
export const RUN_DIR = '/run/nat64'
/** Where `nat64 run` keeps sessions over a restart. */
export const STATE_DIR = '/var/lib/nat64'

/** Directory of a lab; its folders `run` and `lib` are the node's own {@link RUN_DIR} and {@link STATE_DIR}. */
export const labDirectory = (lab: string): string => `${RUN_DIR}/lab-${lab}.d`
/** Directories with a `nat64` for commands in a lab: as seen from the node, and from elsewhere. */
export const labBin = (lab: string): readonly string[] => [`${RUN_DIR}/bin`, `${labDirectory(lab)}/run/bin`]
export const labStateFile = (lab: string): string => `${RUN_DIR}/lab-${lab}.json`

/**
 * The command line that runs `argv` in a namespace of a lab, for spawn(). The node gets directories of its own for what
 * `nat64 run` leaves in the file system, so that translators of several labs, and one of the host, do not meet.
 */
export function enterLab(lab: string, role: LabRole, argv: readonly string[]): readonly string[] {
  const enter = ['ip', 'netns', 'exec', namespaceOf(lab, role)]
  if (role !== 'node') return [...enter, ...argv]
  const own = labDirectory(lab)
  const mounts = existsSync(STATE_DIR) ? [`${own}/lib`, STATE_DIR, `${own}/run`, RUN_DIR] : [`${own}/run`, RUN_DIR]
  const script = 'while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"'
  return [...enter, 'sh', '-ec', script, 'sh', ...mounts, '--', ...argv]
}
