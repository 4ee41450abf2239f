import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locateModule } from './support/binaries.ts'
import { runProgram } from './support/run-program.ts'
import type { Binary } from './support/binaries.ts'

/** The versions of undici that `nodeTransport()` loads on each runtime. Scenarios and endpoint faults hold the rest. */

interface Manifest {
  readonly version: string
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const PROGRAM = 'transports.js'

/** A folder with the package, the program, and one of the versions of undici. */
function prepare(undici: string): string {
  const app = inject('app')
  const folder = mkdtempSync(join(app, 'transport-'))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  cpSync(join(app, 'node_modules/with-auth'), join(modules, 'with-auth'), { recursive: true })
  cpSync(locateModule(undici), join(modules, 'undici'), { recursive: true })
  cpSync(join(app, PROGRAM), join(folder, PROGRAM))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  return folder
}

// Deno does not tell undici in time that an endpoint has closed, so it rejects some good callers there.
const REJECTED = new Map<Binary, unknown>([[DENO, expect.any(Number)]])

const UNDICIS = [
  [findNode('20'), 'undici7-lowest'],
  [findNode('24'), 'undici'],
  [findNode('24'), 'undici8-lowest'],
  [findNode('26'), 'undici8'],
  [DENO, 'undici'],
] as const

it('has the lowest version of each major that the package takes', () => {
  const root = join(import.meta.dirname, '../..')
  const read = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8')) as Manifest
  const lowest = UNDICIS.filter(([, name]) => name.endsWith('-lowest')).map(
    ([, name]) => read(join(locateModule(name), 'package.json')).version,
  )
  const { peerDependencies } = read(join(root, 'package.json'))
  expect(peerDependencies?.['undici']).toBe(lowest.map((version) => `^${version}`).join(' || '))
})

it.each(UNDICIS.map(([binary, undici]) => [binary.name, undici, binary] as const))(
  'on %s over %s denies on a redirect, asks for each token, and allows good callers of an endpoint that closes idle connections',
  async (_name, undici, binary) => {
    const options = { cwd: prepare(undici), permissions: ['-A'] }
    expect(await runProgram(binary, [PROGRAM, 'attacked'], options)).toEqual({
      redirected: { outcomes: Array.from({ length: 5 }, () => 'denied'), asked: 0 },
      cached: ['alice', 'denied', 'alice'],
      rejected: REJECTED.get(binary) ?? 0,
    })
  },
)

it('rejects `fetch: nodeTransport()` on Bun, whose undici is its own', async () => {
  const program = `
    import { nodeTransport } from 'with-auth/node'
    try { nodeTransport() } catch ({ name, message }) { console.log(JSON.stringify({ name, message })) }
  `
  const message = expect.stringContaining('On Bun leave "fetch" out') as unknown
  expect(await runProgram(BUN, ['-e', program])).toEqual({ name: 'AuthConfigError', message })
})
