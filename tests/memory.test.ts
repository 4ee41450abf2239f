/** @module-tag slow */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, expect, it } from 'vitest'
import { IS_NIGHTLY } from './support/nightly.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PROGRAM = fileURLToPath(new URL('memory/programs/many-tokens.js', import.meta.url))
const KEY_IDS = fileURLToPath(new URL('memory/programs/many-key-ids.js', import.meta.url))
const FULL_CACHE = fileURLToPath(new URL('memory/programs/full-cache.js', import.meta.url))
const LONG_TOKENS = fileURLToPath(new URL('memory/programs/long-tokens.js', import.meta.url))
const MIB = 1024 * 1024
// A million takes half a minute or more. With fewer than 200,000 the heap has not settled.
const TOKENS = IS_NIGHTLY ? 1_000_000 : 200_000
const KEY_ID_TOKENS = IS_NIGHTLY ? 1_000_000 : 50_000
const LONG = IS_NIGHTLY ? 10_000 : 5000

/** The output of `many-tokens.js`: the growth of the heap in bytes, after a forced collection. */
interface Left {
  readonly allowed: number
  readonly rejected: number
  /** After two fifths of the tokens. */
  readonly early: number
  readonly late: number
  /** After `clear()`. */
  readonly cleared: number
  readonly leftResources: readonly string[]
}

let folder = join(ROOT, 'dist')

beforeAll(() => {
  if (process.env['WITH_AUTH_BUILT'] !== undefined) return undefined
  // `dist` may be old.
  folder = mkdtempSync(join(tmpdir(), 'with-auth-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '--outDir', folder], { cwd: ROOT })
  return () => rmSync(folder, { recursive: true, force: true })
})

it(`after ${TOKENS} tokens, only the cache holds memory, and no timer runs`, async () => {
  const entry = pathToFileURL(join(folder, 'index.js')).href
  // Rejects if the program does not end by itself: a timer would keep it alive.
  const args = ['--expose-gc', PROGRAM, entry, String(TOKENS)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 280_000 })
  const left = JSON.parse(stdout) as Left
  expect(left.allowed).toBe(TOKENS / 2 + 200)
  expect(left.rejected).toBe(TOKENS / 2 + 200)
  expect(left.leftResources).toEqual([])
  expect(left.late).toBeLessThan(32 * MIB)
  // Less than 18 bytes for each further token.
  expect(left.late - left.early).toBeLessThan(2 * MIB)
  expect(left.cleared).toBeLessThan(4 * MIB)
}, 300_000)

it('maxEntries bounds the heap of a full cache, whatever its identities look like', async () => {
  const entry = pathToFileURL(join(folder, 'index.js')).href
  const maxEntries = 625
  const maxBytes = 3355 * maxEntries
  const args = ['--expose-gc', FULL_CACHE, entry, String(maxEntries)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 })
  const found = Object.entries(JSON.parse(stdout) as Record<string, number>)
  expect(found).toHaveLength(4)
  // A quarter is for denials.
  const ratios = found.map(([name, bytes]) => [name, bytes / (0.75 * maxBytes)] as const)
  expect(ratios.filter(([, ratio]) => ratio > 1.3)).toEqual([])
  // Small identities fill the entries first, and large ones the bytes.
  expect(Math.min(...ratios.slice(2).map(([, ratio]) => ratio))).toBeGreaterThan(0.6)
}, 120_000)

it(`${LONG} tokens of 8 KB with 50 KB of query leave less than 40 MiB, denied or allowed`, async () => {
  const entry = pathToFileURL(join(folder, 'index.js')).href
  const args = ['--expose-gc', LONG_TOKENS, entry, String(LONG)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 110_000 })
  const found = JSON.parse(stdout) as number[]
  expect(found).toHaveLength(2)
  expect(Math.max(...found)).toBeLessThan(40 * MIB)
}, 120_000)

/** The output of `many-key-ids.js`. */
interface Flood {
  readonly fetches: number
  readonly seconds: number
  readonly grown: number
  readonly allowed: number
  readonly rejected: number
}

it(`${KEY_ID_TOKENS} tokens with made-up key ids cost five fetches and one each 6 s, no memory and no good caller`, async () => {
  const args = ['--expose-gc', KEY_IDS, pathToFileURL(folder).href, String(KEY_ID_TOKENS)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 280_000 })
  const { fetches, seconds, grown, allowed, rejected } = JSON.parse(stdout) as Flood
  expect([allowed, rejected]).toEqual([KEY_ID_TOKENS / 1000, KEY_ID_TOKENS - KEY_ID_TOKENS / 1000])
  expect(fetches).toBeLessThanOrEqual(1 + 5 + Math.ceil(seconds / 6))
  expect(grown).toBeLessThan(2 * MIB)
}, 300_000)
