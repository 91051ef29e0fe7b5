/**
 * What the lab's hosts answer with, as a program for `node -e`: it must run from nowhere, as a process of its own, long
 * after the command that started it has ended.
 *
 * HTTP on the ports given: `/` says who asked whom; `/bytes/N` sends N bytes with their SHA-256 in the header
 * `content-sha256`; a body sent by POST or PUT is answered with its length and SHA-256. UDP port 7 of each address echoes: from the address that
 * was asked, which a socket for all addresses would not do.
 */
export const HOST_PROGRAM = String.raw`
const http = require('node:http'), dgram = require('node:dgram'), fs = require('node:fs'), crypto = require('node:crypto')
const [readyFile, portList, ...addresses] = process.argv.slice(1)
const ports = portList.split(',')
const block = Buffer.alloc(65536)
for (let i = 0, x = 1; i < block.length; i++) { x = (Math.imul(x, 1103515245) + 12345) >>> 0; block[i] = x >>> 16 }
const pieces = function * (n) { for (; n > 0; n -= block.length) yield n < block.length ? block.subarray(0, n) : block }
const plain = a => (a || '').replace(/^::ffff:/, '')
function answer(request, response) {
  const wanted = /^\/bytes\/(\d+)$/.exec(request.url)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const hash = crypto.createHash('sha256')
    let length = 0
    request.on('data', d => { hash.update(d); length += d.length })
    request.on('end', () => response.end(JSON.stringify({ length, sha256: hash.digest('hex') }) + '\n'))
    return
  }
  if (wanted) {
    const hash = crypto.createHash('sha256')
    for (const piece of pieces(+wanted[1])) hash.update(piece)
    response.writeHead(200, { 'content-length': +wanted[1], 'content-sha256': hash.digest('hex') })
    require('node:stream').Readable.from(pieces(+wanted[1])).pipe(response)
    return
  }
  const s = request.socket
  response.end('Hello ' + plain(s.remoteAddress) + ', this is ' + plain(s.localAddress) + ' port ' + s.localPort + '.\n')
}
let waiting = ports.length + addresses.length
const ready = () => { if (--waiting === 0) fs.writeFileSync(readyFile, String(process.pid)) }
for (const port of ports) http.createServer(answer).listen(+port, '::', ready)
for (const address of addresses) {
  const socket = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (data, from) => socket.send(data, from.port, from.address)).bind(7, address, ready)
}
`
