// The file tree of the Debian package: what dpkg-deb packs.
//   /usr/lib/nat64  the bundle, and koffi beside it    /usr/sbin/nat64  a link into it
//   manual, completions, units, /etc/nat64/nat64.toml, and dpkg's own files in DEBIAN
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { thirdParty } from './third-party.mjs'

const ARCHITECTURES = [
  { debian: 'amd64', koffi: '@koromix/koffi-linux-x64', prebuilt: 'linux_x64' },
  { debian: 'arm64', koffi: '@koromix/koffi-linux-arm64', prebuilt: 'linux_arm64' },
]
const MAINTAINER = 'The nat64 authors <nat64@nat64.example>'

/** Those that koffi's prebuilt part is installed for. */
export function architecturesOf(root) {
  const found = ARCHITECTURES.filter(a => existsSync(join(root, 'node_modules', a.koffi)))
  if (found.length === 0) throw new Error('no prebuilt koffi in node_modules: run npm ci')
  return found
}

/** Fills `tree`, which must not exist. */
export function stage({ root, dist, tree, architecture, version, epoch }) {
  const put = (path, content) => {
    const file = join(tree, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
  const packed = (path, content) => put(`${path}.gz`, gzipSync(content, { level: 9 }))
  const source = path => readFileSync(join(root, path))

  cpSync(dist, join(tree, 'usr/lib/nat64'), { recursive: true })
  moveGenerated(tree, packed, put)
  const bin = 'usr/lib/nat64/src/bin.js'
  // The Node that the package depends on, whatever else is on the PATH.
  put(bin, readFileSync(join(tree, bin), 'utf8').replace(/^#!.*/, '#!/usr/bin/node'))
  mkdirSync(join(tree, 'usr/sbin'), { recursive: true })
  symlinkSync('../lib/nat64/src/bin.js', join(tree, 'usr/sbin/nat64'))
  copyKoffi(root, tree, architecture)

  put('etc/nat64/nat64.toml', source('packaging/nat64.toml'))
  put('etc/logrotate.d/nat64', source('packaging/nat64.logrotate'))
  for (const unit of ['nat64.service', 'nat64@.service'])
    put(`usr/lib/systemd/system/${unit}`, source(`packaging/${unit}`))
  for (const example of ['alerts.yml', 'dashboard.json'])
    put(`usr/share/doc/nat64/examples/${example}`, source(`packaging/metrics/${example}`))
  put('usr/share/doc/nat64/threat-model.md', source('docs/threat-model.md'))
  put('usr/share/doc/nat64/copyright', copyright(root, readFileSync(join(dist, 'THIRD-PARTY.txt'), 'utf8')))
  packed('usr/share/doc/nat64/changelog', changelog(source('CHANGELOG.md').toString(), version, epoch))

  const files = filesOf(tree)
  put('DEBIAN/md5sums', files.map(f => `${md5(join(tree, f))}  ${f}\n`).join(''))
  put('DEBIAN/conffiles', '/etc/logrotate.d/nat64\n/etc/nat64/nat64.toml\n')
  for (const script of ['postinst', 'prerm', 'postrm']) put(`DEBIAN/${script}`, source(`packaging/debian/${script}`))
  const bytes = files.reduce((sum, f) => sum + Math.ceil(statSync(join(tree, f)).size / 1024) * 1024, 0)
  const glibc = glibcOf(
    readFileSync(join(tree, 'usr/lib/nat64/node_modules', architecture.koffi, architecture.prebuilt, 'koffi.node')),
  )
  put('DEBIAN/control', control({ version, architecture: architecture.debian, kib: bytes / 1024, glibc }))
  normalise(tree, epoch)
}

/** Manual and completions go where Debian's programs look for them. */
function moveGenerated(tree, packed, put) {
  const lib = join(tree, 'usr/lib/nat64')
  for (const page of readdirSync(join(lib, 'man'))) {
    packed(`usr/share/man/man${page.slice(-1)}/${page}`, readFileSync(join(lib, 'man', page)))
  }
  const completions = {
    'nat64.bash': 'usr/share/bash-completion/completions/nat64',
    _nat64: 'usr/share/zsh/vendor-completions/_nat64',
    'nat64.fish': 'usr/share/fish/vendor_completions.d/nat64.fish',
  }
  for (const [name, path] of Object.entries(completions)) put(path, readFileSync(join(lib, 'completions', name)))
  for (const moved of ['man', 'completions', 'THIRD-PARTY.txt']) rmSync(join(lib, moved), { recursive: true })
}

/** koffi's JavaScript, and its prebuilt part for this architecture and glibc; not the sources that it could be made of. */
function copyKoffi(root, tree, { koffi, prebuilt }) {
  const to = join(tree, 'usr/lib/nat64/node_modules')
  const take = (name, wanted) => {
    const from = join(root, 'node_modules', name)
    const filter = path => {
      const inside = relative(from, path)
      return inside === '' || statSync(path).isDirectory() ? !/^(doc|lib|vendor)\b/.test(inside) : wanted.test(inside)
    }
    cpSync(from, join(to, name), { recursive: true, filter, dereference: true })
  }
  take('koffi', /^(package\.json|(indirect|index)\.c?js|src\/koffi\/.*\.c?js)$/)
  take(koffi, new RegExp(`^(package\\.json|index\\.js|${prebuilt}/.*)$`))
  removeEmpty(to)
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name))
  }
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true })
}

