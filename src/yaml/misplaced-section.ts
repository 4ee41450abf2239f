import { isMap, isScalar } from 'yaml'
import { editDistance } from '../core/config/option-checks.ts'
import { hasReference } from './references.ts'
import { findPair, isBare, isEmpty, keyText, rangeOf, shownName } from './tree.ts'
import type { Pair, YAMLMap } from 'yaml'
import type { Findings } from './problems.ts'
import type { Node, Tree } from './tree.ts'

interface Reading {
  readonly tree: Tree
  readonly findings: Findings
}

const BELOW_SERVER =
  'did you mean "auth" below "server"? Write it there, as a mapping with an "endpoint"'
const PROVIDERS = ['provider_config', 'providers', 'provider_type'] as const
/** Keys that say how callers are checked. */
const DECIDERS = ['endpoint', ...PROVIDERS] as const
// These begin with `auth`, and often have a URL.
const PERSON = /^authors?$/i

/**
 * Adds a problem for each key that was probably meant as `server.auth`, in a file without that section. A caller may allow a
 * missing section, and a typing mistake must not open the server.
 */
export function rejectMisplaced(root: YAMLMap, reading: Reading): void {
  const server = findPair(root, 'server')
  for (const pair of root.items) {
    const hint = pair === server ? undefined : hintBeside(pair, server !== undefined, reading)
    if (hint !== undefined) rejectUnread(pair, '', hint, reading)
  }
  const map = reading.tree.resolve(server?.value)
  if (isMap(map)) rejectWithin(map, reading)
}

function rejectUnread(pair: Pair, prefix: string, hint: string, { findings }: Reading): void {
  const given = `${prefix}${shownName(pair)}`
  const message = `${JSON.stringify(given)} is not read: ${hint}`
  findings.add(rangeOf(pair.key), given, message, isBare(pair))
}

function hintBeside(pair: Pair, hasServer: boolean, { tree }: Reading): string | undefined {
  const key = nameOf(pair)
  const value = tree.resolve(pair.value)
  if (isPath(key) || (mayMean(key, 'auth') && mayBeSection(key, value))) return BELOW_SERVER
  if (!hasServer && isMerge(key))
    return 'merge keys are not supported here, and it may hold "server"'
  const isMeant = mayMean(key, 'server') && (!hasServer || holdsAuth(value))
  return isMeant ? 'did you mean "server"?' : undefined
}

/** Whether a key is a path to the section, such as `server.auth.endpoint`. */
function isPath(key: string): boolean {
  const [server = '', auth = ''] = key.split(/[./:]/)
  return mayMean(server, 'server') && mayMean(auth, 'auth') && !PERSON.test(auth)
}

function mayBeSection(key: string, value: Node | undefined): boolean {
  if (isSection(value)) return true
  if (PERSON.test(key)) return false
  if (isMap(value))
    return value.items.length === 0 || hasKey(value, (name) => /^ur[il]/i.test(name))
  return isEmpty(value) || (isScalar(value) && isAddress(String(value.value)))
}

function isAddress(text: string): boolean {
  return text.includes('://') || hasReference(text)
}

function isSection(value: Node | undefined): boolean {
  return hasKey(value, (key) => DECIDERS.some((name) => mayMean(key, name)))
}

function holdsAuth(value: Node | undefined): boolean {
  return isSection(value) || hasKey(value, (key) => isMerge(key) || mayMean(key, 'auth'))
}

function hasKey(value: Node | undefined, test: (key: string) => boolean): boolean {
  return isMap(value) && value.items.some((pair) => test(nameOf(pair)))
}

function rejectWithin(server: YAMLMap, reading: Reading): void {
  for (const pair of server.items) {
    const value = reading.tree.resolve(pair.value)
    const hint = hintWithin(nameOf(pair), value)
    if (hint !== undefined) rejectUnread(pair, 'server.', hint, reading)
    if (hint !== undefined || !isMap(value)) continue
    // The section may be one level too deep.
    const sections = value.items.filter(
      (deeper) => mayMean(nameOf(deeper), 'auth') && isSection(reading.tree.resolve(deeper.value)),
    )
    const prefix = `server.${shownName(pair)}.`
    sections.forEach((one) => rejectUnread(one, prefix, 'did you mean "server.auth"?', reading))
  }
}

function hintWithin(key: string, value: Node | undefined): string | undefined {
  if (isMerge(key)) return 'merge keys are not supported here, and it may hold "auth"'
  if (mayMean(key, 'auth')) return 'did you mean "auth"?'
  const provider = PROVIDERS.find((name) => mayMean(key, name))
  if (provider !== undefined) return `did you mean "server.auth.${provider}"?`
  const isMeant = mayMean(key, 'endpoint') && (isEmpty(value) || isScalar(value))
  return isMeant ? 'did you mean "server.auth.endpoint"?' : undefined
}

function isMerge(key: string): boolean {
  return key.trim() === '<<'
}

function nameOf({ key }: Pair): string {
  return keyText(key) ?? ''
}

// Other spellings of a key.
const WORDS: Readonly<Record<string, readonly string[]>> = {
  auth: ['authentication', 'authorization', 'serverauth'],
  server: ['srvr'],
}

/**
 * Whether a key probably means a name: it begins with the name, is at least the first half of it, or is one typing mistake away
 * from it (a letter missing, wrong or too many, or two letters swapped). Ignores case and punctuation.
 */
export function mayMean(key: string, name: string): boolean {
  const text = plain(key)
  const whole = plain(name)
  if (whole.startsWith(text) && text.length * 2 >= whole.length) return true
  const words = [whole, ...(WORDS[name] ?? [])]
  return words.some((word) => text.startsWith(word) || isOneMistakeFrom(text, word))
}

function plain(key: string): string {
  return key.toLowerCase().replace(/[^a-z\d]/g, '')
}

function isOneMistakeFrom(text: string, word: string): boolean {
  const distance = editDistance(text, word)
  return distance <= 1 || (distance === 2 && lettersOf(text) === lettersOf(word))
}

function lettersOf(text: string): string {
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  return text.split('').sort().join('')
}
