import { BODY_ROWS } from './bodies.ts'
import { CLAIM_ROWS } from './claims.ts'
import { CONNECTION_ROWS } from './connections.ts'
import { FLOOD_ROWS } from './floods.ts'
import { FRAMING_ROWS } from './framing.ts'
import { IDENTITY_ROWS } from './identities.ts'
import { NAME_ROWS } from './names.ts'
import { POLICY_ROWS } from './policies.ts'
import { STAND_IN_ROWS } from './stand-ins.ts'
import { STATUS_ROWS } from './statuses.ts'
import type { Row } from './row.ts'

/** What a broken, slow or hostile endpoint does: the rows E1 to E34. */
export const ROWS: readonly Row[] = [
  ...STATUS_ROWS,
  ...BODY_ROWS,
  ...FLOOD_ROWS,
  ...FRAMING_ROWS,
  ...CONNECTION_ROWS,
  ...NAME_ROWS,
  ...IDENTITY_ROWS,
  ...CLAIM_ROWS,
  ...POLICY_ROWS,
  ...STAND_IN_ROWS,
]
