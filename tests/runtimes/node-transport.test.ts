import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locate, locateModule } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

/** Where `nodeTransport()` loads which undici. What it then does is in the scenarios, and among the endpoint faults. */

const PROGRAM = 'ask-over-transport.js'
const ANSWERS = { good: 'alice', bad: 'denied', sent: 'denied', broken: 'service_error' }

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

function run(binary: Binary, undici: string, ...args: string[]): unknown {
  const options = { cwd: prepare(undici), env: { NO_COLOR: '1' }, encoding: 'utf8' } as const
  return JSON.parse(execFileSync(locate(binary), [...args, PROGRAM], options))
}

it.each([
  ['20', 'undici'],
  ['24', 'undici8'],
  ['26', 'undici8'],
])('asks on Node %s over %s', (major, undici) => {
  expect(run(findNode(major), undici)).toEqual(ANSWERS)
})

it('asks on Deno', () => {
  expect(run(DENO, 'undici', 'run', '--no-prompt', '-A')).toEqual(ANSWERS)
})

it('is refused on Bun, whose undici is its own', () => {
  const message = expect.stringContaining('on Bun leave "transport" out') as unknown
  expect(run(BUN, 'undici')).toEqual({ name: 'AuthConfigError', message })
})
