/** Files, environment and signals that the manual names, and the pages each belongs to. */
import { DEFAULT_CONFIG_FILE } from '../../src/config/load.js'
import { DEFAULT_RUN_CONFIG } from '../../src/config/run-config.js'

/** Beside nat64(8), which has them all. */
export interface Place {
  readonly name: string
  readonly about: string
  readonly pages: readonly string[]
}

const { stateDir } = DEFAULT_RUN_CONFIG
const RUN_DIR = '/run/nat64'

export const FILES: readonly Place[] = [
  {
    name: DEFAULT_CONFIG_FILE,
    about: 'The configuration, see nat64.toml(5). It need not exist. Never looked for in the working directory.',
    pages: ['run', 'translate'],
  },
  {
    name: '/etc/nat64/NAME.toml',
    about: 'The configuration of the service nat64@NAME.',
    pages: ['run'],
  },
  {
    name: '/etc/jool/jool.conf, /etc/tayga.conf',
    about: 'Configurations of other translators, read as they are when --config names them.',
    pages: ['run', 'translate'],
  },
  {
    name: `${RUN_DIR}/DEVICE.sock`,
    about: 'The control socket of the translator on DEVICE: a JSON object a line, for root and the group nat64.',
    pages: ['run', 'status'],
  },
  {
    name: `${RUN_DIR}/DEVICE.journal.json`,
    about: 'What the translator on DEVICE has changed on this host, written before each change; for the undo.',
    pages: ['run'],
  },
  { name: `${RUN_DIR}/DEVICE.lock`, about: 'Held while a translator runs on DEVICE.', pages: ['run'] },
  {
    name: `${RUN_DIR}/DEVICE.loaded`,
    about:
      'The configuration in force on DEVICE, for the helper. In a network namespace DEVICE is NAME@INODE in all of these.',
    pages: ['run'],
  },
  {
    name: `${RUN_DIR}/doctor.fix.json`,
    about: 'What nat64 doctor --fix has changed; for its --undo.',
    pages: ['doctor'],
  },
  {
    name: `${RUN_DIR}/trace-PID.json`,
    about: 'What a trace has switched on, so that after a crash the next one switches it off.',
    pages: ['trace'],
  },
  {
    name: `${RUN_DIR}/DEVICE.log`,
    about: 'The log of a translator that --fix has started without systemd.',
    pages: ['doctor'],
  },
  {
    name: `${stateDir}/DEVICE.state`,
    about: 'Sessions of the last run, for the next start, which uses them once.',
    pages: ['run'],
  },
  {
    name: '/var/log/nat64/',
    about: 'Made by the service for the BIB log, see BIB LOG; /etc/logrotate.d/nat64 rotates *.jsonl there.',
    pages: ['run'],
  },
  {
    name: `${stateDir}/dynamic.map`,
    about: 'Mode pool: which guest has which IPv4 address, in the format of tayga.',
    pages: ['run'],
  },
]

export const ENVIRONMENT: readonly Place[] = [
  {
    name: 'NAT64_CONFIG',
    about: 'The configuration file, when --config does not name one.',
    pages: ['run', 'translate'],
  },
  {
    name: 'NAT64_RUNTIME_DIR',
    about: `Instead of ${RUN_DIR}: for containers in which that cannot be written.`,
    pages: ['run', 'status', 'doctor', 'trace'],
  },
  { name: 'NO_COLOR', about: 'Not empty: no colours.', pages: [] },
  { name: 'FORCE_COLOR', about: '1 to 3: colours, also into a pipe; 0: none. Stronger than NO_COLOR.', pages: [] },
  {
    name: 'TERM, COLORTERM',
    about: 'What colours the terminal has; TERM=dumb: none, and no signs beyond ASCII.',
    pages: [],
  },
  { name: 'LC_ALL, LC_CTYPE, LANG', about: 'A locale without UTF-8: no signs beyond ASCII.', pages: [] },
  {
    name: 'PATH',
    about: 'Where ip, nft and other programs are looked for, before /usr/sbin, /sbin, /usr/bin and /bin.',
    pages: [],
  },
  {
    name: 'STATE_DIRECTORY',
    about: `Set by systemd: instead of ${stateDir}, unless state-dir is configured.`,
    pages: ['run'],
  },
  {
    name: 'NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, INVOCATION_ID, JOURNAL_STREAM',
    about: 'Set by systemd: whom to tell that packets flow and that it is alive, and how to log.',
    pages: ['run'],
  },
]

export const SIGNALS: readonly Place[] = [
  {
    name: 'SIGTERM, SIGINT',
    about: 'Stop: sessions are saved, the host is put back as it was.',
    pages: ['run'],
  },
  {
    name: 'SIGHUP',
    about:
      'Read the configuration again. When it is wrong or cannot be applied, the old one stays in force. Sessions stay.',
    pages: ['run'],
  },
  { name: 'SIGUSR1', about: 'Log the status.', pages: ['run'] },
]
