import { AuthUnavailableError } from '../core/errors.ts'
import { define } from '../verifiers/define-verifier.ts'
import { findIn } from './database/find.ts'
import { KeyFileError, observed } from './error.ts'
import { openSource } from './file/watch.ts'
import { endOfKey, judgeBy } from './keyring.ts'
import { isKeyLike } from './secret.ts'
import { observeUse } from './usage/observer.ts'
import type { CheckedVerifier } from '../core/endpoint/checked-verifier.ts'
import type { Verdict, VerifierRun } from '../core/verifier.ts'
import type { FindKey } from './error.ts'
import type { KeyJudgment } from './keyring.ts'
import type { KeyEndpointOptions, KeySource, ResolvedKeysOptions } from './options.ts'

export const LABEL = 'api_keys'
/** The claim with the id of the key. */
export const ID_CLAIM = 'key_id'
/** How the cause of a decision begins that names the key. */
export const CAUSE_WITH_ID = 'the id of the key is '

/** @throws KeyFileError for keys that cannot be read now. */
export function openKeySource(source: KeySource): FindKey {
  return 'store' in source ? findIn(source.store) : openSource(source)
}

/** How the keys of a verifier are watched. */
export interface KeyObserver extends Pick<KeyEndpointOptions, 'onError'> {
  /** `true`: checks are a trial, and no use of a key. */
  readonly isTrial?: boolean
}

/** @param observer Its `onError` gets each problem with the keys once. By default it is a warning of the guard that meets it. */
export function createKeysVerifier(
  { source, accepts }: ResolvedKeysOptions,
  { onError, isTrial = false }: KeyObserver = {},
): CheckedVerifier {
  const isStore = 'store' in source
  // Of guards that ask at once, one is told.
  let lastRun: VerifierRun = {}
  const warn = (error: KeyFileError): void =>
    lastRun.warn?.(`requests are rejected: ${inOneLine(error)}`)
  const find = observed(openKeySource(source), onError ?? warn)
  const judge = judgeBy(find)
  const notePassed = isTrial ? undefined : observeUse(source, (message) => lastRun.warn?.(message))
  return define({
    ask: async ({ token, request }, _, run = {}) => {
      lastRun = run
      // Code without types may leave the path out: then a key of some paths is denied, and not judged alone.
      const path: unknown = request.path
      const judgment = await judge(token, typeof path === 'string' ? path : '').catch(
        (error: unknown) => {
          throw new AuthUnavailableError('service_error', { explanation: inOneLine(error) })
        },
      )
      const { found, detail } = judgment
      if (found !== undefined && detail === undefined) notePassed?.(found)
      // A key of a file ends with the next request, and reading it again costs less than a cache may hide.
      return isStore ? verdictOf(judgment) : { ...verdictOf(judgment), maxAgeMs: 0 }
    },
    reads: { path: true },
    local: isStore ? undefined : true,
    label: LABEL,
    accepts: accepts ?? isKeyLike,
    describe: () => ({
      type: LABEL,
      ...('file' in source ? source : { in: isStore ? 'store' : 'text' }),
    }),
  })
}

function verdictOf({ found, detail }: KeyJudgment): Verdict {
  // The id may be shown. The principal may be private.
  const cause = found && `${CAUSE_WITH_ID}${found.id}`
  if (found === undefined || detail !== undefined) return { outcome: 'deny', detail, cause }
  const { principal, attributes, tenant } = found
  const end = endOfKey(found)
  const expiresAt = end === Infinity ? undefined : end
  const claims = { [ID_CLAIM]: found.id }
  return { outcome: 'allow', principal, attributes, tenant, claims, expiresAt }
}

function inOneLine(error: unknown): string {
  return error instanceof KeyFileError
    ? error.message.replaceAll('\n', '; ')
    : 'the keys cannot be read'
}
