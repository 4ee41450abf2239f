import { expect, it } from 'vitest'
import { ATTACKED } from '../examples/attacked.ts'
import { readTable } from '../support/markdown.ts'
import { readText } from '../support/project.ts'
import { ROWS as FAULTS } from './endpoint-faults/rows.ts'
import { STARTS } from './endpoint-faults/targets.ts'
import { LISTED } from './raw-requests/outcome.ts'
import { ROWS as ATTACKS } from './raw-requests/rows.ts'
import { ROUTED_ROWS } from './raw-requests/routed.ts'
import { BUN_ROUTES, SERVERS } from './raw-requests/servers.ts'

/** Counts in what is run the figures that SECURITY.md states. */

const figures = new Map(
  readTable(readText('SECURITY.md'), 'what').map(([what, figure]) => [what, figure]),
)

it('raw requests: so many on each server', () => {
  const ids = new Set(ATTACKS.map(({ id }) => id)).size
  const requests = ATTACKS.reduce(
    (sum, { variants, programs }) => sum + variants.length * programs.length,
    0,
  )
  expect(figures.get('raw requests: exact bytes that a client of Fetch would not send')).toBe(
    `${ids} attacks in ${requests} requests on each of ${SERVERS.length} servers; ${LISTED.length} outcomes that differ are listed, no wrong allow`,
  )
})

it('raw requests to routers: so many to each', () => {
  const ids = new Set(ROUTED_ROWS.map(({ id }) => id)).size
  const requests = ROUTED_ROWS.reduce((sum, { variants }) => sum + variants.length, 0)
  const titles = [...BUN_ROUTES, ...ATTACKED].map(({ title }) => title)
  expect(figures.get('the same bytes, to a router that finds the handler')).toBe(
    `${ids} attacks in ${requests} requests on each of ${titles.join(', ')}; no wrong allow`,
  )
})

it('faults of the endpoint: so many on each runtime', () => {
  const cases = FAULTS.reduce((sum, row) => sum + row.cases.length, 0)
  const runtimes = Object.keys(STARTS)
  expect(figures.get('faults of the endpoint, byte by byte, with and without an identity')).toBe(
    `${FAULTS.length} faults in ${2 * cases} cases on each of ${runtimes.join(', ')}; no wrong allow, no crash`,
  )
})
