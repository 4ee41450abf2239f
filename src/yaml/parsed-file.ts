import { boolean, callback } from '../core/config/kinds.ts'
import { processVariable } from '../core/runtime.ts'
import { readAuthSection } from './auth-section.ts'
import { UnreadableFileError } from '../files/system.ts'
import { readTextFile } from '../files/text-file.ts'
import { MOST_TEXT, parseFile } from './document.ts'
import { ConfigFileError } from './problems.ts'
import { invalidOption } from '../core/config/option-checks.ts'
import { loadMeans } from './providers/means.ts'
import { ProviderSource } from './providers/source.ts'
import { CacheSource, makeCache } from './cache-section.ts'
import { addProblems, checkConfig, rejectOption } from './option-problems.ts'
import { Origins } from './origins.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { MemoryCacheOptions } from '../memory/options.ts'
import type { AuthSection, SectionOptions } from './auth-section.ts'
import type { MadeCache } from './cache-section.ts'
import type { Findings } from './problems.ts'
import type { Means } from './providers/make.ts'
import type { MakeJwt } from './providers/kinds/provider.ts'
import type { Environment } from './references.ts'

/** Options for reading a file. */
export interface LoadOptions {
  /**
   * The variables that `${env.NAME}` refers to.
   * @default process.env
   */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * With `true`, a file without `server.auth` gives `undefined`. A likely mistake for that section is still an error: a key
   * such as `sever.auth` or `server._auth`, an `auth` beside `server` or one level too deep, or an `endpoint` in `server`.
   * @default false
   */
  readonly allowMissing?: boolean
  /**
   * `'upstream'` says that the server behind with-auth enforces OGX's `access_policy`, so that a file may have one. with-auth
   * does not read it. Without this option it is an error, even if it is empty.
   */
  readonly accessPolicy?: 'upstream'
  /**
   * Receives the events of the `store` in the file. Without it the console gets them. The `onEvent` of a guard gets all others.
   */
  readonly onEvent?: MemoryCacheOptions['onEvent']
}

export const READ = ['env', 'allowMissing', 'accessPolicy'] as const
type OnEvent = NonNullable<LoadOptions['onEvent']>

export const ON_EVENT: Kind<OnEvent, OnEvent | undefined> = callback<OnEvent>()
const ENFORCED_UPSTREAM =
  '"upstream", which says that your upstream enforces "access_policy", or left out'
const ALLOW_MISSING = boolean(false)

export interface TextOptions extends SectionOptions {
  readonly path: string
  readonly env: unknown
}

/** A file that is read, and not checked yet. */
export interface Draft {
  /** `undefined` if it is missing, or cannot be read. */
  readonly section: AuthSection | undefined
  readonly findings: Findings
}

/** The config of a file, and the sections that make its functions. */
export interface ParsedFile {
  /** `undefined` if it is missing, and may be. */
  readonly config: AuthConfig | undefined
  /** The sections of values that only functions make. A watch compares them, since it cannot compare those. */
  readonly sections: Readonly<Record<'cache' | 'resource' | 'store', unknown>>
  /** Differs between files whose providers differ. */
  readonly provider: string | undefined
  /** The rules of its `routePolicy`. */
  readonly rules: unknown
}

/** Checks the options of a caller. */
export function parseLoadOptions(
  given: Partial<Record<(typeof READ)[number], unknown>>,
): Omit<TextOptions, 'path'> {
  const { env, allowMissing, accessPolicy } = given
  if (accessPolicy !== undefined && accessPolicy !== 'upstream') {
    throw invalidOption(['options', 'accessPolicy'], accessPolicy, ENFORCED_UPSTREAM)
  }
  return {
    env,
    allowMissing: ALLOW_MISSING.parse(allowMissing, ['options', 'allowMissing']),
    hasEnforcingUpstream: accessPolicy === 'upstream',
  }
}

/** Reads a text, with all problems that need no provider. */
export function readText(text: unknown, { path, env, ...options }: TextOptions): Draft {
  if (typeof text !== 'string') throw invalidOption(['text'], typeof text, 'a string')
  const environment = createEnvironment(env)
  const { tree, findings } = parseFile(path, text)
  const section =
    tree && readAuthSection({ tree, findings, environment, origins: new Origins() }, options)
  return { section, findings }
}

const NO_STORE = 'left out for parseConfig, which opens no connection: use loadConfig'

/** Makes the config of a text, which needs neither files nor connections. @throws ConfigFileError */
export function configOfText(draft: Draft, jwt: MakeJwt | undefined): AuthConfig | undefined {
  const { section } = draft
  if (section?.options['store'] !== undefined)
    rejectOption([], NO_STORE, section.reading, ['store'])
  const means = { jwt, files: undefined }
  return makeConfig(draft, means, new ProviderSource(), makeCache(section?.options)).config
}

function makeConfig(
  { section, findings }: Draft,
  means: Means,
  made: ProviderSource,
  { cache, problems }: MadeCache,
): ParsedFile {
  const decided = section && made.decide(section, means)
  const config = decided && { ...decided.config, ...(cache && { cache }) }
  if (section !== undefined && config !== undefined) {
    checkConfig(config, section.reading)
    addProblems(problems, section.reading)
  }
  if (!findings.isEmpty()) throw new ConfigFileError(findings.all(), findings.hasMore())
  decided?.keep()
  const { cache: cacheSection, resource, store, routePolicy } = section?.options ?? {}
  return {
    config,
    sections: { cache: cacheSection, resource, store },
    provider: decided?.print,
    rules: routePolicy,
  }
}

/** Makes configs of files. Keeps the parts that hold connections, while their section stays the same. */
export class FileParts {
  readonly #providers = new ProviderSource()
  readonly #caches: CacheSource

  /** @param onEvent Receives the events of a store. */
  constructor(onEvent: LoadOptions['onEvent']) {
    this.#caches = new CacheSource(onEvent)
  }

  /** The file, and its config with its cache. @throws ConfigFileError */
  async make(draft: Draft): Promise<ParsedFile> {
    const made = await this.#caches.make(draft.section)
    const parsed = makeConfig(draft, await loadMeans(draft.section), this.#providers, made)
    made.keep()
    return parsed
  }
}

/** Reads a file, and makes its config. @throws ConfigFileError */
export async function loadFile(
  path: string,
  options: Omit<TextOptions, 'path'>,
  onEvent?: LoadOptions['onEvent'],
): Promise<ParsedFile> {
  return new FileParts(onEvent).make(readText(readFile(path), { path, ...options }))
}

function createEnvironment(env: unknown): Environment {
  if (env === undefined) return (name) => textOf(processVariable(name))
  if (typeof env !== 'object' || env === null) {
    throw invalidOption(['options', 'env'], env, 'an object of variables')
  }
  return (name) => (Object.hasOwn(env, name) ? textOf(Reflect.get(env, name)) : undefined)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** @throws ConfigFileError for a file that cannot be read. */
export function readFile(path: string): string {
  if (typeof path !== 'string' || path === '')
    throw invalidOption(['path'], path, 'the name of a file')
  try {
    return readTextFile(path, MOST_TEXT)
  } catch (error) {
    if (!(error instanceof UnreadableFileError)) throw error
    const hint = error.code === 'no_files' ? ': use parseConfig' : ''
    const message = `The file cannot be read: ${error.message}${hint}`
    const option = { optionPath: [], expected: message, isSecret: false, key: '' }
    throw new ConfigFileError([{ ...option, path, line: 0, column: 0, message, excerpt: '' }])
  }
}
