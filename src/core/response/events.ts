import { kindOf } from '../redaction.ts'
import { ignore } from '../async.ts'
import { createLimit } from '../limit.ts'
import { AuthConfigError } from '../errors.ts'
import type { BeginSpan, CheckSpan } from '../seams.ts'
import type { AuthConfig } from '../auth-config.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { AuthEvent, NoticeEvent, StoreEvent } from '../types.ts'

/** The parts of a guard that events need of a request. */
export interface RequestReader {
  readonly config: {
    readonly requestIdHeader: string | false
    readonly namesCaller?: boolean
    readonly verifier?: { readonly label: string | undefined } | undefined
  }
  readonly readCredentials: CredentialsReader
}

/**
 * Tells the observer of an event, of the error behind it, and of the request that a decision is about, with its span. The error
 * may hold a token, so it becomes a property that `JSON.stringify`, a spread and the console leave out. Never throws.
 */
export type Report = (
  event: AuthEvent,
  error?: unknown,
  request?: Request,
  span?: CheckSpan,
) => void

const OURS: unique symbol = Symbol('observer of this package')

/** An observer. Only one of this package gets the Request: with it, `onEvent: console.log` of a user would print the token. */
interface Observer {
  (event: AuthEvent, request?: Request, span?: CheckSpan): void
  readonly [OURS]?: { readonly beginSpan: BeginSpan | undefined }
}

/** Makes an observer of this package get the Request of a decision too, and the span that it has begun for the check. */
export function observeWithRequest(observer: Observer, beginSpan?: BeginSpan): Observer {
  return Object.assign(observer, { [OURS]: { beginSpan } })
}

/** Writes a line to the console, the same line once a minute. Never throws. */
export type WriteLine = (line: string) => void

/** Where a wrapper reports: to its observer, or to the console without one. */
export interface Channel {
  /** `undefined` without an observer, so that callers skip timing. */
  readonly report: Report | undefined
  /** Begins the span of a check, if its observer makes spans. Never throws. */
  readonly beginSpan: BeginSpan | undefined
  /** Tells the observer, or writes the message to the console without one. */
  readonly notify: (notice: NoticeEvent | StoreEvent, error?: unknown) => void
  readonly writeLine: WriteLine
}

/** Writes at most 16 lines a minute, each of them once. */
export function createConsole(): WriteLine {
  const isNew = createLimit(16)
  return (line) => {
    if (!isNew(line)) return
    try {
      // oxlint-disable-next-line no-console
      console.error(`with-auth: ${line}`)
    } catch {
      // A console that throws cannot change the decision.
    }
  }
}

/** Connects a wrapper to the observer of its config. */
export function createChannel(onEvent: AuthConfig['onEvent'], writeLine: WriteLine): Channel {
  const observer: Observer | undefined = onEvent
  const report = observer && createReport(observer, writeLine)
  const toConsole: Channel['notify'] = (notice) => {
    if (notice.type !== 'store') writeLine(notice.message)
    else if (notice.cause !== undefined) writeLine(`store ${notice.state}: ${notice.cause}`)
  }
  return { report, beginSpan: observer?.[OURS]?.beginSpan, notify: report ?? toConsole, writeLine }
}

function createReport(onEvent: Observer, writeLine: WriteLine): Report {
  const complain = (error: unknown): void =>
    writeLine(`"onEvent" threw ${kindOf(error)}: it missed an event. Catch errors in it`)
  const tell: Observer = onEvent[OURS] === undefined ? (event) => onEvent(event) : onEvent
  return (event, error, request, span) => {
    // A getter, since Bun prints values that are not enumerable too.
    if (error !== undefined) Object.defineProperty(event, 'error', { get: () => error })
    try {
      // An async observer is not awaited.
      ignore(tell(Object.freeze(event), request, span), complain)
    } catch (thrown) {
      // An observer cannot change the decision.
      complain(thrown)
    }
  }
}

/** Makes a function that reports its first warning and no other. */
export function warnOnce(notify?: Channel['notify']): (message: string, error?: unknown) => void {
  const isFirst = createLimit(1, Infinity)
  return (message, error) => {
    if (isFirst(message)) notify?.({ type: 'warning', message }, error)
  }
}

/** Reports a config that cannot be used. The error of a config function may hold a secret, so only its class is shown. */
export function reportConfigError({ notify }: Channel, error: unknown): void {
  if (error instanceof AuthConfigError) {
    return notify({ type: 'config_error', message: error.message })
  }
  const message = `The config could not be made: ${kindOf(error)} was thrown`
  notify({ type: 'config_error', message }, error)
}

/** The observer that a config names, which may be unusable otherwise. */
export function observerOf(made: unknown): AuthConfig['onEvent'] {
  const observer: unknown =
    typeof made === 'object' && made !== null ? Reflect.get(made, 'onEvent') : undefined
  return typeof observer === 'function' ? (event) => observer(event) : undefined
}
