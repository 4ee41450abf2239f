import { sha256 } from './sha256.ts'
import { RUNTIME_FETCH_ID } from '../../core/runtime.ts'
import { withoutQuery } from '../options.ts'
import type { Transport } from '../../core/verifier.ts'

export interface Identifying {
  readonly type: string
  readonly url: string
  readonly fetch: Transport | undefined
  /** The options that decide, without secrets. */
  readonly options: unknown
  /** The secrets that decide too. They must not be in a text that can be read. */
  readonly secrets?: unknown
}

/**
 * Tells verifiers apart that may decide differently, in all instances. Of secrets and of the query of the URL it has only a hash.
 * `undefined` if it depends on a `fetch` of the user without an id.
 */
export function idOf({ type, url, fetch, options, secrets }: Identifying): string | undefined {
  const by = fetch === undefined ? RUNTIME_FETCH_ID : fetch.id
  if (by === undefined) return undefined
  const hidden = url.includes('?') ? [url, secrets] : secrets
  const parts = [type, withoutQuery(url), options, by]
  return JSON.stringify(hidden === undefined ? parts : [...parts, hashOf(hidden)])
}

function hashOf(secrets: unknown): string {
  return sha256(JSON.stringify(['with-auth', secrets]))
}
