import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, findNode, locate } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

const run = promisify(execFile)

type Costs = readonly [
  hit: number,
  hitOfMany: number,
  hitWithTold: number,
  rejection: number,
  miss: number,
]

/**
 * The most that each may cost, as a multiple of a gate by hand in the same process: a third more than the most of twenty runs in a
 * row on two busy cores. A URL object for each hit exceeds it on Node and Deno.
 */
const MOST: readonly (readonly [Binary, args: readonly string[], Costs])[] = [
  [findNode('24'), [], [4.8, 5.4, 7.4, 1.7, 3.9]],
  [findNode('26'), [], [7.9, 5.4, 11.6, 2.1, 4.4]],
  [BUN, [], [7.4, 6.2, 17.4, 3.7, 22.4]],
  [DENO, ['run', '--no-prompt'], [8.4, 6.2, 12, 2.6, 23]],
]

it.each(MOST.map((row) => [row[0].name, row] as const))(
  'hits, rejections and misses cost little more than by hand on %s',
  async (_name, [binary, args, most]) => {
    const { stdout } = await run(locate(binary), [...args, 'costs.js'], { cwd: inject('app') })
    const costs = Object.entries(JSON.parse(stdout) as Record<string, number>)
    expect(costs).toHaveLength(most.length)
    expect(costs.filter(([, cost], index) => !(cost < (most[index] ?? 0)))).toEqual([])
    // Less than by hand cannot be: then nothing was measured.
    expect(costs.filter(([, cost]) => cost < 1)).toEqual([])
  },
  120_000,
)
