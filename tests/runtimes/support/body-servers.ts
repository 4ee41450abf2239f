import { BUN, NODES } from './binaries.ts'
import { onCommand, onDenoServe, onSrvx, onWorkerd } from './served-program.ts'
import type { Start } from './served-program.ts'

/** A runtime that serves `servers/bodies.js`. */
export interface BodyServer {
  readonly name: string
  /** How a handler learns that the client of a stream is gone. */
  readonly tells: readonly string[]
  readonly start: Start
}

const BOTH = ['ABORTED', 'CANCELLED']

const node = NODES.filter(({ name }) => name === 'Node 24').flatMap((binary): BodyServer[] => [
  {
    name: `${binary.name} with @hono/node-server`,
    tells: BOTH,
    start: onCommand(binary, 'bodies-node-server.js'),
  },
  { name: `${binary.name} with srvx`, tells: BOTH, start: onSrvx(binary, 'bodies.js') },
])

export const BODY_SERVERS: readonly BodyServer[] = [
  ...node,
  { name: 'Bun', tells: BOTH, start: onCommand(BUN, '--port=0', 'bodies-bun.js') },
  { name: 'Deno', tells: BOTH, start: onDenoServe('bodies.js') },
  // Its `request.signal` aborts with the flag `enable_request_signal` only.
  { name: 'workerd', tells: ['CANCELLED'], start: onWorkerd('bodies.js') },
]
