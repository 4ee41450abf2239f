import type { DenyDetail, UnavailableReason } from './types.ts'

/** One problem of a config. */
export interface OptionProblem {
  /** The names and indices that lead to the option, such as `['public', 0, 'path']`. Empty for the config itself. */
  readonly optionPath: readonly (string | number)[]
  /** Completes the sentence "it must be …". Names of other options stand in backticks. */
  readonly expected: string
  /** The value in short: a string as JSON of at most 80 characters, a number as it is, `an array`. Absent if it is secret. */
  readonly received?: string
  /** The name or value that was probably meant. Absent if the value is secret. */
  readonly didYouMean?: string
  /** Why the value is not allowed, or what to do instead. Names of other options stand in backticks. */
  readonly hint?: string
  /** Whether the value must not be shown. */
  readonly isSecret: boolean
  /** Set if the option is unknown. `expected` then lists the known names. */
  readonly isUnknown?: true
  /** Set if an environment variable gave the value. Such a value is never shown. */
  readonly from?: 'environment'
}

/**
 * Thrown by `withAuth`, `createAuthenticator` and `auth` for a config that cannot be used. The message has a line for each
 * problem: the option, what is allowed, and the value unless it may be a secret.
 *
 * @example
 * ```ts
 * import { AuthConfigError, withAuth } from 'with-auth'
 *
 * try {
 *   withAuth(() => new Response('hello'), { endpoint: 'http://auth.example.com/check' })
 * } catch (error) {
 *   if (error instanceof AuthConfigError) console.error(error.option, error.message)
 * }
 * ```
 */
export class AuthConfigError extends Error {
  /** Tells this error from others without `instanceof`. */
  readonly code = 'invalid_config' as const
  /** The first option that is wrong, such as `context.headers`. */
  readonly option: string
  readonly #problems: readonly OptionProblem[]

  constructor(
    option: string,
    message: string,
    problems: readonly OptionProblem[] = [
      { optionPath: [option], expected: message, isSecret: false },
    ],
  ) {
    super(message)
    this.name = 'AuthConfigError'
    this.option = option
    this.#problems = problems
  }

  /** All problems. At least one; the search stops at 101. */
  get problems(): readonly OptionProblem[] {
    return this.#problems
  }
}

const UNAVAILABLE_REASONS: ReadonlySet<string> = new Set<UnavailableReason>([
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'invalid_response',
  'circuit_open',
  'overloaded',
])

const DENY_DETAILS: Readonly<Record<DenyDetail, true>> = {
  too_long: true,
  malformed: true,
  algorithm: true,
  type: true,
  unknown_key: true,
  signature: true,
  issuer: true,
  audience: true,
  expired: true,
  not_yet_valid: true,
  missing_claim: true,
  bound: true,
  inactive: true,
  unknown_token: true,
  no_verifier: true,
  tenant: true,
  proof: true,
  address: true,
  revoked: true,
  path: true,
  unknown: true,
}

/** Whether a value is a known `DenyDetail`. No other text gets into events. */
export function isDenyDetail(value: unknown): value is DenyDetail {
  return typeof value === 'string' && Object.hasOwn(DENY_DETAILS, value)
}

let isMadeHere: (error: object) => boolean
/** The error or value behind an error, for the observer only. */
export let thrownBehind: (error: AuthUnavailableError) => unknown
export let noteThrown: (error: AuthUnavailableError, thrown: unknown) => void

/**
 * Thrown by a custom verifier that cannot get a verdict. The request is rejected with this reason, and the rejection does not
 * count as a denial.
 *
 * @param reason Why there is no verdict. An unknown reason or `detail` throws a `TypeError`.
 * @param options `retryAfterMs`: how long to wait before the next try, in milliseconds. `status`: the status that came in place
 * of a verdict. `detail`: what is known about the token. `explanation`: what is wrong, for the operator; it must hold
 * no secret, and 256 characters of it are shown. `cause`: the error behind it. Only its code, such as `ECONNREFUSED`, is shown, as `cause` of the decision event.
 *
 * @example
 * ```ts
 * import { AuthUnavailableError, withAuth } from 'with-auth'
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: async ({ token }) => {
 *     const directory = new Map([['k1', 'alice']])
 *     if (directory.size === 0) throw new AuthUnavailableError('unreachable')
 *     const principal = directory.get(token)
 *     return principal === undefined ? { outcome: 'deny' } : { outcome: 'allow', principal }
 *   },
 * })
 * ```
 */
