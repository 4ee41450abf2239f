import { examine } from '../conformance/examine.ts'
import { isOutageRow, whyLeftOut } from '../conformance/finding.ts'
import { showUrl } from '../shown-value.ts'
import { LASTING } from './ask.ts'
import { error, ok, outage, warning } from './finding.ts'
import type { Row } from '../conformance/finding.ts'
import type { ProbeTarget } from '../conformance/probe.ts'
import type { Finding, Place } from './finding.ts'

interface Given {
  readonly place: Place
  /** A valid key, if there is one. */
  readonly key: string | undefined
  readonly needsPrincipal: boolean
}

/** Without it an endpoint answers 500. */
const SECRET_HEADER = 'x-auth-secret'

/** Examines an auth endpoint as `with-auth check URL` does. */
export async function checkEndpoint(
  target: ProbeTarget,
  { place, key, needsPrincipal }: Given,
): Promise<readonly Finding[]> {
  const rows = await examine(target, key)
  const url = showUrl(target.url, key)
  const stopped = rows.map(whyLeftOut).find((why) => why !== undefined)
  const found = rows.flatMap((row) => findingOf(row, place, needsPrincipal))
  if (stopped === undefined) return [summary(rows, place, url, key), ...found]
  const failed = rows.find(({ result }) => result === 'fail')
  const isLasting = LASTING.test(stopped) || stopped.includes(SECRET_HEADER)
  const isOut = failed !== undefined && isOutageRow(failed) && !isLasting
  const make = isOut ? outage : error
  return [make(place, `${url} cannot be used: ${stopped}.`, adviceOf(failed))]
}

function findingOf(row: Row, place: Place, needsPrincipal: boolean): readonly Finding[] {
  const { check, result, did, wrapper } = row
  if (result === 'ok' || result === 'skipped') return []
  const isNameless = check === 'identity' && needsPrincipal
  const make = result === 'fail' || isNameless ? error : warning
  const reaction = isNameless ? 'rejects the key, since a principal is required' : wrapper
  return [make(place, `${check}: ${did}; with-auth ${reaction}.`, adviceOf(row))]
}

function summary(
  rows: readonly Row[],
  place: Place,
  url: string,
  key: string | undefined,
): Finding {
  const passed = rows.filter(({ result }) => result === 'ok').length
  const lacking =
    key === undefined ? ' The others need a valid key: set WITH_AUTH_KEY, or give --key-file.' : ''
  return ok(place, `${url} passed ${passed} of ${rows.length} checks.${lacking}`)
}

function adviceOf(row: Row | undefined): string | undefined {
  if (row?.change === undefined) return undefined
  const advice = capital(inKeys(row.change))
  return advice.endsWith('?') ? advice : `${advice}.`
}

/** The advice of `with-auth check URL`, for a reader of the file. */
function inKeys(change: string): string {
  return change
    .replace('WITH_AUTH_ENDPOINT_SECRET', '"endpoint_headers"')
    .replace(/\bURL\b/, '"endpoint"')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
