import { resolveConfig } from '../core/config/parse.ts'
import { AuthConfigError } from '../core/errors.ts'
import { processVariable } from '../core/runtime.ts'
import { readAuthSection } from './auth-section.ts'
import { UnreadableFileError } from '../files/system.ts'
import { readTextFile } from '../files/text-file.ts'
import { MOST_TEXT, parseFile } from './document.ts'
import { ConfigFileError } from './problems.ts'
import { invalidOption } from '../core/config/option-checks.ts'
import { addProblems, checkSettings } from './settings-check.ts'
import { StoreSource } from './store-section.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { Environment } from './references.ts'

export interface TextOptions {
  readonly path: string
  readonly env: unknown
  readonly allowMissing: boolean
}

/** The config of a file, and the section that makes its store. */
export interface ParsedFile {
  /** `undefined` if it is missing, and may be. */
  readonly config: AuthConfig | undefined
  readonly section: unknown
  /** Adds problems at their places in the file. Hidden from `JSON.stringify`. */
  readonly reject: (problems: readonly OptionProblem[]) => ConfigFileError
}

/** @throws ConfigFileError */
export function parseText(text: unknown, { path, env, allowMissing }: TextOptions): ParsedFile {
  if (typeof text !== 'string') throw invalidOption(['text'], typeof text, 'a string')
  const environment = createEnvironment(env)
  const { tree, findings } = parseFile(path, text)
  const reading = tree && { tree, findings, environment }
  const settings = reading && readAuthSection(reading, allowMissing)
  const config = settings && checkSettings(settings, findings)
  const error = (): ConfigFileError => new ConfigFileError(findings.all(), findings.hasMore())
  if (!findings.isEmpty()) throw error()
  return {
    config,
    section: settings?.get('store')?.value,
    reject: (problems) => {
      if (settings !== undefined) addProblems(problems, settings, findings)
      return error()
    },
  }
}

/** The file, and its config with its store. @throws ConfigFileError */
export async function withStore(parsed: ParsedFile, stores: StoreSource): Promise<ParsedFile> {
  const { config, section, reject } = parsed
  if (section === undefined) return parsed
  try {
    const store = await stores.make(section, (made) => resolveConfig({ ...config, store: made }))
    return { ...parsed, config: { ...config, store } }
  } catch (error) {
    throw error instanceof AuthConfigError ? reject(error.problems) : error
  }
}

/** Reads a file, and makes its store. @throws ConfigFileError */
export async function loadFile(
  path: string,
  options: Omit<TextOptions, 'path'>,
): Promise<ParsedFile> {
  return withStore(parseText(readFile(path), { path, ...options }), new StoreSource())
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
