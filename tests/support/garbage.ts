import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Collects garbage. The target of a `WeakRef` that was created or read in this turn stays alive. */
export const collectGarbage: () => void = runInNewContext('gc')