export class AuthUnavailableError extends Error {
  /** Tells this error from others without `instanceof`. */
  readonly code = 'auth_unavailable' as const
  /** Why there is no verdict. */
  readonly reason: UnavailableReason
  /** How long to wait before the next try, in milliseconds, if that is known. */
  readonly retryAfterMs: number | undefined
  /** The status of the endpoint's response, if there was one. */
  readonly status: number | undefined
  /** A fact about the token that is known without a verdict. With it, no expired decision stands in. */
  readonly detail: DenyDetail | undefined
  /** The cause, for the operator: `cause` of the decision event, and the line on the console. */
  readonly explanation: string | undefined
  // Private, since programs log errors, and what `fetch` threw may hold the token.
  #thrown: unknown

  static {
    isMadeHere = (error) => #thrown in error
    thrownBehind = (error) => error.#thrown
    noteThrown = (error, thrown) => void (error.#thrown = thrown)
  }

  constructor(
    reason: UnavailableReason,
    options: Partial<
      Pick<AuthUnavailableError, 'retryAfterMs' | 'status' | 'detail' | 'explanation' | 'cause'>
    > = {},
  ) {
    const { detail } = options
    if (!UNAVAILABLE_REASONS.has(reason))
      throw new TypeError(`Cannot create AuthUnavailableError: no such reason: ${reason}`)
    if (detail !== undefined && !isDenyDetail(detail)) {
      throw new TypeError('Cannot create AuthUnavailableError: no such detail')
    }
    const cause = 'cause' in options ? { cause: options.cause } : {}
    super(`No verdict from the auth service: ${reason}`, cause)
    this.name = 'AuthUnavailableError'
    this.reason = reason
    this.retryAfterMs = finiteOrNone(options.retryAfterMs)
    this.status = finiteOrNone(options.status)
    this.detail = detail
    this.explanation = textOrNone(options.explanation)
  }
}

/**
 * Makes an `AuthUnavailableError` of another copy of this package one of ours, so that the core can tell it by its class;
 * returns anything else as it is. Another copy may be older and its fields may be getters, so each is read once.
 */
export function adoptUnavailable(error: unknown): unknown {
  try {
    return readUnavailable(error) ?? error
  } catch {
    return new TypeError('The thrown value cannot be read')
  }
}

function readUnavailable(error: unknown): AuthUnavailableError | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const read = (field: string): unknown => Reflect.get(error, field)
  const hasClass = error instanceof AuthUnavailableError
  if (!hasClass && read('code') !== 'auth_unavailable') return undefined
  const [reason, detail, explanation] = [read('reason'), read('detail'), read('explanation')]
  if (!isUnavailableReason(reason)) return undefined
  const [retryAfterMs, status] = [read('retryAfterMs'), read('status')]
  // An object that only has the prototype may have fields that throw, and so may one of a subclass.
  const isOurs = Object.getPrototypeOf(error) === AuthUnavailableError.prototype
  if (isOurs && isMadeHere(error)) return undefined
  return new AuthUnavailableError(reason, {
    retryAfterMs: finiteOrNone(retryAfterMs),
    status: finiteOrNone(status),
    detail: isDenyDetail(detail) ? detail : undefined,
    explanation: textOrNone(explanation),
    ...('cause' in error ? { cause: read('cause') } : {}),
  })
}

export function isUnavailableReason(reason: unknown): reason is UnavailableReason {
  return typeof reason === 'string' && UNAVAILABLE_REASONS.has(reason)
}

function finiteOrNone(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value < Infinity ? value : undefined
}

function textOrNone(text: unknown): string | undefined {
  return typeof text === 'string' ? text : undefined
}
