/**
 * Metrics over HTTP: GET /metrics, and GET /-/healthy for those who only want to know whether packets flow. For this host
 * alone. Whatever a client does, it costs a bounded amount of memory for a bounded time.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ListenAt } from '../../config/run-config.js'
import { listenLocally, listenOn, type Served } from '../local-server.js'
import { CONTENT_TYPE } from './exposition.js'

export interface MetricsServer {
  readonly at: ListenAt
  close(): void
}

export interface MetricsHandler {
  /** The text of /metrics. */
  metrics(): string
  /** Says whether packets are moved. May take its time; is not asked twice at once. */
  isHealthy(): Promise<boolean>
}

const MAX_CLIENTS = 16
const MAX_HEADER = 4096
/** To send a request, ms. */
const REQUEST_MS = 5_000
/** A connection lives no longer, whatever it does; ms. */
const CONNECTION_MS = 10_000

/** Whoever may enter its directory may read it. */
export const METRICS_SOCKET: Served = { what: 'socket for metrics', flag: '--metrics', mode: 0o666 }

/**
 * Serves metrics, at `at` or on a socket that listens there already. Whoever may enter the directory of a Unix socket may read it, as anybody here may read the port: there
 * are numbers in it and no addresses of guests.
 * @throws UserError (exit status 3) when the place is taken or cannot be used
 */
export async function serveMetrics(
  at: ListenAt,
  handler: MetricsHandler,
  fd: number | null = null,
): Promise<MetricsServer> {
  // Only those who want metrics pay for it with memory.
  const { createServer } = await import('node:http')
  let asking: Promise<boolean> | null = null
  const isHealthy = () => {
    asking ??= handler.isHealthy().finally(() => {
      asking = null
    })
    return asking
  }
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER,
      headersTimeout: REQUEST_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => void answer(request, response, handler, isHealthy),
  )
  bound(server)
  await (fd === null ? listenLocally(server, at, METRICS_SOCKET) : listenOn(server, fd))
  return {
    at,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function bound(server: Server): void {
  server.maxConnections = MAX_CLIENTS
  // Many requests in one go would each be answered into memory.
  server.maxRequestsPerSocket = 1
  server.on('connection', socket => {
    const timer = setTimeout(() => socket.destroy(), CONNECTION_MS)
    socket.once('close', () => clearTimeout(timer))
  })
}

async function answer(
  { method, url = '' }: IncomingMessage,
  response: ServerResponse,
  handler: MetricsHandler,
  isHealthy: () => Promise<boolean>,
): Promise<void> {
  const reply = (status: number, text: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), connection: 'close' })
    response.end(text)
  }
  const path = url.split('?', 1)[0]
  if (method !== 'GET' && method !== 'HEAD') return reply(405, 'Only GET and HEAD.\n')
  try {
    if (path === '/metrics') return reply(200, handler.metrics(), CONTENT_TYPE)
    if (path !== '/-/healthy') return reply(404, 'There are /metrics and /-/healthy.\n')
    const healthy = await isHealthy().catch(() => false)
    reply(healthy ? 200 : 503, healthy ? 'Packets flow.\n' : 'The packet loop does not answer.\n')
  } catch (error) {
    reply(500, `${(error as Error).message}\n`)
  }
}
