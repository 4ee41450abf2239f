import { ShowableError } from '../redaction.ts'
import { createQuestion, createToldEncoder, encodeKey, readHeaders } from './question.ts'
import { readTraceContext } from './trace-context.ts'
import { ignore } from '../async.ts'
import type { Context, RequestContext } from './question.ts'
import type { Target } from './target.ts'
import type { TraceContext } from './trace-context.ts'
import type { DecisionEvent, SkipReason } from '../types.ts'
import type { ContextConfig, Question } from '../verifier.ts'

/** The facts about a check in the event of its decision. The call that answers it fills it. */
export interface CheckFacts {
  cache: DecisionEvent['cache']
  /** How often the endpoint was asked. */
  attempts: number
  /** The status of the last response of the endpoint. */
  endpointStatus: number | undefined
  /** The verifier that decided, by its label. */
  verifier: string | undefined
  /** Why the decision was not cached. */
  skipped: SkipReason | undefined
}

export function createFacts(cache: CheckFacts['cache'] = 'off'): CheckFacts {
  const unknown = { endpointStatus: undefined, verifier: undefined, skipped: undefined }
  return { cache, attempts: 0, ...unknown }
}

/** One check of one request: what the endpoint is asked. */
export interface Check {
  readonly token: string
  readonly question: Question
  /** The rest of the question, encoded: see `createToldEncoder`. */
  readonly told: string
  /** Two checks with equal keys ask the same question. */
  readonly key: string
  /** The extra arguments of the handler. */
  readonly args: readonly unknown[]
  /** Goes to the endpoint beside the question, and does not belong to the key. */
  readonly trace: TraceContext | undefined
  /** Returns the address of the client. Called only while calls are scarce, and may throw. */
  readonly readAddress: (() => string | undefined) | undefined
}

export function createCheck(
  question: Question,
  told: string,
  args: readonly unknown[],
  trace?: TraceContext,
  readAddress?: Check['readAddress'],
): Check {
  const { token } = question
  return { token, question, told, key: encodeKey(token, told), args, trace, readAddress }
}

export type CheckFactory = ReturnType<typeof createCheckFactory>

/**
 * Turns a request into what the endpoint is told and, on a cache miss, into a check. One context makes both the question and
 * its key, so neither can have what the other lacks. Both are made before a span begins or a request waits: then other code may
 * change its headers.
 */
export function createCheckFactory(context: Context, addressOf: ContextConfig['clientAddress']) {
  const encodeTold = createToldEncoder(context)
  return {
    /** Returns `undefined` if that is more than an endpoint is told. */
    tell: (
      request: Request,
      target: Target,
      args: readonly unknown[],
    ): RequestContext | undefined => {
      const headers = context.headers === 'all' ? readHeaders(request.headers, 'all') : undefined
      const clientAddress = context.clientAddress
        ? findAddress(addressOf, request, args)
        : undefined
      const text = encodeTold(request, target, { headers, clientAddress })
      return text === undefined ? undefined : { text, headers, clientAddress }
    },
    createCheck: (
      token: string,
      told: RequestContext,
      request: Request,
      target: Target,
      args: readonly unknown[],
    ): Check => {
      const readOnce = (): string | undefined =>
        context.clientAddress ? told.clientAddress : findAddress(addressOf, request, args)
      const question = createQuestion(context, token, request, target, told)
      const trace = readTraceContext(request.headers)
      return createCheck(question, told.text, args, trace, readOnce)
    },
  }
}

/** Reads the address by the function of a config, and trusts nothing that it returns. */
function findAddress(
  addressOf: ContextConfig['clientAddress'],
  request: Request,
  args: readonly unknown[],
): string | undefined {
  const address: unknown = addressOf?.(request, ...(args as readonly never[]))
  if (address === undefined || typeof address === 'string') return address
  ignore(address)
  throw new ShowableError('"context.clientAddress" returned no text')
}
