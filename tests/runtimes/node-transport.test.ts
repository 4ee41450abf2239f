import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locate, locateModule } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

/** The versions of undici that `nodeTransport()` loads on each runtime. Scenarios and endpoint faults hold the rest. */

interface Manifest {
  readonly version: string
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const PROGRAM = 'ask-over-transport.js'
const ATTACKS = 'transport-attacks.js'
const ANSWERS = { good: 'alice', bad: 'denied', sent: 'denied', broken: 'service_error' }

/** A folder with the package, the program, and one of the versions of undici. */
function prepare(undici: string): string {
  const app = inject('app')
  const folder = mkdtempSync(join(app, 'transport-'))
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  cpSync(join(app, 'node_modules/with-auth'), join(modules, 'with-auth'), { recursive: true })
  cpSync(locateModule(undici), join(modules, 'undici'), { recursive: true })
  for (const program of [PROGRAM, ATTACKS]) cpSync(join(app, program), join(folder, program))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }))
  return folder
}

function run(binary: Binary, undici: string, ...args: string[]): unknown {
  const options = { cwd: prepare(undici), env: { NO_COLOR: '1' }, encoding: 'utf8' } as const
  return JSON.parse(execFileSync(locate(binary), args, options))
}

const UNDICIS = [
  ['20', 'undici7-lowest'],
  ['24', 'undici'],
  ['24', 'undici8-lowest'],
  ['24', 'undici8'],
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

it.each(UNDICIS)(
  'on Node %s over %s denies on a redirect, asks for each token, and allows good callers of an endpoint that closes idle connections',
  (major, undici) => {
    expect(run(findNode(major), undici, ATTACKS)).toEqual({
      redirected: { outcomes: Array.from({ length: 5 }, () => 'denied'), asked: 0 },
      cached: ['allow', 'denied', 'allow'],
      rejected: 0,
    })
  },
)

it.each([
  ['20', 'undici'],
  ['24', 'undici8'],
  ['26', 'undici8'],
])('asks on Node %s over %s', (major, undici) => {
  expect(run(findNode(major), undici, PROGRAM)).toEqual(ANSWERS)
})

it('asks on Deno', () => {
  expect(run(DENO, 'undici', 'run', '--no-prompt', '-A', PROGRAM)).toEqual(ANSWERS)
})

it('rejects `fetch: nodeTransport()` on Bun, whose undici is its own', () => {
  const message = expect.stringContaining('On Bun leave "fetch" out') as unknown
  expect(run(BUN, 'undici', PROGRAM)).toEqual({ name: 'AuthConfigError', message })
})
