import { processVariable } from '../core/runtime.ts'
import { readAuthSection } from './auth-section.ts'
import { UnreadableFileError } from '../files/system.ts'
import { readTextFile } from '../files/text-file.ts'
import { MOST_TEXT, parseFile } from './document.ts'
import { ConfigFileError } from './problems.ts'
import { invalidOption } from '../core/config/option-checks.ts'
import { loadMeans } from './providers/means.ts'
import { decide } from './providers/source.ts'
import { makeCache, makeCacheAndStore } from './cache-section.ts'
import { addProblems, checkConfig, rejectOption } from './option-problems.ts'
import { Origins } from './origins.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { MemoryCacheOptions } from '../memory/options.ts'
import type { AuthSection, SectionOptions } from './auth-section.ts'
import type { MadeCache } from './cache-section.ts'
import type { Findings } from './problems.ts'
import type { OpenKeys } from './providers/means.ts'
import type { ProviderWatch } from './providers/make.ts'
import type { Decided, MadePart } from './providers/source.ts'
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

type Variables = NonNullable<LoadOptions['env']>

export interface ReadOptions {
  readonly env: Variables | undefined
  readonly allowMissing: boolean
  readonly accessPolicy: 'upstream' | undefined
}

/** How a text is read. */
export const READ: Table<ReadOptions> = {
  env: { kind: 'code', is: 'variables', read: parseVariables },
  allowMissing: { kind: 'boolean', default: false },
  accessPolicy: {
    kind: 'choice',
    choices: ['upstream'],
    expected: '"upstream", which says that your upstream enforces "access_policy", or left out',
  },
}

export interface TextOptions extends SectionOptions {
  readonly path: string
  readonly env: Variables | undefined
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

/** The options of a caller, as a text is read with them. */
export function toTextOptions({
  env,
  allowMissing = false,
  accessPolicy,
}: Partial<ReadOptions>): Omit<TextOptions, 'path'> {
  return { env, allowMissing, hasEnforcingUpstream: accessPolicy === 'upstream' }
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
export function configOfText({ section, findings }: Draft, jwt?: MakeJwt): AuthConfig | undefined {
  if (section === undefined) return checked(findings, undefined)
  if (section.options['store'] !== undefined) rejectOption([], NO_STORE, section.reading, ['store'])
  const decided = decide(section, { jwt, files: undefined })
  return checked(findings, configOf(section, decided, makeCache(section.options)))
}

/** The config of a section, with its cache. Adds its problems. */
function configOf(
  { reading }: AuthSection,
  { config }: Decided,
  { cache, problems }: MadeCache,
): AuthConfig {
  const whole = { ...config, ...(cache && { cache }) }
  checkConfig(whole, reading)
  addProblems(problems, reading)
  return whole
}

function checked<Value>(findings: Findings, value: Value): Value {
  if (findings.isEmpty()) return value
  throw new ConfigFileError(findings.all(), findings.hasMore())
}

/** Makes configs of files. Keeps the parts that hold connections, while their section stays the same. */
export class FileParts {
  readonly #onEvent: LoadOptions['onEvent']
  readonly #watch: ProviderWatch | undefined
  readonly #keys: OpenKeys | undefined
  #cache: MadeCache | undefined
  #made: MadePart | undefined

  /**
   * @param onEvent Receives the events of a store.
   * @param keys Makes the verifier of API keys that the file names.
   */
  constructor(onEvent: LoadOptions['onEvent'], watch?: ProviderWatch, keys?: OpenKeys) {
    this.#onEvent = onEvent
    this.#watch = watch
    this.#keys = keys
  }

  /** The file, and its config with its cache. @throws ConfigFileError */
  async make({ section, findings }: Draft): Promise<ParsedFile> {
    if (section === undefined) return checked(findings, NO_SECTION)
    const cache = await makeCacheAndStore(section, this.#onEvent, this.#cache)
    const means = { ...(await loadMeans(section, this.#keys)), watch: this.#watch }
    const decided = decide(section, means, this.#made)
    const config = checked(findings, configOf(section, decided, cache))
    this.#cache = cache
    this.#made = decided.made
    const { cache: cacheSection, resource, store, routePolicy } = section.options
    const sections = { cache: cacheSection, resource, store }
    return { config, sections, provider: decided.made?.print, rules: routePolicy }
  }
}

const NO_SECTION: ParsedFile = {
  config: undefined,
  sections: { cache: undefined, resource: undefined, store: undefined },
  provider: undefined,
  rules: undefined,
}

/** Reads a file, and makes its config. @throws ConfigFileError */
export async function loadFile(
  path: string,
  options: Omit<TextOptions, 'path'>,
  onEvent?: LoadOptions['onEvent'],
): Promise<ParsedFile> {
  return new FileParts(onEvent).make(readText(readFile(path), { path, ...options }))
}

function parseVariables(env: unknown, path: OptionPath): Variables {
  // Each variable is checked when it is read.
  if (typeof env === 'object' && env !== null) return env as Variables
  throw invalidOption(path, env, 'an object of variables')
}

function createEnvironment(env: Variables | undefined): Environment {
  if (env === undefined) return (name) => textOf(processVariable(name))
  return (name) => (Object.hasOwn(env, name) ? textOf(env[name]) : undefined)
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
