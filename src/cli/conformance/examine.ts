import { createRandomKey } from '../../verifiers/random-key.ts'
import { isOutage, leftOut, skipped, viewOfWrapper } from './finding.ts'
import {
  judgeBadKey,
  judgeCacheControl,
  judgeGoodKey,
  judgeIdentity,
  judgeNonsense,
  judgeRedirects,
  judgeSpeed,
} from './judge.ts'
import { obstacleAtStart, obstacleLater } from './obstacle.ts'
import { probe } from './probe.ts'
import {
  about,
  bigHeaders,
  brokenQuestion,
  incompleteQuestions,
  nearlyGoodKeys,
  otherCaseKeys,
  structuredKeys,
} from './questions.ts'
import type { Finding, Judgment, Row } from './finding.ts'
import type { ProbeTarget } from './probe.ts'
import type { Question } from './questions.ts'

const NO_KEY = 'no good key was given'
const COMPARE_BYTES = 'compare keys byte for byte (hash them, or use a binary collation)'

type OnRow = (row: Row) => void
type Judge = (finding: Finding, what: string) => Judgment

/**
 * Asks an endpoint one question after the other, and judges the answers. Passes each row to `onRow` as soon as it is ready.
 * Returns all rows, including those that an early stop left out. Never rejects.
 */
export async function examine(
  target: ProbeTarget,
  goodKey: string | undefined,
  onRow: OnRow = () => undefined,
): Promise<Row[]> {
  const report = new Report(target, onRow)
  const known = await askKeys(report, goodKey)
  const whyUnknown = goodKey === undefined ? NO_KEY : 'the good key was not allowed'
  await askKeysLike(report, known, whyUnknown)
  await report.ask('structured key', structuredKeys(known), (finding, what) =>
    judgeNonsense(finding, what, `answer 400 to ${what}: accept a string only`),
  )
  await report.ask('empty key', [about('', 'an empty "api_key"')], judgeNonsense)
  await report.ask('malformed JSON', [brokenQuestion()], judgeNonsense)
  await report.ask('missing fields', incompleteQuestions(), judgeNonsense)
  const crowded = about(known ?? createRandomKey(), 'headers of 32 KiB', bigHeaders())
  await report.ask('big headers', [crowded], known === undefined ? judgeRandomKey : judgeGoodKey)
  report.addRest()
  return report.rows
}

/** Returns the valid key, if the endpoint allowed it. */
async function askKeys(report: Report, goodKey: string | undefined): Promise<string | undefined> {
  const goodKeys = goodKey === undefined ? [] : [about(goodKey, 'the good key')]
  const howToGive = 'set WITH_AUTH_KEY, or give --key-file'
  const good = await report.ask('good key', goodKeys, judgeGoodKey, howToGive)
  report.add('identity', () =>
    goodKey === undefined || good === undefined ? skipped(NO_KEY) : judgeIdentity(good, goodKey),
  )
  const randomKey = about(createRandomKey(), 'a random key')
  const bad = await report.ask('bad key', [randomKey], judgeRandomKey)
  if (bad?.view.passes === true) report.stop('a random key was allowed')
  const hasNoVerdict = [good, bad].every((finding) => finding === undefined || isOutage(finding))
  if (hasNoVerdict) report.stop('no key got a verdict')
  report.add('Cache-Control', () => judgeCacheControl(good ?? bad))
  return good?.view.passes === true ? goodKey : undefined
}

async function askKeysLike(
  report: Report,
  known: string | undefined,
  whyUnknown: string,
): Promise<void> {
  const nearly = known === undefined ? [] : nearlyGoodKeys(known)
  await report.ask('nearly good key', nearly, judgeLike('compare whole keys'), whyUnknown)
  const otherCase = known === undefined ? [] : otherCaseKeys(known)
  const whyNone = known === undefined ? whyUnknown : 'the good key has no letters'
  await report.ask('other-case key', otherCase, judgeLike(COMPARE_BYTES), whyNone)
}

