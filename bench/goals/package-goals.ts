import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { bundle } from '../../tests/runtimes/support/bundle.ts'
import { runNode } from '../support/runtimes.ts'
import { median } from '../summary.ts'
import type { Goal, Place } from './goal.ts'

type Found = Readonly<Record<string, number>>

const IMPORTS = 15
const TIME_OF_IMPORT =
  'const began = performance.now(); await import("with-auth"); console.log(performance.now() - began)'

export const PACKAGE_GOALS: readonly Goal[] = [
  sizeGoal('size/all', 'everything of `with-auth`', "export * from 'with-auth'", 14),
  sizeGoal('size/contract', '`withAuth` alone', "export { withAuth } from 'with-auth'", 13),
  {
    id: 'import',
    goal: 'Importing `with-auth` on Node takes at most 8 ms',
    find: async ({ app }) => {
      const times: number[] = []
      for (let index = 0; index < IMPORTS; index += 1) {
        times.push(Number(await runNode(app, '--input-type=module', '--eval', TIME_OF_IMPORT)))
      }
      const found = `${median(times).toFixed(1)} ms, at best ${Math.min(...times).toFixed(1)} ms`
      return { found, isReached: Math.min(...times) <= 8 }
    },
  },
  {
    id: 'memory',
    goal: 'Each of 10,000 cached decisions for tokens of 60 bytes takes at most 400 bytes',
    find: async ({ app }) => {
      const bytes = JSON.parse(await runNode(app, '--expose-gc', 'goal-memory.js')) as Found
      const found = Object.entries(bytes).map(([who, size]) => `${who}: ${Math.round(size)}`)
      const isReached = Object.values(bytes).every((size) => size <= 400)
      return { found: found.join(', '), isReached }
    },
  },
  {
    id: 'growth',
    goal: 'A hit costs the same with 100,000 cached decisions, beside 1,000 instances, and after many requests',
    find: async ({ app }) => {
      const ratios = JSON.parse(await runNode(app, 'goal-growth.js')) as Found
      const found = Object.entries(ratios).map(([what, ratio]) => `${what} ${ratio.toFixed(2)}`)
      return {
        found: `times as much: ${found.join(', ')}`,
        isReached: Object.values(ratios).every((ratio) => ratio < 1.25),
      }
    },
  },
]

function sizeGoal(id: string, what: string, program: string, limit: number): Goal {
  const goal = `A bundle of ${what} is at most ${limit} kB (minified, gzip)`
  const find = async ({ app }: Place): ReturnType<Goal['find']> => {
    const entry = join(app, 'size.js')
    const outfile = join(app, 'size.out.js')
    writeFileSync(entry, program)
    await bundle(entry, outfile, ['--format=esm', '--minify', '--target=es2022'])
    const kilobytes = gzipSync(readFileSync(outfile), { level: 9 }).byteLength / 1000
    return { found: `${kilobytes.toFixed(2)} kB`, isReached: kilobytes <= limit }
  }
  return { id, goal, find }
}
