import { stringify } from 'yaml'
import { createForwardAuth } from '../../src/forward-auth.ts'
import { createGateway } from '../../src/gateway.ts'
import { createAuthenticator, memoryCache } from '../../src/index.ts'
import { AuthConfigError } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { createKeyEndpoint } from '../../src/keys.ts'
import { protectedResource } from '../../src/mcp.ts'
import { nodeTransport } from '../../src/node.ts'
import { observe } from '../../src/otel.ts'
import { redisStore } from '../../src/redis.ts'
import {
  defineVerifier,
  endpointVerifier,
  firstOf,
  fromUpstream,
  githubToken,
  introspection,
  kubernetesToken,
  tenancy,
} from '../../src/verifiers.ts'
import { WALKS, withValue } from './schema-files.ts'
import { problemsOf } from '../../tests/yaml/problems.ts'
import type { OptionProblem } from '../../src/index.ts'
import type { Path } from './schema-files.ts'

/** The messages of the package about wrong values: a row for each option and sentence. */

type Row = readonly [where: string, message: string]
export type Options = Readonly<Record<string, unknown>>
export type Make = (options: Options) => unknown

/** Most options reject most of them, and few say something else of each. */
const WRONG: readonly unknown[] = [
  1.5,
  '?',
  'cookie',
  'http://h.example/a#b',
  'https://u@h.example/',
  {},
  { '?': 1 },
  [],
  [1.5],
  ['/a', '/a/../*'],
]

const URL = 'https://a.example/'
const verifier = () => ({ outcome: 'allow' }) as const
// The options are wrong on purpose.
const wrong = (options: Options): never => options as never

/** The functions that take options, each with options that it accepts. */
export const FUNCTIONS: readonly (readonly [string, Make, Options])[] = [
  ['withAuth', (options) => createAuthenticator(wrong(options)), { endpoint: URL }],
  ['memoryCache', (options) => memoryCache(wrong(options)), {}],
  [
    'protectedResource',
    (options) => protectedResource(wrong(options)),
    { identifier: URL, authorizationServers: [URL] },
  ],
  ['redisStore', (options) => redisStore(wrong(options)), { url: 'rediss://a.example' }],
  ['defineVerifier', (options) => defineVerifier(wrong(options)), { ask: verifier }],
  ['endpointVerifier', (options) => endpointVerifier(wrong(options)), { endpoint: URL }],
  ['tenancy', (options) => tenancy(verifier, wrong(options)), { mode: 'multi' }],
  ['firstOf', (options) => firstOf([verifier], wrong(options)), {}],
  ['jwt', (options) => jwt(wrong(options)), { issuer: URL, audience: 'a', jwksUri: URL }],
  ['introspection', (options) => introspection(wrong(options)), { url: URL, client: 'none' }],
  ['githubToken', (options) => githubToken(wrong(options)), { allow: 'personal' }],
  ['kubernetesToken', (options) => kubernetesToken(wrong(options)), { apiServerUrl: URL }],
  [
    'fromUpstream',
    (options) => fromUpstream(wrong(options)),
    { principalHeader: 'x-user', proof: 'trusted-network' },
  ],
  ['nodeTransport', (options) => nodeTransport(wrong(options)), {}],
  ['createGateway', (options) => createGateway(wrong(options)), { upstream: URL }],
  [
    'createForwardAuth',
    (options) => createForwardAuth({ endpoint: URL }, wrong(options)),
    { for: 'nginx' },
  ],
  ['createKeyEndpoint', (options) => createKeyEndpoint({ text: 'keys: []' }, wrong(options)), {}],
  ['observe', (options) => observe(wrong(options)), {}],
]

/** The messages of the functions, in code. */
export function messagesInCode(): readonly Row[] {
  return distinct(
    FUNCTIONS.flatMap(([name, make, base]) =>
      pathsOf(make, base).flatMap((path) =>
        WRONG.flatMap((value) =>
          problemsIn(make, withValue(base, path, value)).map(({ text }): Row => [name, text]),
        ),
      ),
    ),
    (row) => row.join(),
  )
}

/** The messages of the loader about a file with one key, with line and column. */
export function messagesInFile(): readonly Row[] {
  return distinct(
    WALKS.flatMap(({ server, paths }) =>
      paths.flatMap((path) =>
        WRONG.flatMap((value) =>
          problemsOf(stringify({ server: withValue(server, path, value) })).map(
            ({ line, column, message }): Row => [`${line}:${column}`, message],
          ),
        ),
      ),
    ),
    ([, message]) => message,
  )
}

interface Told {
  readonly problem: OptionProblem
  readonly text: string
}

export function problemsIn(make: Make, options: unknown): readonly Told[] {
  try {
    make(options as Options)
    return []
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    const texts = error.message.split('\n')
    return error.problems.map((problem, index) => ({ problem, text: texts[index] ?? '' }))
  }
}

/** All options, also those of groups: an unknown one makes the function name them. */
export function pathsOf(make: Make, base: Options, parent: Path = []): readonly Path[] {
  const unknown = [...parent, '?']
  const told = problemsIn(make, withValue(base, unknown, 1))
  // Some functions are the first part of the path.
  const expected = told.find(
    ({ problem }) => problem.isUnknown && problem.optionPath.join().endsWith(unknown.join()),
  )?.problem.expected
  const names = [...(expected ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
  return names.flatMap((name) => {
    const path = [...parent, name]
    return [path, ...pathsOf(make, base, path)]
  })
}

/** Each sentence once, without the value that was received, which belongs to the example alone. */
function distinct(rows: readonly Row[], keyOf: (row: Row) => string): readonly Row[] {
  const short = rows.map(([where, text]): Row => [
    where,
    text.replace(/, received .*?(?=$|: )/, ''),
  ])
  return [...new Map(short.map((row) => [keyOf(row), row])).values()]
}