function judgeLike(advice: string): Judge {
  return (finding, what) => judgeBadKey(finding, `answer 401 to ${what}: ${advice}`)
}

function judgeRandomKey(finding: Finding): Judgment {
  return judgeBadKey(finding)
}

/** For all questions together. */
const TOTAL_MS = 60_000
const TIME_IS_UP = 'the minute for all questions is over'

/** Asks questions until there is a reason to stop, and collects the rows. */
class Report {
  readonly rows: Row[] = []
  readonly #target: ProbeTarget
  readonly #onRow: OnRow
  readonly #findings: Finding[] = []
  readonly #endsAt = performance.now() + TOTAL_MS
  #whyStopped: string | undefined

  constructor(target: ProbeTarget, onRow: OnRow) {
    this.#target = target
    this.#onRow = onRow
  }

  /** Adds the row of the worst answer. Without questions it says why there are none. Returns the first finding. */
  async ask(
    check: string,
    questions: readonly Question[],
    judge: Judge,
    whyNone = '',
  ): Promise<Finding | undefined> {
    if (questions.length === 0) this.add(check, () => skipped(whyNone))
    if (questions.length === 0) return undefined
    const findings: Finding[] = []
    const judgments: Judgment[] = []
    for (const question of questions) {
      const finding = await this.#askOne(question)
      if (finding === undefined) break
      findings.push(finding)
      judgments.push(judge(finding, question.what))
    }
    const worst = worstOf(judgments)
    const isWhole = judgments.length === questions.length || worst?.result === 'fail'
    this.#push(check, isWhole ? worst : undefined)
    return findings[0]
  }

  /** Adds a row that needs no question of its own. */
  add(check: string, judge: () => Judgment): void {
    this.#push(check, this.#stopped() === undefined ? judge() : undefined)
  }

  /** Adds the rows about all answers. Running out of time counts as slow answers. */
  addRest(): void {
    this.add('redirects', () => judgeRedirects(this.#findings))
    const isTimeUp = this.#stopped() === TIME_IS_UP
    const speed = judgeSpeed(this.#findings, isTimeUp)
    this.#push('slow answers', this.#stopped() === undefined || isTimeUp ? speed : undefined)
  }

  /** The first reason counts. */
  stop(why: string): void {
    this.#whyStopped ??= why
  }

  #stopped(): string | undefined {
    if (performance.now() >= this.#endsAt) this.stop(TIME_IS_UP)
    return this.#whyStopped
  }

  #push(check: string, judgment: Judgment | undefined): void {
    const row = { check, ...(judgment ?? leftOut(this.#stopped() ?? TIME_IS_UP)) }
    this.rows.push(row)
    if (judgment !== undefined) this.#onRow(row)
  }

  /** Returns `undefined` after a stop, and for a question that the total time cuts off. */
  async #askOne(question: Question): Promise<Finding | undefined> {
    if (this.#stopped() !== undefined) return undefined
    const { url, timeoutMs } = this.#target
    const leftMs = Math.max(1, this.#endsAt - performance.now())
    const target = { ...this.#target, timeoutMs: Math.min(timeoutMs, leftMs) }
    const outcome = await probe(target, question.body)
    if (outcome.silence?.reason === 'timeout' && leftMs < timeoutMs) {
      this.stop(TIME_IS_UP)
      return undefined
    }
    const isFirst = this.#findings.length === 0
    const obstacle = isFirst ? obstacleAtStart(outcome, url) : obstacleLater(outcome, question.what)
    if (obstacle !== undefined) this.stop(obstacle.why)
    const finding = { outcome, view: await viewOfWrapper(outcome), obstacle }
    this.#findings.push(finding)
    return finding
  }
}

function worstOf(judgments: readonly Judgment[]): Judgment | undefined {
  const results = ['fail', 'note', 'ok'] as const
  const [worst] = results.flatMap((result) => judgments.filter((one) => one.result === result))
  return worst
}
