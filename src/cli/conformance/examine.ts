import { createRandomKey } from '../random-key.ts'
import { judgeCacheControl, judgeRedirects, judgeSpeed } from './answer-rows.ts'
import { judgeBadKey, judgeGoodKey, judgeIdentity, judgeNonsense } from './key-rows.ts'
import { probe } from './probe.ts'
import {
  bigHeaders,
  brokenQuestion,
  incompleteQuestions,
  keysLike,
  questionAbout,
} from './questions.ts'
import { skipped } from './row.ts'
import { viewOfWrapper } from './wrapper-view.ts'
import type { ProbeTarget } from './probe.ts'
import type { Finding, Row } from './row.ts'

/** For all questions together, in milliseconds. */
const TOTAL_MS = 60_000
const NO_KEY = 'set WITH_AUTH_KEY, or give --key-file'

type Ask = (body: string) => Promise<Finding>
type Judge = (finding: Finding) => Row

/** Asks an endpoint everything that can go wrong, one after the other, and says what to change. Never rejects. */
export async function examine(target: ProbeTarget, goodKey: string | undefined): Promise<Row[]> {
  const findings: Finding[] = []
  const ask = createAsker(target, findings)
  const good = goodKey === undefined ? undefined : await ask(questionAbout(goodKey))
  const bad = await ask(questionAbout(createRandomKey()))
  const rows = [
    good === undefined ? skipped('good key', NO_KEY) : judgeGoodKey('good key', good),
    judgeBadKey('bad key', bad),
    await judgeKeysLike(ask, good?.view.passes === true ? goodKey : undefined),
    judgeNonsense('empty key', await ask(questionAbout('')), 'an empty "api_key"'),
    judgeNonsense('malformed JSON', await ask(brokenQuestion()), 'JSON that breaks off'),
    await judgeWorst(ask, incompleteQuestions(), (finding) =>
      judgeNonsense('missing fields', finding, 'a question without "api_key" or "request"'),
    ),
    await judgeBigHeaders(ask, goodKey),
    good === undefined || goodKey === undefined
      ? skipped('identity', NO_KEY)
      : judgeIdentity(good, goodKey),
    judgeCacheControl(good ?? bad),
  ]
  return [...rows, judgeSpeed(findings, target.timeoutMs), judgeRedirects(findings)]
}

/** Asks within the time that is left of all. */
function createAsker(target: ProbeTarget, findings: Finding[]): Ask {
  const endsAt = performance.now() + TOTAL_MS
  return async (body) => {
    const timeoutMs = Math.max(1, Math.min(target.timeoutMs, endsAt - performance.now()))
    const outcome = await probe({ ...target, timeoutMs }, body)
    const finding = { outcome, view: await viewOfWrapper(outcome) }
    findings.push(finding)
    return finding
  }
}

async function judgeKeysLike(ask: Ask, goodKey: string | undefined): Promise<Row> {
  const check = 'nearly good key'
  if (goodKey === undefined) return skipped(check, 'no good key was let in')
  const questions = keysLike(goodKey).map((key) => questionAbout(key))
  return judgeWorst(ask, questions, (finding) => judgeBadKey(check, finding))
}

async function judgeBigHeaders(ask: Ask, goodKey: string | undefined): Promise<Row> {
  const check = 'big headers'
  const finding = await ask(questionAbout(goodKey ?? createRandomKey(), bigHeaders()))
  return goodKey === undefined ? judgeBadKey(check, finding) : judgeGoodKey(check, finding)
}

/** Several questions for one row, which is that of the worst answer. */
async function judgeWorst(ask: Ask, bodies: readonly string[], judge: Judge): Promise<Row> {
  let worst: Row | undefined
  for (const body of bodies) {
    const row = judge(await ask(body))
    if (worst === undefined || severity(row) > severity(worst)) worst = row
  }
  return worst ?? skipped('nothing', 'nothing was asked')
}

function severity({ result }: Row): number {
  return ['skipped', 'ok', 'note', 'fail'].indexOf(result)
}
