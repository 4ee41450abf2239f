import { HEADER_ROWS } from './header-rows.ts'
import { PATH_ROWS, QUERY_ROWS } from './path-rows.ts'
import { REQUEST_LINE_ROWS } from './target-rows.ts'
import type { Row } from './row.ts'

/** Attacks of which a server, and not only this package, decides what comes of them. */
export const ROWS: readonly Row[] = [
  ...HEADER_ROWS,
  ...PATH_ROWS,
  ...QUERY_ROWS,
  ...REQUEST_LINE_ROWS,
]
