import {
  invalidOption,
  isOptionsObject,
  misusedOption,
  EXPECTED_VALUE,
} from '../core/config/option-checks.ts'
import { AuthConfigError } from '../core/errors.ts'
import { readTextFile } from '../files/text-file.ts'
import { createCache } from '../memory/memory-cache.ts'
import { CACHE_TIMES } from '../memory/options.ts'
import { attempt } from './option-problems.ts'
import { fingerprint } from './watch.ts'
import { unchecked } from './providers/kinds/key-kinds.ts'
import type { MemoryCacheOptions } from '../memory/options.ts'
import type { Form, GroupForm } from '../core/config/form.ts'
import type { DecisionCache, DecisionStore } from '../core/seams.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Section, Values } from './values.ts'

const TEXT = { kind: 'text' } as const
const SECRET = { kind: 'text', isSecret: true } as const

/** The keys of `server.auth.store`, as options of `redisStore`, which checks them. A file is named in place of a text in PEM form. */
export const STORE_FORM: GroupForm = {
  kind: 'group',
  default: {},
  fields: {
    url: unchecked('storeUrl', { isText: true, isSecret: true }),
    secret: unchecked('secrets', { isText: true, isSecret: true, items: SECRET }),
    shareVerdicts: { kind: 'boolean', default: false },
    revocationMs: { kind: 'milliseconds', min: 250, max: 10_000, default: 1000 },
    lostPushTtlMs: { kind: 'milliseconds', min: 250, max: 3_600_000 },
    timeoutMs: { kind: 'milliseconds', min: 1, max: 60_000, default: 50 },
    prefix: { kind: 'text', pattern: /^[\x21-\x7e]{1,64}$/, default: 'with-auth:' },
    scope: TEXT,
    tls: { kind: 'group', fields: { caFile: TEXT, certFile: TEXT, keyFile: TEXT } },
  },
}

/** The keys of `server.auth.cache`, as options of `memoryCache`. */
export const CACHE: Form = { kind: 'group', fields: CACHE_TIMES, also: [false], default: false }

const MOST_PEM = 2 ** 18

type MakeStore = (options: never) => DecisionStore

/** The cache of a file, if it has one. */
export interface MadeCache {
  /** With problems it is another one, so that the rest of the config is checked as with a cache. */
  readonly cache: DecisionCache | undefined
  /** Those of the cache itself. */
  readonly problems: readonly OptionProblem[]
  /** Differs between files whose caches differ. */
  readonly print?: string
}

/** Only code can give a cache these. */
interface Others {
  readonly store?: DecisionStore | undefined
  readonly onEvent?: MemoryCacheOptions['onEvent'] | undefined
}

/**
 * Makes the cache of a file and its store, which connects with the first request. Adds the problems of the store.
 *
 * @param before The cache until now. It goes on while both of its sections stay the same.
 */
export async function makeCacheAndStore(
  section: Section,
  onEvent: Others['onEvent'],
  before: MadeCache | undefined,
): Promise<MadeCache> {
  const { options } = section
  const print = fingerprint([options['cache'], options['store']])
  if (before?.print === print) return before
  const store = await makeStore(section)
  return { ...makeCache(options, { store, onEvent }), print }
}

/** Makes the cache of a section. */
export function makeCache(options: Values, others: Others = {}): MadeCache {
  const given = options['cache']
  try {
    if (given !== undefined && given !== false) {
      return { cache: createGiven(given, others), problems: [] }
    }
    if (others.store === undefined) return { cache: undefined, problems: [] }
    throw misusedOption(['store'], 'left out without `cache`: it ends cached decisions')
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    const cache = isOptionsObject(given) ? createCache({}) : undefined
    return { cache, problems: error.problems }
  }
}

function createGiven(given: unknown, { store, onEvent }: Others): DecisionCache {
  if (given === null) throw invalidOption(['cache'], given, EXPECTED_VALUE)
  if (!isOptionsObject(given)) throw invalidOption(['cache'], given, 'an object or false')
  return createCache({ ...given, ...(store && { store }), ...(onEvent && { onEvent }) }, ['cache'])
}

async function makeStore({ options, reading }: Section): Promise<DecisionStore | undefined> {
  const section = options['store']
  if (section === undefined) return undefined
  // Imported here, because a bundle for Workers gets another one.
  const { redisStore } = await import('../redis.ts')
  return attempt(() => connect(section, redisStore), reading)
}

function connect(section: unknown, redisStore: MakeStore): DecisionStore {
  try {
    return redisStore(withFiles(section) as never)
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    throw new AuthConfigError(
      'store',
      error.message,
      error.problems.map((problem) => ({ ...problem, optionPath: pathOf(problem) })),
    )
  }
}

// The names of the files take the place of their texts.
function pathOf({ optionPath }: OptionProblem): OptionProblem['optionPath'] {
  const [first, second, ...rest] = optionPath
  if (first === 'store') return optionPath
  return first === 'tls' && typeof second === 'string'
    ? ['store', 'tls', `${second}File`, ...rest]
    : ['store', ...optionPath]
}

/** The options of a store, with the texts of its files. */
export function withFiles(section: unknown): unknown {
  if (!isOptionsObject(section) || !('tls' in section)) return section
  const { tls } = section
  if (!isOptionsObject(tls)) return section
  const texts = Object.entries(tls).map(([name, file]) => [
    name.replace('File', ''),
    readPem(name, file),
  ])
  return { ...section, tls: Object.fromEntries(texts) as unknown }
}

function readPem(name: string, file: unknown): string {
  try {
    return readTextFile(String(file), MOST_PEM)
  } catch (error) {
    const optionPath = ['tls', name.replace('File', '')]
    const expected = `a file that can be read: ${error instanceof Error ? error.message : ''}`
    throw misusedOption(optionPath, expected)
  }
}
