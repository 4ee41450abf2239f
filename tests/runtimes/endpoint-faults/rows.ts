import { BODY_ROWS } from './bodies.ts'
import { CONNECTION_ROWS } from './connections.ts'
import { FRAMING_ROWS } from './framing.ts'
import { STATUS_ROWS } from './statuses.ts'
import type { Row } from './row.ts'

/** Broken, slow and hostile endpoints, as far as the runtime decides what becomes of the bytes. */
export const FAULTS: readonly Row[] = [
  ...STATUS_ROWS,
  ...BODY_ROWS,
  ...FRAMING_ROWS,
  ...CONNECTION_ROWS,
]
