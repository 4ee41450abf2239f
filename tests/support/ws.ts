import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whySkipped } from './installed.ts'
import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'

/** The package `ws`, which the tests of the runtimes install. */

type Data = string | Buffer

/** The part of a WebSocket of `ws` that is used. */
export interface RealWebSocket extends EventEmitter {
  readonly protocol: string
  readonly extensions: string
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Data, options?: { readonly fin?: boolean }): void
  ping(data?: Data): void
  close(code?: number, reason?: string): void
  terminate(): void
  pause(): void
  resume(): void
}

interface Ws {
  readonly WebSocket: new (
    url: string,
    protocols?: readonly string[],
    options?: { readonly headers?: Record<string, string>; readonly perMessageDeflate?: boolean },
  ) => RealWebSocket
  readonly WebSocketServer: new (options: {
    readonly server: Server
    readonly handleProtocols?: (offered: Set<string>) => string | false
    readonly perMessageDeflate?: boolean
    readonly maxPayload?: number
  }) => {
    readonly clients: ReadonlySet<RealWebSocket>
    on(
      event: 'connection',
      listener: (socket: RealWebSocket, incoming: IncomingMessage) => void,
    ): unknown
  }
}

const PACKAGE = fileURLToPath(new URL('../runtimes/package.json', import.meta.url))
const load = createRequire(PACKAGE)

/** Why the tests cannot run: continuous integration installs it. */
export const whyNoWs =
  existsSync(fileURLToPath(new URL('../runtimes/node_modules/ws', import.meta.url))) ||
  process.env['CI'] !== undefined
    ? undefined
    : whySkipped('ws is not installed: npm ci --prefix tests/runtimes')

export const loadWs = (): Ws => load('ws') as Ws
