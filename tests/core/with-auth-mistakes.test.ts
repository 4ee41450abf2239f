/** @module-tag slow */

import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, expect, it } from 'vitest'
import { ROOT } from '../support/project.ts'

/** Mistakes of users. The compiler underlines the part between « and », and its message has the text. */
const MISTAKES: [code: string, message: string | RegExp][] = [
  [`withAuth(handler, { «endpont»: 'https://a.test' })`, "Did you mean to write 'endpoint'?"],
  [`withAuth(handler, { «failOpen»: true })`, "'failOpen' does not exist"],
  [`withAuth(handler, { cache: { «allowTtlMs»: 5 } })`, "does not exist in type 'DecisionCache'"],
  [`withAuth(handler, { context: { «header»: 'all' } })`, "to write 'headers'?"],
  [`withAuth(handler, { context: { «headers»: 'none' } })`, `'"none"' is not assignable`],
  [`withAuth(handler, { credentials: { «headers»: 'x-api-key' } })`, "'headers' does not exist"],
  [`withAuth(handler, { «mode»: 'enforced' })`, `Did you mean '"enforce"'?`],
  [`withAuth(handler, { «timeoutMs»: '5s' })`, "'string' is not assignable to type 'number'"],
  [`withAuth(handler, { «cache»: true })`, "'false | DecisionCache"],
  [`withAuth(handler, { «public»: '/healthz' })`, "'readonly PublicPath[]'"],
  [
    `withAuth(handler, { «respond»: async () => new Response() })`,
    "'Promise<Response>' is missing",
  ],
  [`withAuth(handler, { onEvent: (event) => event.«token» })`, "'token' does not exist"],
  [`withAuth(handler, { «verifier»: () => true })`, "Type 'boolean' is not assignable"],
  [`withAuth(handler, «{ endpoint: variable, timeoutMs: 1 }»)`, "'undefined' is not assignable"],
  [`withAuth(handler, «'https://a.test'»)`, 'not assignable to parameter'],
  [`withAuth(handler, «async () => ({ endpoint: 'https://a.test' })»)`, "type 'KnownOptions"],
  [`withAuth(handler, «() => (variable ? config : undefined)»)`, "'undefined' is not assignable"],

  [`withAuth(«(request) => {}», config)`, /'void' .* type 'Response \| P/],
  [`withAuth(«async (request) => {}», config)`, /'Promise<void>' .* type 'Response \| P/],
  [`withAuth(«(request) => request.url», config)`, /'string' .* type 'Response \| P/],
  [`withAuth({ «fetch»: (request: Request) => {} }, config)`, /'void' .* type 'Response \| P/],
  [`withAuth(«(url: string) => new Response(url)», config)`, "'Request' is not assignable"],
  [`withAuth({ «handler» }, config)`, "'handler' does not exist"],
  [`withAuth(«undefined», config)`, "'undefined' is not assignable to parameter"],

  [`withAuth(app, { «endpont»: 'https://a.test' })`, "Did you mean to write 'endpoint'?"],
  [`withAuth(new Hono(), { «realn»: 'api' })`, "Did you mean to write 'realm'?"],

  // TypeScript underlines the whole arrow function.
  [`withAuth(ofEnv, «(env) => ({ endpont: env.AUTH_ENDPOINT })»)`, "property 'endpont' are incomp"],
  [`withAuth(ofEnv, (env): AuthConfig => ({ «endpont»: '' }))`, "to write 'endpoint'?"],
  [`withAuth(ofEnv, «(env) => ({ mode: 'enforced' })»)`, `Did you mean '"enforce"'?`],
  [`withAuth(ofEnv, (env) => ({ endpoint: env.«AUTH_ENDPONT» }))`, "mean 'AUTH_ENDPOINT'?"],
  [`withAuth(ofEnv, «(env: number) => ({ endpoint: String(env) })»)`, "'Env' is not assignable"],
  [`withAuth({ fetch: ofEnv }, «(env: number) => ({})»)`, "'Env' is not assignable"],

  [`createAuthenticator({ «endpont»: 'https://a.test' })`, "Did you mean to write 'endpoint'?"],
  [`createAuthenticator(«(env: Env) => ({ timeout: 5 })»)`, "property 'timeout' are incompatible"],
  [`auth({ «endpont»: 'https://a.test' })`, "Did you mean to write 'endpoint'?"],
  [`auth({ «identity»: 'require' })`, `'"required"'?`],
  [`auth(«(env: Env) => ({ timeout: 5 })»)`, "property 'timeout' are incompatible"],
  [`auth(«async () => ({ endpoint: 'https://a.test' })»)`, "type 'KnownOptions"],
]

const PREAMBLE = `import { Hono } from 'hono'
import { auth } from '../../src/hono.ts'
import { createAuthenticator, withAuth } from '../../src/index.ts'
import type { AuthConfig } from '../../src/index.ts'
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
  said = compile(MISTAKES.map(([code]) => code))
})

it.each(MISTAKES)('the compiler explains the mistake in %s', (code, message) => {
  const errors = said.get(code) ?? []
  expect(errors.map((error) => error.code)).toEqual([code])
  expect(errors[0]?.message).toMatch(message)
})

/** Compiles each piece of code in a file of its own, as a project with strict settings would. */
function compile(marked: readonly string[]): Said {
  const files = new Map(
    marked.map((code, index) => [join(ROOT, `tests/core/mistake-${index}.ts`), code]),
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
