import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ATTACKED } from '../examples/attacked.ts'
import { readFigures, withFigures } from '../../scripts/figures/table.ts'
import { readText, ROOT } from '../support/project.ts'
import { FAULTS } from './endpoint-faults/rows.ts'
import { STARTS } from './endpoint-faults/targets.ts'
import { FORBIDDEN_ROWS } from './raw-requests/path-rows.ts'
import { ROUTED_ROWS } from './raw-requests/routed.ts'
import { ROWS as ATTACKS } from './raw-requests/rows.ts'
import { BUN_ROUTES, SERVERS } from './raw-requests/servers.ts'
import { RUNTIMES } from './support/command.ts'

const PAGE = 'docs/contributing/invariants.md'

// The title says what to do.
it('the page of invariants has the figures, as "npm run docs:security" writes them', async () => {
  const document = withFigures(readText(PAGE), readFigures(), {
    attacks: ATTACKS.length,
    requests: ATTACKS.reduce((sum, row) => sum + row.variants.length * row.programs.length, 0),
    servers: SERVERS.length,
    differences: ATTACKS.flatMap(({ variants }) => variants)
      .flatMap(({ differences }) => differences)
      .reduce((sum, { servers }) => sum + servers.length, 0),
    routed: {
      attacks: ROUTED_ROWS.length,
      requests: ROUTED_ROWS.reduce((sum, { variants }) => sum + variants.length, 0),
      routers: [...BUN_ROUTES, ...ATTACKED].map(({ title }) => title),
    },
    forbidden: {
      // The last one is about headers.
      attacks: FORBIDDEN_ROWS.length + 1,
      requests: FORBIDDEN_ROWS.flatMap(([, targets]) => targets).length + 1,
      gateways: RUNTIMES.map(({ name }) => name),
    },
    faults: FAULTS.length,
    cases: FAULTS.reduce((sum, row) => sum + 2 * row.cases.length, 0),
    runtimes: Object.keys(STARTS),
  })
  await expect(document).toMatchFileSnapshot(join(ROOT, PAGE))
})
