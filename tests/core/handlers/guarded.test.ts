import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../support/project.ts'

/** Mistakes of users. The compiler underlines the part between « and », and its message has the text beside. */
const MISTAKES: Record<string, [title: string, code: string, message: string | RegExp][]> = {
  'a handler and a config': [
    [
      'a misspelt option',
      `withAuth(handler, { «endpont»: 'https://a.test' })`,
      "Did you mean to write 'endpoint'?",
    ],
    ['no such option', `withAuth(handler, { «failOpen»: true })`, "'failOpen' does not exist"],
    [
      'a misspelt option in cache',
      `withAuth(handler, { cache: { «allowTtl»: 5 } })`,
      "Did you mean to write 'allowTtlMs'?",
    ],
    [
      'an unknown option in retry',
      `withAuth(handler, { retry: { «retries»: 1 } })`,
      "'retries' does not exist in type 'RetryConfig'",
    ],
    [
      'a word that is not one of the allowed ones',
      `withAuth(handler, { «mode»: 'enforced' })`,
      `Did you mean '"enforce"'?`,
    ],
    [
      'text for a number',
      `withAuth(handler, { «timeoutMs»: '5s' })`,
      "Type 'string' is not assignable to type 'number'",
    ],
    [
      'text for a number in cache',
      `withAuth(handler, { cache: { «allowTtlMs»: '5' } })`,
      "Type 'string' is not assignable to type 'number'",
    ],
    ['true for an object', `withAuth(handler, { «cache»: true })`, "'false | CacheConfig"],
    ['a status', `withAuth(handler, { «unavailableStatus»: 500 })`, "'401 | 503"],
    ['text for a list', `withAuth(handler, { «public»: '/healthz' })`, "'readonly PublicPath[]'"],
    [
      'respond that returns a promise',
      `withAuth(handler, { «respond»: async () => new Response() })`,
      "Type 'Promise<Response>' is missing",
    ],
    [
      'an event that has no such field',
      `withAuth(handler, { onEvent: (event) => event.«token» })`,
      "Property 'token' does not exist on type 'AuthEvent'",
    ],
    [
      'a verifier that answers true',
      `withAuth(handler, { «verifier»: () => true })`,
      "Type 'boolean' is not assignable to type 'Verdict",
    ],
    [
      'a variable that may not be set',
      `withAuth(handler, «{ endpoint: variable, timeoutMs: 1 }»)`,
      "Type 'undefined' is not assignable to type 'string | URL'",
    ],
    ['a URL for a config', `withAuth(handler, «'https://a.test'»)`, 'not assignable to parameter'],
    [
      'an async config function',
      `withAuth(handler, «async () => ({ endpoint: 'https://a.test' })»)`,
      "'Promise<{ endpoint: string; }>' is not assignable to type 'KnownOptions",
    ],
  ],
  'no handler': [
    ['nothing is returned', `withAuth(«(request) => {}», config)`, /'void' .* type 'Response \| P/],
    [
      'nothing is awaited',
      `withAuth(«async (request) => {}», config)`,
      /'Promise<void>' .* type 'Response \| P/,
    ],
    [
      'a string is returned',
      `withAuth(«(request) => request.url», config)`,
      /'string' .* type 'Response \| P/,
    ],
    [
      'a number is promised',
      `withAuth(«async (request) => 204», config)`,
      /'Promise<number>' .* type 'Response \| P/,
    ],
    [
      'fetch returns nothing',
      `withAuth({ «fetch»: (request: Request) => {} }, config)`,
      /'void' .* type 'Response \| P/,
    ],
    [
      'it takes no Request',
      `withAuth(«(url: string) => new Response(url)», config)`,
      "Type 'Request' is not assignable to type 'string'",
    ],
    ['no fetch', `withAuth({ «handler» }, config)`, "'handler' does not exist"],
    ['undefined', `withAuth(«undefined», config)`, "'undefined' is not assignable to parameter"],
  ],
  'an app and a config': [
    [
      'a misspelt option',
      `withAuth(app, { «endpont»: 'https://a.test' })`,
      "Did you mean to write 'endpoint'?",
    ],
    ['a wrong word', `withAuth(app, { «mode»: 'shadows' })`, `Did you mean '"shadow"'?`],
    [
      'a misspelt option for a Hono app',
      `withAuth(new Hono(), { «realn»: 'api' })`,
      "Did you mean to write 'realm'?",
    ],
  ],
  // Of an arrow function TypeScript underlines the whole.
  'a config function': [
    [
      'a misspelt option',
      `withAuth(ofEnv, «(env) => ({ endpont: env.AUTH_ENDPOINT })»)`,
      "Types of property 'endpont' are incompatible",
    ],
    [
      'a misspelt option beside others',
      `withAuth(ofEnv, «(env: Env) => ({ endpoint: env.AUTH_ENDPOINT, timeout: 5 })»)`,
      "Types of property 'timeout' are incompatible",
    ],
    [
      'a misspelt option, with the type of the result',
      `withAuth(ofEnv, (env): AuthConfig => ({ «endpont»: env.AUTH_ENDPOINT }))`,
      "Did you mean to write 'endpoint'?",
    ],
    [
      'a wrong word',
      `withAuth(ofEnv, «(env) => ({ endpoint: env.AUTH_ENDPOINT, mode: 'enforced' })»)`,
      `Did you mean '"enforce"'?`,
    ],
    [
      'a misspelt binding',
      `withAuth(ofEnv, (env) => ({ endpoint: env.«AUTH_ENDPONT» }))`,
      "Did you mean 'AUTH_ENDPOINT'?",
    ],
    [
      'another env than that of the handler',
      `withAuth(ofEnv, «(env: number) => ({ endpoint: String(env) })»)`,
      "Type 'Env' is not assignable to type 'number'",
    ],
    [
      'another env than that of the app',
      `withAuth({ fetch: ofEnv }, «(env: number) => ({ endpoint: String(env) })»)`,
      "Type 'Env' is not assignable to type 'number'",
    ],
  ],
  'the authenticator and the middleware': [
    [
      'a misspelt option',
      `createAuthenticator({ «endpont»: 'https://a.test' })`,
      "Did you mean to write 'endpoint'?",
    ],
    ['text for a number', `createAuthenticator({ cache: { «maxEntries»: '5' } })`, "type 'number'"],
    [
      'a misspelt option of a config function',
      `createAuthenticator(«(env: Env) => ({ endpoint: env.AUTH_ENDPOINT, timeout: 5 })»)`,
      "Types of property 'timeout' are incompatible",
    ],
    [
      'a misspelt option of the middleware',
      `auth({ «endpont»: 'https://a.test' })`,
      "Did you mean to write 'endpoint'?",
    ],
    ['a wrong word for the middleware', `auth({ «identity»: 'require' })`, `'"required"'?`],
    [
      'a misspelt option of a config function of the middleware',
      `auth(«(env: Env) => ({ endpoint: env.AUTH_ENDPOINT, timeout: 5 })»)`,
      "Types of property 'timeout' are incompatible",
    ],
    [
      'an async config function of the middleware',
      `auth(«async () => ({ endpoint: 'https://a.test' })»)`,
      "'Promise<{ endpoint: string; }>' is not assignable to type 'KnownOptions",
    ],
  ],
}

const PREAMBLE = `import { Hono } from 'hono'
import { auth } from '../../../src/hono.ts'
import { createAuthenticator, withAuth } from '../../../src/index.ts'
import type { AuthConfig } from '../../../src/index.ts'
interface Env { readonly AUTH_ENDPOINT: string }
declare const variable: string | undefined
declare const config: AuthConfig
declare const handler: (request: Request) => Response
declare const ofEnv: (request: Request, env: Env) => Promise<Response>
declare const app: { readonly port: number; fetch(request: Request): Response }
export const used = { AuthConfig: config, Hono, app, auth, createAuthenticator, handler, ofEnv, variable, withAuth }
`

/** The errors for a piece of code: the code with marks around the part that the compiler underlines, and the message. */
type Said = ReadonlyMap<string, { code: string; message: string }[]>

let said: Said

beforeAll(() => {
  said = compile(Object.values(MISTAKES).flatMap((mistakes) => mistakes.map(([, code]) => code)))
}, 60_000)

describe.each(Object.entries(MISTAKES))('%s', (_group, mistakes) => {
  it.each(mistakes)('%s', (_title, code, message) => {
    const errors = said.get(code) ?? []
    expect(errors.map((error) => error.code)).toEqual([code])
    expect(errors[0]?.message).toMatch(message)
  })
})

/** Compiles each piece of code in a file of its own, as a project with strict settings would. */
function compile(marked: readonly string[]): Said {
  const files = new Map(
    marked.map((code, index) => [join(ROOT, `tests/core/handlers/mistake-${index}.ts`), code]),
  )
  const options = readOptions()
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => files.has(name) || disk.fileExists(name),
    getSourceFile: (name, version, ...rest) => {
      const code = files.get(name)
      if (code === undefined) return disk.getSourceFile(name, version, ...rest)
      return ts.createSourceFile(name, PREAMBLE + code.replace(/[«»]/g, ''), version)
    },
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return new Map(
    [...files].map(([name, code]) => [
      code,
      program.getSemanticDiagnostics(program.getSourceFile(name)).map((error) => ({
        code: underline(code.replace(/[«»]/g, ''), error),
        message: ts.flattenDiagnosticMessageText(error.messageText, '\n'),
      })),
    ]),
  )
}

function readOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tests/tsconfig.json'), (file) =>
    ts.sys.readFile(file),
  )
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, join(ROOT, 'tests'))
  return { ...parsed.options, noUnusedLocals: false, noUnusedParameters: false }
}

function underline(code: string, { start = 0, length = 0 }: ts.Diagnostic): string {
  const from = start - PREAMBLE.length
  return `${code.slice(0, from)}«${code.slice(from, from + length)}»${code.slice(from + length)}`
}
