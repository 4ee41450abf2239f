import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')

/** Frees what nobody holds any more. What a WeakRef was made for or asked about is held until the turn ends. */
export const collectGarbage: () => void = runInNewContext('gc')
