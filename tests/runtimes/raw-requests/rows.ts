import { IS_NIGHTLY } from '../../support/nightly.ts'
import { HEADER_FRAMING_ROWS } from './header-framing-rows.ts'
import { HEADER_ROWS } from './header-rows.ts'
import { HOST_ROWS } from './host-rows.ts'
import { KEPT_ROWS } from './kept-rows.ts'
import { PATH_ROWS } from './path-rows.ts'
import { QUERY_ROWS } from './query-rows.ts'
import { MOUNT_ROW, TARGET_ROWS } from './target-rows.ts'
import type { Row } from './row.ts'

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

// Every row that ever told two servers apart, and one of each other kind.
const QUICK = `
  another blank, control, length, many headers, challenge, dot segment, encoded dots, backslash,
  empty segment, path parameter, fragment, absolute form, Host, path not ASCII, no path, long path, method,
  told and run, large query, odd characters, two Authorization lines, the scheme, no token, not ASCII,
  before the colon, prototype header, obeyed by others, encoded slash, encoded letter, resembles public,
  control in path, below a path, repeated parameter, not told
`
const QUICK_IDS = new Set(QUICK.trim().split(/,\s+/))

/** By day 40 rows. `npm run test:nightly` sends all of them. */
export const ROWS = IS_NIGHTLY ? ALL_ROWS : ALL_ROWS.filter(({ id }) => QUICK_IDS.has(id))
