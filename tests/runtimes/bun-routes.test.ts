import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { describeRouted } from './raw-requests/routed.ts'
import { BUN_ROUTES } from './raw-requests/servers.ts'
import { BUN, locate } from './support/binaries.ts'

describeRouted(BUN_ROUTES)

interface Counts {
  readonly ran: number
  readonly rejected: number
  readonly notFound: number
  readonly differ: readonly unknown[]
}

it('a guarded route of Bun runs only what Bun finds by the canonical path, with the same parameters', async () => {
  const program = join(inject('app'), 'generated-routes.js')
  const seed = String(Date.now() % 1_000_000)
  const { stdout } = await promisify(execFile)(locate(BUN), [program, seed])
  const { differ, ...counts } = JSON.parse(stdout) as Counts
  expect({ seed, differ }).toEqual({ seed, differ: [] })
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(100)
})
