import { statSync } from 'node:fs'
import process from 'node:process'
import { reportKeys } from '../../keys.ts'
import { KeyFileError } from '../../keys/error.ts'
import { showFile } from '../shown-value.ts'
import { error, ok, warning } from './finding.ts'
import type { KeyPlace, KeyReport } from '../../keys.ts'
import type { Finding, Place } from './finding.ts'

const MOST_KEYS = 1000
const OTHERS_READ = 0o004
const OTHERS_WRITE = 0o002
const CHMOD = 'Run chmod 600 on it.'

/** The keys of a provider, and what is wrong with them. */
interface CheckedKeys {
  readonly findings: readonly Finding[]
  /** Fewer than 1,000. `undefined` if there may be more, or if they cannot be read. */
  readonly all: readonly KeyReport[] | undefined
}

/** Reads the keys of a file or a database. No use of a key is counted. */
export async function checkKeys(
  source: KeyPlace,
  file: string,
  place: Place,
): Promise<CheckedKeys> {
  const ofFile = checkMode(file, place)
  try {
    const { keys } = await reportKeys(source, { limit: MOST_KEYS })
    const findings = [...ofFile, ...judge(keys, file, place)]
    return { findings, all: keys.length < MOST_KEYS ? keys : undefined }
  } catch (thrown) {
    if (!(thrown instanceof KeyFileError)) throw thrown
    const says = `${thrown.message.replaceAll('\n', '; ')}.`
    return { findings: [...ofFile, error(place, says)], all: undefined }
  }
}

function judge(keys: readonly KeyReport[], file: string, place: Place): readonly Finding[] {
  const active = keys.filter(({ status }) => status === 'active').length
  const expired = keys.filter(({ status }) => status === 'expired')
  const soon = keys.filter(({ attention }) => attention.includes('expires_soon'))
  const isWhole = keys.length < MOST_KEYS
  const most = isWhole ? '' : `Of the first ${MOST_KEYS} keys: `
  const shown = showFile(file)
  const works = active === 1 ? '1 key that works' : `${active} keys that work`
  const none = isWhole
    ? `${shown} has no key that works: every caller is rejected.`
    : `None of the first ${MOST_KEYS} keys of ${shown} works.`
  return [
    active === 0
      ? warning(place, none)
      : ok(place, `${shown} has ${works}${isWhole ? '' : ` among the first ${MOST_KEYS}`}.`),
    ...list(`${most}These keys end within 14 days`, soon, place),
    ...list(`${most}These keys have ended`, expired, place),
  ]
}

function list(says: string, keys: readonly KeyReport[], place: Place): readonly Finding[] {
  if (keys.length === 0) return []
  const named = keys.map(({ id, expires = '' }) => `${id} (${expires.slice(0, 10)})`)
  const shown =
    named.slice(0, 8).join(', ') + (named.length > 8 ? `, ${named.length - 8} more` : '')
  return [warning(place, `${says}: ${shown}.`)]
}

/** A user who may write the file can add keys. */
function checkMode(file: string, place: Place): readonly Finding[] {
  if (process.platform === 'win32') return []
  const { mode } = statSync(file, { throwIfNoEntry: false }) ?? { mode: 0 }
  const shown = `${showFile(file)} (mode ${(mode % 0o1000).toString(8)})`
  // oxlint-disable-next-line no-bitwise -- a mode is made of bits
  const has = (bit: number): boolean => (mode & bit) !== 0
  if (has(OTHERS_WRITE)) {
    return [error(place, `Every user of this machine may change ${shown}, and add keys.`, CHMOD)]
  }
  const says = `Every user of this machine may read ${shown}: it has names and the hashes of keys.`
  return has(OTHERS_READ) ? [warning(place, says, CHMOD)] : []
}
