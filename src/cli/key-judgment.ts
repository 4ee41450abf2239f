import { repositoryOf } from '../keys/edits/place.ts'
import { judgeBy, toRecord } from '../keys/keyring.ts'
import { parseTimestamp } from '../keys/times.ts'
import { shown } from './shown-value.ts'
import type { KeyPlace } from '../keys.ts'
import type { KeyJudgment } from '../keys/keyring.ts'

/** Judges a key that was presented, for a path or for itself. No use of the key is recorded. */
export function judgeKeyIn(place: KeyPlace, key: string, path?: string): Promise<KeyJudgment> {
  return judgeBy(repositoryOf(place).read().find)(key, path)
}

export function judgmentToJson({ found, detail }: KeyJudgment): object {
  const record = found === undefined ? {} : toRecord(found, Date.now())
  return { valid: detail === undefined, detail, ...record }
}

/** Says what a key may do, or why it may do nothing. */
export function describeJudgment({ found, detail }: KeyJudgment): string {
  if (found === undefined) {
    return detail === 'malformed'
      ? 'malformed: a part of the key is missing or was changed'
      : 'unknown: no key here has this value'
  }
  const { principal, tenant, paths = [], expires, revoked } = found
  const states = {
    revoked: `revoked${dayOf(' on', revoked)}`,
    expired: `expired${dayOf(' on', expires)}`,
    valid: `valid${dayOf(' until', expires)}`,
  }
  const limits = paths.map((path) => shown(path === '/' ? '/*' : `${path}/*`)).join(' and ')
  const limited = limits === '' ? '' : `, limited to ${limits}`
  const ofTenant = tenant === undefined ? '' : `, tenant ${tenant}`
  const state = detail === 'revoked' || detail === 'expired' ? detail : 'valid'
  return `${states[state]}, principal ${shown(principal)}${ofTenant}${limited}`
}

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' })

function dayOf(preposition: string, time: string | true | undefined): string {
  const parsed = typeof time === 'string' ? parseTimestamp(time) : undefined
  return parsed === undefined ? '' : `${preposition} ${DAY.format(parsed)}`
}
