import { findLoneMount } from '../files/lone-mount.ts'
import { KeyFileError } from './key-file-error.ts'
import { system } from './system.ts'

const ADVICE =
  'a key that is revoked outside would stay valid here. Mount its folder instead (Kubernetes: without subPath)'

/**
 * Refuses a file that is mounted alone: a revocation outside would not arrive.
 *
 * @throws KeyFileError
 */
export function refuseLoneMount(file: string): void {
  const reason = findLoneMount(file, system())
  if (reason === undefined) return
  throw new KeyFileError('unreadable', `Cannot use ${file}: ${reason}, so ${ADVICE}`)
}
