import { createUnreachable } from '../core/endpoint/send.ts'
import { adoptUnavailable, AuthUnavailableError } from '../core/errors.ts'
import { kindOf } from '../core/redaction.ts'
import { systemClock } from '../core/runtime.ts'
import { askService, hostOf, warning } from '../verifiers/ask.ts'
import { Discovery } from '../verifiers/discovery.ts'
import { faultOf, parseKeySet } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { Attempt } from '../verifiers/tries.ts'
import type { Transport } from '../core/verifier.ts'
import type { FetchSet, ParsedOptions } from './options.ts'

/** Fetches keys. Throws `AuthUnavailableError` if there are no usable ones. */
export type KeysFetch = Attempt<KeySet>

const MAX_BYTES = 262_144
// RFC 7517 §8.5.2. The API server of Kubernetes sends its keys as nothing else.
const ACCEPT = 'application/jwk-set+json, application/json'

/** Fetches the keys by a function of the user. */
export function createCustomFetch(fetchSet: FetchSet): KeysFetch {
  return async () => requireKeys(await callKeys(fetchSet), 'what "keys" returned')
}

// Keys are fetched so rarely that nothing faster pays.
const plainFetch: Transport = (url, init) => globalThis.fetch(url, init)

/** Fetches the keys from `jwksUri`, or from where the issuer says that they are. */
export function createKeysFetch(options: ParsedOptions): KeysFetch {
  const { issuer = '', jwksUri, jwksHeaders, fetch = plainFetch } = options
  const headers = { accept: ACCEPT, ...jwksHeaders }
  const fetchKeys = async (url: string, signal: AbortSignal): Promise<KeySet> => {
    const init = { method: 'GET', headers, signal, maxBytes: MAX_BYTES } as const
    const { json } = await askService(fetch, url, init)
    return requireKeys(json, `the key set of ${hostOf(url)}`)
  }
  if (jwksUri !== undefined) {
    return (signal, run) => warning(run, checking(jwksUri, 'jwksUri'), fetchKeys(jwksUri, signal))
  }
  const discovery = new Discovery({ ...options, issuer, fetch }, systemClock.now)
  return async (signal, run) => {
    const url = await warning(run, checking(issuer, 'issuer'), discovery.keysUrl(signal))
    return warning(run, checking(url, 'issuer'), fetchKeys(url, signal))
  }
}

/** The advice about a status of this URL. */
function checking(url: string, option: 'issuer' | 'jwksUri'): (status: number) => string {
  return (status) => `${hostOf(url)} answered ${status}: check "${option}"`
}

async function callKeys(fetchSet: FetchSet): Promise<unknown> {
  try {
    return await fetchSet()
  } catch (error) {
    const known = adoptUnavailable(error)
    if (known instanceof AuthUnavailableError) throw known
    throw createUnreachable(error, `"keys" threw ${kindOf(error)}`)
  }
}

function requireKeys(json: unknown, source: string): KeySet {
  const keys = parseKeySet(json)
  if (keys !== undefined) return keys
  const explanation = `${source} has ${faultOf(json)}`
  throw new AuthUnavailableError('invalid_response', { explanation })
}
