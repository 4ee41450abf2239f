import { beforeAll, describe, expect, inject, it } from 'vitest'
import { sorted } from '../../support/project.ts'
import { runMatrix } from './matrix.ts'
import { ROWS } from './rows.ts'
import type { ProgramRun } from './matrix.ts'
import type { RoutedServer } from './servers.ts'

/** The rows that a server with a single program gets. */
export const ROUTED_ROWS = ROWS.filter(({ programs }) => programs.includes('function'))

/** Tests servers by the rules in `rules.ts` alone. */
export function describeRouted(servers: readonly RoutedServer[]): void {
  describe.each(servers.map((server) => [server.title, server] as const))(
    '%s',
    (_title, server) => {
      let run: ProgramRun | undefined
      beforeAll(async () => {
        const [only] = await runMatrix(server, ROWS, inject('app'))
        run = only
      })

      it.each(ROUTED_ROWS.map((row) => [row.title, row] as const))(
        'runs nothing without an allow for it: %s',
        (_name, row) => {
          const observed = run?.observations.filter((each) => each.row === row) ?? []
          expect(observed).toHaveLength(row.variants.length)
          expect(observed.flatMap(({ violations }) => violations)).toEqual([])
        },
      )

      it('runs every route that is open, and answers an ordinary request after all that', () => {
        const calls = run?.observations.flatMap((observation) => observation.calls) ?? []
        expect(sorted(new Set(calls.map(({ route }) => route)))).toEqual(server.routes)
        expect(run?.last.response?.status).toBe(server.status)
      })
    },
  )
}
