import { IS_NIGHTLY } from '../../support/nightly.ts'
import { BODY_ROWS } from './bodies.ts'
import { CONNECTION_ROWS } from './connections.ts'
import { FLOOD_ROWS } from './floods.ts'
import { FRAMING_ROWS } from './framing.ts'
import { NAME_ROWS } from './names.ts'
import { STATUS_ROWS } from './statuses.ts'
import type { Row } from './row.ts'

/** Broken, slow and hostile endpoints, as far as the runtime decides what becomes of the bytes. */
export const ALL_ROWS: readonly Row[] = [
  ...STATUS_ROWS,
  ...BODY_ROWS,
  ...FLOOD_ROWS,
  ...FRAMING_ROWS,
  ...CONNECTION_ROWS,
  ...NAME_ROWS,
]

// Every row that ever gave different results on two runtimes, and one row of each other kind.
const QUICK = 'E1 E8 E9 E10 E12 E13 E14 E15 E16 E17 E19 E21 E22'.split(' ')

/** The 13 rows that `.ci/run` runs. `npm run test:nightly` runs all of them. */
export const ROWS = IS_NIGHTLY ? ALL_ROWS : ALL_ROWS.filter(({ id }) => QUICK.includes(id))
