import { IS_NIGHTLY } from '../../support/nightly.ts'
import { HEADER_FRAMING_ROWS } from './header-framing-rows.ts'
import { HEADER_ROWS } from './header-rows.ts'
import { HOST_ROWS } from './host-rows.ts'
import { KEPT_ROWS } from './kept-rows.ts'
import { PATH_ROWS } from './path-rows.ts'
import { QUERY_ROWS } from './query-rows.ts'
import { MOUNT_ROW, TARGET_ROWS } from './target-rows.ts'
import type { Row } from './row.ts'

/** Headers are A-H1 to A-H21, targets A-P1 to A-P23, and queries A-Q1 to A-Q10. */
export const ALL_ROWS: readonly Row[] = [
  ...HEADER_ROWS,
  ...HEADER_FRAMING_ROWS,
  ...PATH_ROWS,
  ...HOST_ROWS,
  ...TARGET_ROWS,
  MOUNT_ROW,
  ...QUERY_ROWS,
  ...KEPT_ROWS,
]

// Every row that ever told two servers apart.
const TELLING =
  'A-H5 A-H12 A-H14 A-H15 A-H20 A-P1 A-P2 A-P4 A-P5 A-P8 A-P10 A-P12 A-P13 A-P14 A-P16 A-P17 A-P19 A-P23 A-Q4 A-Q7'
// One of each other kind.
const TYPICAL = 'A-H1 A-H4 A-H8 A-H11 A-H13 A-H16 A-H19 A-P3 A-P6 A-P7 A-P9 A-P20 A-Q1 A-Q10'

/** The 40 rows that `.ci/run` sends. `npm run test:nightly` sends all of them. */
const QUICK_ROWS: readonly Row[] = ALL_ROWS.filter(({ id }) =>
  `${TELLING} ${TYPICAL}`.split(' ').includes(id),
)

export const ROWS = IS_NIGHTLY ? ALL_ROWS : QUICK_ROWS
