import { expect, inject, it } from 'vitest'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { startKeyServer } from './support/key-server.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { Start } from './support/served-program.ts'

const CONTRACT = 'jwt-contract.js'
const RUNTIMES: readonly (readonly [name: string, start: Start])[] = [
  ...SOME_NODES.map((node) => [node.name, onSrvx(node, CONTRACT)] as const),
  ['Bun', onCommand(BUN, '--port=0', CONTRACT)],
  ['Deno', onCommand(DENO, ...DENO_SERVE, CONTRACT)],
  ['workerd', onWorkerd(CONTRACT)],
]

it.each(RUNTIMES)(
  'jwt() keeps its contract on %s',
  async (_name, start) => {
    const keys = await startKeyServer()
    const server = await start(inject('app'), {})
    try {
      const response = await fetch(`${server.url}/?issuer=${encodeURIComponent(keys.issuer)}`)
      expect(await response.json()).toEqual({ passed: 5, failures: [] })
    } finally {
      await Promise.all([server.stop(), keys.close()])
    }
  },
  60_000,
)
