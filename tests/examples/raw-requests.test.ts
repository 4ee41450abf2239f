import { beforeAll, describe, expect, inject, it } from 'vitest'
import { runMatrix } from '../runtimes/raw-requests/matrix.ts'
import { ROWS } from '../runtimes/raw-requests/rows.ts'
import { ATTACKED, prepareAttacked } from './attacked.ts'
import type { ProgramRun } from '../runtimes/raw-requests/matrix.ts'
import type { RawServer } from '../runtimes/raw-requests/servers.ts'

const runs = new Map<RawServer, PromiseSettledResult<ProgramRun[]>>()

beforeAll(async () => {
  prepareAttacked(inject('app'))
  const pending = ATTACKED.map((server) => runMatrix(server, ROWS, inject('app')))
  const settled = await Promise.allSettled(pending)
  settled.forEach((result, index) => {
    const server = ATTACKED[index]
    if (server !== undefined) runs.set(server, result)
  })
})

describe.each(ATTACKED.map((server) => [server.title, server] as const))('%s', (_title, server) => {
  const rows = ROWS.filter(({ programs }) => programs.includes('function'))

  it.each(rows.map((row) => [`${row.id} ${row.title}`, row] as const))(
    'runs nothing without an allow for it: %s',
    (_name, row) => {
      const observed = runOf(server).observations.filter((each) => each.row === row)
      expect(observed).toHaveLength(row.variants.length)
      expect(observed.flatMap(({ violations }) => violations)).toEqual([])
    },
  )

  it('runs each of the routes, with what is allowed or public', () => {
    const calls = runOf(server).observations.flatMap((observation) => observation.calls)
    const routes = ['admin', 'healthz', 'other', 'public', 'root']
    expect([...new Set(calls.map(({ route }) => route))].toSorted()).toEqual(routes)
  })

  it('answers an ordinary request after all that', () => {
    expect(runOf(server).last).toMatchObject({ response: { status: 200 }, calls: [{}] })
  })
})

function runOf(server: RawServer): ProgramRun {
  const result = runs.get(server)
  if (result?.status !== 'fulfilled') {
    throw new Error(`${server.title} did not get to the end`, { cause: result?.reason })
  }
  const [run] = result.value
  if (run === undefined) throw new Error(`${server.title} has not been run`)
  return run
}
