import { parseOptions } from '../../core/config/interpreter.ts'
import { invalidOption, misusedOption } from '../../core/config/option-checks.ts'
import { OPTIONS, READS } from '../../core/config/options.ts'
import { Problems, parseList } from '../../core/config/problems.ts'
import { WITHHELD } from '../../core/request/question.ts'
import { parseVerifier } from '../../core/config/verifier.ts'
import { parseVerifierOptions } from '../options.ts'
import type {
  CircuitBreakerConfig,
  ConcurrencyConfig,
  RetryConfig,
} from '../../core/auth-config.ts'
import type { CallRules } from '../../core/asking/call.ts'
import type { Context } from '../../core/request/question.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { Table } from '../../core/config/form.ts'

/** The options of {@link firstOf}. */
export interface FirstOfOptions {
  /**
   * `true` asks the next verifier after a denial and after an outage. A token then reaches services that it is not for: use it
   * only if two kinds of tokens cannot be told apart.
   *
   * @default false
   */
  readonly fallThrough?: boolean
  /**
   * The retries of each verifier that asks a service.
   *
   * @default { attempts: 1 }
   */
  readonly retry?: false | RetryConfig
  /**
   * The circuit breaker of each verifier that asks a service.
   *
   * @default { openMs: 5000 }
   */
  readonly circuitBreaker?: false | CircuitBreakerConfig
  /**
   * The limit of each verifier that asks a service.
   *
   * @default { maxInFlight: 64, maxWaiting: 1024 }
   */
  readonly concurrency?: ConcurrencyConfig
}

interface ParsedOptions extends CallRules {
  readonly fallThrough: boolean
}

export interface ParsedFirstOf {
  readonly verifiers: readonly CheckedVerifier[]
  readonly options: ParsedOptions
  /** The parts of a request that at least one member reads. */
  readonly reads: Context
}

const TABLE: Table<ParsedOptions> = {
  fallThrough: { kind: 'boolean', default: false },
  retry: OPTIONS.retry,
  circuitBreaker: OPTIONS.circuitBreaker,
  concurrency: OPTIONS.concurrency,
}
const LIST = ['verifiers'] as const

/** @throws AuthConfigError with all problems. */
export function parseFirstOf(verifiers: unknown, options: unknown): ParsedFirstOf {
  const problems = new Problems()
  const members = problems.attempt(() => parseMembers(verifiers)) ?? []
  const parsed = problems.attempt(() => parseVerifierOptions(TABLE, options))
  if (parsed?.fallThrough === false) requireReach(members, problems)
  const reads = unite(members, problems)
  problems.throwIfAny()
  // Without a problem the options have been parsed.
  return { verifiers: members, options: parsed as ParsedOptions, reads }
}

function parseMembers(value: unknown): readonly CheckedVerifier[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidOption(LIST, value, 'a non-empty list of verifiers')
  }
  return parseList(value, LIST, parseVerifier)
}

/** The parts of a request that a verifier reads: without `reads` the usual ones. */
export function contextOf({ reads }: CheckedVerifier): Context {
  return reads ?? parseOptions(READS, {})
}

/** A verifier that accepts every token leaves none for those after it. */
function requireReach(members: readonly CheckedVerifier[], problems: Problems): void {
  const greedy = members.slice(0, -1).findIndex(({ accepts }) => accepts === undefined)
  if (greedy === -1) return
  const expected =
    'the last one, or have `accepts`: it takes every token, so that no other is asked (or set `fallThrough`)'
  problems.add(misusedOption([...LIST, greedy], expected))
}

function unite(members: readonly CheckedVerifier[], problems: Problems): Context {
  const contexts = members.map(contextOf)
  const some = (name: 'path' | 'method' | 'clientAddress'): boolean =>
    contexts.some((one) => one[name])
  const params = [...new Set(contexts.map((one) => one.params).filter((one) => one !== 'none'))]
  if (params.length > 1) {
    const expected = 'such that all read `params` as "values", or all as "lists"'
    problems.add(misusedOption(LIST, expected))
  }
  const lists = contexts.map(({ headers }) => headers)
  if (lists.includes('all') && lists.flat().some((name) => WITHHELD.has(name))) {
    const expected =
      'such that none reads all headers beside one that reads a cookie: `"all"` leaves cookies out'
    problems.add(misusedOption(LIST, expected))
  }
  return {
    headers: lists.includes('all') ? 'all' : [...new Set(lists.flat())],
    params: params[0] ?? 'none',
    path: some('path'),
    method: some('method'),
    clientAddress: some('clientAddress'),
  }
}
