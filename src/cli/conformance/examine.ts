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
  otherCaseKey,
  structuredKeys,
} from './questions.ts'
import type { Finding, Row } from './finding.ts'
import type { ProbeTarget } from './probe.ts'
import type { Question } from './questions.ts'

const NO_KEY = 'no good key was given'
const COMPARE_BYTES = 'compare keys byte for byte (hash them, or use a binary collation)'

type OnRow = (row: Row) => void
type Judge = (check: string, finding: Finding, what: string) => Row

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
  if (known === undefined) report.skip(['nearly good key', 'other-case key'], whyUnknown)
  if (known !== undefined) await askKeysLike(report, known)
  await askNonsense(report, known)
  await askBigHeaders(report, known)
  report.addRest()
  return report.rows
}

/** Returns the valid key, if the endpoint allowed it. */
async function askKeys(report: Report, goodKey: string | undefined): Promise<string | undefined> {
  const howToGive = 'set WITH_AUTH_KEY, or give --key-file'
  const goodKeys = goodKey === undefined ? howToGive : [about(goodKey, 'the good key')]
  const good = await report.ask('good key', goodKeys, judgeGoodKey)
  report.add('identity', () =>
    goodKey === undefined || good === undefined
      ? skipped('identity', NO_KEY)
      : judgeIdentity(good, goodKey),
  )
  const randomKey = about(createRandomKey(), 'a random key')
  const bad = await report.ask('bad key', [randomKey], judgeRandomKey)
  if (bad?.view.passes === true) report.stop('a random key was allowed')
  const findings = [good, bad].filter((finding) => finding !== undefined)
  if (findings.every((finding) => isOutage(finding))) report.stop('no key got a verdict')
  report.add('Cache-Control', () => judgeCacheControl(good ?? bad))
  return good?.view.passes === true ? goodKey : undefined
}

async function askKeysLike(report: Report, goodKey: string): Promise<void> {
  await report.ask('nearly good key', nearlyGoodKeys(goodKey), (check, finding, what) =>
    judgeBadKey(check, finding, `answer 401 to ${what}: compare whole keys`),
  )
  const otherCase = otherCaseKey(goodKey)
  const otherCases = otherCase === undefined ? 'the good key has no letters' : [otherCase]
  await report.ask('other-case key', otherCases, (check, finding, what) =>
    judgeBadKey(check, finding, `answer 401 to ${what}: ${COMPARE_BYTES}`),
  )
}

async function askNonsense(report: Report, goodKey: string | undefined): Promise<void> {
  await report.ask('structured key', structuredKeys(goodKey), (check, finding, what) =>
    judgeNonsense(check, finding, what, `answer 400 to ${what}: accept a string only`),
  )
  await report.ask('empty key', [about('', 'an empty "api_key"')], judgeNonsense)
  await report.ask('malformed JSON', [brokenQuestion()], judgeNonsense)
  await report.ask('missing fields', incompleteQuestions(), judgeNonsense)
}

async function askBigHeaders(report: Report, goodKey: string | undefined): Promise<void> {
  const question = about(goodKey ?? createRandomKey(), 'headers of 32 KiB', bigHeaders())
  const judge = goodKey === undefined ? judgeRandomKey : judgeGoodKey
  await report.ask('big headers', [question], judge)
}

function judgeRandomKey(check: string, finding: Finding): Row {
  return judgeBadKey(check, finding)
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

  /** Adds the row of the worst answer. Given a string instead of questions, skips the row for that reason. Returns the first finding. */
  async ask(
    check: string,
    questions: readonly Question[] | string,
    judge: Judge,
  ): Promise<Finding | undefined> {
    if (typeof questions === 'string') {
      this.skip([check], questions)
      return undefined
    }
    const findings: Finding[] = []
    const rows: Row[] = []
    for (const question of questions) {
      const finding = await this.#askOne(question)
      if (finding === undefined) break
      findings.push(finding)
      rows.push(judge(check, finding, question.what))
    }
    const worst = worstOf(rows)
    const isWhole = rows.length === questions.length || worst?.result === 'fail'
    this.#push(check, isWhole ? worst : undefined)
    return findings[0]
  }

  skip(checks: readonly string[], why: string): void {
    for (const check of checks) this.add(check, () => skipped(check, why))
  }

  /** Adds a row that needs no question of its own. */
  add(check: string, judge: () => Row): void {
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

  #push(check: string, row: Row | undefined): void {
    this.rows.push(row ?? leftOut(check, this.#stopped() ?? TIME_IS_UP))
    if (row !== undefined) this.#onRow(row)
  }

  /** Returns `undefined` after a stop, and for a question that the total time cuts off. */
  async #askOne(question: Question): Promise<Finding | undefined> {
    if (this.#stopped() !== undefined) return undefined
    const { url, timeoutMs } = this.#target
    const leftMs = Math.max(1, this.#endsAt - performance.now())
    const target = { ...this.#target, timeoutMs: Math.min(timeoutMs, leftMs) }
    const outcome = await probe(target, question.body)
    const isLate = outcome.kind === 'silence' && outcome.reason === 'timeout'
    if (isLate && leftMs < timeoutMs) {
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

function worstOf(rows: readonly Row[]): Row | undefined {
  const results = ['fail', 'note', 'ok'] as const
  return results
    .map((result) => rows.find((row) => row.result === result))
    .find((row) => row !== undefined)
}