/** Regular files and links below `tree`, sorted, without DEBIAN. */
function filesOf(tree) {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter(e => !e.isDirectory() && !e.isSymbolicLink())
    .map(e => relative(tree, join(e.parentPath ?? e.path, e.name)))
    .filter(path => !path.startsWith('DEBIAN/'))
    .sort()
}

const md5 = file => createHash('md5').update(readFileSync(file)).digest('hex')

/** Whatever the umask is, whenever it was made, and however koffi was packed: what begins with #! is executable. */
function normalise(tree, epoch) {
  for (const entry of readdirSync(tree, { withFileTypes: true })) {
    const path = join(tree, entry.name)
    if (entry.isDirectory()) normalise(path, epoch)
    else if (entry.isFile()) chmodSync(path, readFileSync(path, 'latin1').startsWith('#!') ? 0o755 : 0o644)
    lutimesSync(path, epoch, epoch)
  }
  chmodSync(tree, 0o755)
  utimesSync(tree, epoch, epoch)
}

/** The newest version of glibc that a library asks for. */
function glibcOf(library) {
  const versions = [...library.toString('latin1').matchAll(/GLIBC_2\.(\d+)/g)].map(m => Number(m[1]))
  return `2.${Math.max(...versions)}`
}

const control = ({ version, architecture, kib, glibc }) => `Package: nat64
Version: ${version}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kib}
Depends: adduser, nodejs (>= 20.19), iproute2, nftables, libc6 (>= ${glibc}), libgcc-s1, libstdc++6
Recommends: ethtool, iptables, iputils-ping
Suggests: systemd
Section: net
Priority: optional
Description: doctor and translator for NAT64 on Linux and Proxmox hosts
 IPv6-only guests reach IPv4 through a translator (NAT64). When that fails,
 packets vanish without a word. This program says why, and is the way out:
 .
 nat64 doctor models the way of each guest's packets through bridges,
 firewall and translator (Jool, Tayga or its own), and names what is wrong,
 cause first, with evidence and remedies.
 .
 nat64 run translates on a TUN device, without a kernel module: stateful
 NAT64 (RFC 6146), SIIT with EAM (RFC 7915, RFC 7757), or one IPv4 address a
 guest. It sets up what it needs, and takes it back when it ends.
`

/** Debian has this licence on every system, and wants no copies of it. */
const APACHE = /^\s*Apache License\s+Version 2\.0, January 2004[\s\S]*?END OF TERMS AND CONDITIONS$/gm

const rule = `\n${'-'.repeat(78)}\n\n`

function copyright(root, bundled) {
  const own = readFileSync(join(root, 'LICENSE'), 'utf8')
  const koffi = thirdParty(root, ['node_modules/koffi/index.js'])
  const all = `nat64\n\n${own}${rule}Beside it in this package:\n\n${koffi}${rule}Bundled with it:\n\n${bundled}`
  return all.replace(APACHE, 'The Apache License, Version 2.0, is in /usr/share/common-licenses/Apache-2.0.')
}

/** The newest part of CHANGELOG.md in Debian's form. */
function changelog(markdown, version, epoch) {
  const [, newest = ''] = markdown.split(/^## .*$/m)
  const items = newest
    .replace(/\n {2,}/g, ' ')
    .split('\n')
    .filter(line => line.startsWith('- '))
    .map(line => `  * ${line.slice(2)}`.replace(/(.{1,74})(?:\s+|$)/g, '$1\n    ').trimEnd())
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')
  return `nat64 (${version}) stable; urgency=medium\n\n${items.join('\n')}\n\n -- ${MAINTAINER}  ${date}\n`
}
