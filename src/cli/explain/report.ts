import { drawTable } from '../key-table.ts'
import { showDuration, showFact, showTime } from './shown-fact.ts'
import type { Explanation } from './explanation.ts'
import type { ClaimRow } from './claims.ts'
import type { ProviderTrace } from './providers.ts'

const OUTCOMES = { allowed: 'allowed', rejected: 'rejected', no_decision: 'no decision' } as const

/** Several requests, one in a line. */
export function describeTable(all: readonly Explanation[]): string {
  const rows = all.map(({ method, path, outcome, response, code, detail, why }) => {
    const result = `${OUTCOMES[outcome]}${response === undefined ? '' : ` ${response.status}`}`
    return [method, path, result, detail ?? code, why]
  })
  return drawTable([['METHOD', 'PATH', 'RESULT', 'CODE', 'WHY'], ...rows])
}

/** One request, from what was decided to what the client would get. */
export function describeExplanation(one: Explanation): string {
  const { method, path, outcome, code, detail, response, why } = one
  const status = response === undefined ? '' : ` with ${response.status}`
  const codes = [...(code === 'allow' ? [] : [code]), ...(detail === undefined ? [] : [detail])]
  const name = codes.length === 0 ? '' : ` (${codes.join(', ')})`
  const parts = [
    `${method} ${path}: ${OUTCOMES[outcome]}${status}${name}\n`,
    ...one.providers.map((trace) => describeProvider(trace)),
    describeRules(one),
    `Why: ${why}\n`,
    list('What to change', one.change),
    describeCaller(one),
    describeCached(one),
    list('Warnings', one.warnings),
    list('Left out, and an endpoint may decide by it', one.leftOut),
    describeClient(one),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function describeProvider({ key, type, place, result, why, claims, apiKey, asked }: ProviderTrace) {
  const reason = why === undefined ? '' : `: ${why}`
  const head = `${key}, ${type}${place === undefined ? '' : ` (${place})`}: ${result}${reason}\n`
  const calls = asked.map(({ method, url, status, cause, durationMs, said }) => {
    const answer =
      status === undefined ? `no answer${cause === undefined ? '' : `, ${cause}`}` : status
    const time = durationMs === undefined ? '' : ` after ${showDuration(durationMs)}`
    const members = Object.entries(said).map(([name, value]) => `      ${name}: ${value}\n`)
    return `  ${method} ${url}: ${answer}${time}\n${members.join('')}`
  })
  const ofKey = apiKey === undefined ? '' : `  ${apiKey.says}\n`
  return head + calls.join('') + ofKey + describeClaims(claims)
}

function describeClaims(rows: readonly ClaimRow[] | undefined): string {
  if (rows === undefined) return ''
  const cells = rows.map(({ claim, says, wants, ok }) => {
    const verdict = ok === undefined ? '' : ok ? 'ok' : 'NO'
    return [claim, says, wants, verdict]
  })
  return indent(drawTable([['claim', 'the token says', 'the config wants', ''], ...cells]))
}

function describeRules({ rules }: Explanation): string {
  const lines = rules.map(({ rule, place, says, decides, misfit }) => {
    const fate = decides ? 'decides' : `does not apply, since ${misfit}`
    return `  ${rule}${place === undefined ? '' : ` (${place})`} ${says}: ${fate}\n`
  })
  return lines.length === 0 ? '' : `Rules of route_policy:\n${lines.join('')}`
}

function describeCaller({ caller }: Explanation): string {
  if (caller === undefined) return ''
  const { attributes, expiresAt, ...rest } = caller
  const facts = { ...rest, ...attributes }
  const lines = Object.entries(facts).map(
    ([name, value]) => `  ${showFact(name)}: ${showFact(value)}\n`,
  )
  const end = expiresAt === undefined ? '' : `  ends: ${showTime(expiresAt)}\n`
  return `The caller:\n${lines.join('')}${end}`
}

function describeCached({ cached }: Explanation): string {
  if (cached === undefined) return ''
  const { forMs, until, why } = cached
  if (until === undefined) return `This decision is not cached: ${why}.\n`
  return `This decision would be cached for at most ${showDuration(forMs)}, until ${showTime(until)}.\n`
}

function describeClient({ outcome, response }: Explanation): string {
  if (response === undefined) {
    return outcome === 'allowed' ? 'The client gets what the server behind answers.\n' : ''
  }
  const headers = Object.entries(response.headers).map(([name, value]) => `  ${name}: ${value}\n`)
  return `The client gets ${response.status}:\n${headers.join('')}  ${response.body}\n`
}

function list(title: string, texts: readonly string[]): string {
  return texts.length === 0 ? '' : `${title}:\n${texts.map((text) => `  ${text}\n`).join('')}`
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
