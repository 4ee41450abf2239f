import { findKeepAlive } from '../runtime.ts'
import { createQuestionBuilder, createToldEncoder, encodeKey, readHeaders } from './question.ts'
import type { Context, ToldHeaders } from './question.ts'
import type { Question, SkipReason } from '../types.ts'
import type { Target } from './target.ts'

/** What the cache did for a check; `off` when there is none. */
export type CacheOutcome = 'hit' | 'miss' | 'stale' | 'shared' | 'skipped' | 'off'

/** One check of one request: what is asked, and what happened on the way to the verdict. */
export class Check {
  readonly token: string
  /** Everything else that the endpoint is told, encoded: see `question-key.ts`. */
  readonly told: string
  /** Whether the endpoint allowed its token lately: see `known-tokens.ts`. */
  isKnown: boolean = false
  /** When it began to wait for a place or for a shared call, so that a call of its own has less than the whole time. */
  waitedSince: number | undefined = undefined
  /** How often the endpoint was asked. */
  attempts: number = 0
  /** The status of its last answer. */
  endpointStatus: number | undefined = undefined
  cache: CacheOutcome = 'off'
  /** Why the verdict was not kept. */
  skipped: SkipReason | undefined = undefined
  readonly #ask: () => Question
  readonly #args: readonly unknown[]
  #question: Question | undefined = undefined
  #key: string | undefined = undefined

  constructor(token: string, told: string, ask: () => Question, args: readonly unknown[]) {
    this.token = token
    this.told = told
    this.#ask = ask
    this.#args = args
  }

  /** What the endpoint is asked. Made when it is needed: a verdict that is kept needs none. */
  get question(): Question {
    this.#question ??= this.#ask()
    return this.#question
  }

  /** Makes the question and the key now, out of the same state of the request. */
  prepare(): void {
    this.#question ??= this.#ask()
  }

  /** Keeps the runtime from ending a call with the request that started it. Looked for only where there is a call. */
  get keepAlive(): ((call: Promise<unknown>) => void) | undefined {
    return findKeepAlive(this.#args)
  }

  /** Token and told: equal keys ask the same question. */
  get key(): string {
    this.#key ??= encodeKey(this.token, this.told)
    return this.#key
  }
}

/** Everything but the token that the endpoint is told about a request. */
export interface Told {
  /** Encoded: see `createToldEncoder`. */
  readonly text: string
  /** All headers, if all are told. Named ones are read when the question is made: a cache hit never makes it. */
  readonly headers: ToldHeaders | undefined
}

/** Turns a request into what is told and, on a cache miss, into a check. */
export interface CheckFactory {
  /** Returns `undefined` if the request says more than an endpoint is told. */
  readonly tell: (request: Request, target: Target) => Told | undefined
  readonly createCheck: (
    token: string,
    told: Told,
    request: Request,
    target: Target,
    args: readonly unknown[],
  ) => Check
}

/** What is told and what is the key come from the same context, so that neither can have what the other lacks. */
export function createCheckFactory(context: Context, scope: readonly string[]): CheckFactory {
  const encodeTold = createToldEncoder(context, scope)
  const buildQuestion = createQuestionBuilder(context)
  return {
    tell: (request, target) => {
      const headers = context.headers === 'all' ? readHeaders(request.headers, 'all') : undefined
      const text = encodeTold(request, target, headers)
      return text === undefined ? undefined : { text, headers }
    },
    createCheck: (token, { text, headers }, request, target, args) =>
      new Check(token, text, () => buildQuestion(token, request, target, headers), args),
  }
}
