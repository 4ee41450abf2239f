import { HEADER_FRAMING_ROWS } from './header-framing-rows.ts'
import { HEADER_ROWS } from './header-rows.ts'
import { HOST_ROWS } from './host-rows.ts'
import { KEPT_ROWS } from './kept-rows.ts'
import { PATH_ROWS } from './path-rows.ts'
import { QUERY_ROWS } from './query-rows.ts'
import { MOUNT_ROW, TARGET_ROWS } from './target-rows.ts'
import type { Row } from './row.ts'

/** The rows A-H1 to A-H21, A-P1 to A-P23 and A-Q1 to A-Q10 of the threat catalogue. */
export const ROWS: readonly Row[] = [
  ...HEADER_ROWS,
  ...HEADER_FRAMING_ROWS,
  ...PATH_ROWS,
  ...HOST_ROWS,
  ...TARGET_ROWS,
  MOUNT_ROW,
  ...QUERY_ROWS,
  ...KEPT_ROWS,
]
