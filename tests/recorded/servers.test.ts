import { writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { COMMANDS } from '../../src/cli/main.ts'
import { PAGES, pageNamed } from '../documentation/pages.ts'
import { sorted } from '../support/project.ts'
import { runLine } from '../support/surroundings.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { at, readRecording } from './recording.ts'
import { startRecordedService } from './service.ts'
import type { Exchange } from './exchange.ts'
import type { Recording as Providers } from './providers.ts'
import type { Answer, Call } from './service.ts'
import type { Keycloak, Kubernetes, Others } from './recordings.ts'

/** The files of the pages about servers, and the tables of what `explain` says, with what real servers answered. */

interface Server {
  readonly page: string
  /** In milliseconds. */
  readonly time: number
  /** The answer of the service to a call, or to a question about a token by its name. */
  readonly answerTo: (call: Call, asked: string) => Answer
  readonly tokens: Readonly<Record<string, string>>
  /** Texts of the files, and what stands there in this test. */
  readonly here: (url: string) => readonly (readonly [string, string])[]
  /** The headers that name a caller, where there is no token. */
  readonly fields?: (who: string) => readonly (readonly [string, string])[]
  /** Each row of the table: a text that only its file has, the token or the recorded answer to it, and another text for the file. */
  readonly rows: readonly Row[]
  /** Further requests, and how the files decide about them. */
  readonly decisions: readonly (readonly [file: string, token: string, says: string])[]
}

interface Row {
  readonly file: string
  readonly token: string
  readonly asked?: string
  readonly edit?: readonly [string, string]
}

type LlamaStack = Providers & { readonly exchange: readonly Exchange[] }

const pathOf = setupFolder()
const row = (file: string, token: string, more: Partial<Row> = {}): Row => ({
  file,
  token,
  ...more,
})

const keycloak = readRecording<Keycloak>('keycloak')
const KEYCLOAK_URL = 'https://keycloak.example.com/realms/acme'

const KEYCLOAK: Server = {
  page: 'docs/servers/keycloak.md',
  time: keycloak.recordedAt,
  tokens: keycloak.tokens,
  answerTo: ({ url }, asked) => {
    if (url === '/certs') return { body: JSON.stringify(keycloak.keys) }
    return keycloak.asked[asked] ?? keycloak.asked[`my-api ${asked}`] ?? { status: 500 }
  },
  here: (url) => [
    ['discovery: true', `jwks: { uri: "${url}/certs" }`],
    [`issuer: ${KEYCLOAK_URL}`, `issuer: ${keycloak.issuer}`],
    [KEYCLOAK_URL, url],
  ],
  rows: [
    row('discovery', 'no mapper'),
    row('discovery', 'light'),
    row('discovery', 'password', { edit: ['realms/acme', 'realms/acme/'] }),
    row('discovery', 'refresh'),
    row('discovery', 'id'),
    row('discovery', 'other realm'),
    row('discovery', 'large'),
    row('discovery', 'dpop'),
    row('discovery', 'machine'),
    row('introspection', 'password', { asked: 'my-api revoked' }),
    row('introspection', 'password', { asked: 'wrong secret password' }),
  ],
  decisions: [
    ['discovery', 'password', 'models: allowed'],
    ['discovery', 'at+jwt', 'rejected with 403'],
    // Its user has logged out.
    ['discovery', 'leaving', 'oauth2_token (run.yaml:3): allowed'],
    ['introspection', 'leaving', 'rejected with 401'],
    ['introspection', 'password', 'models: allowed'],
    ['introspection', 'light', 'models: allowed'],
    ['introspection', 'no mapper', 'rejected with 401'],
  ],
}

const { at: hydraAt, hydra } = readRecording<Others>('hydra-zitadel-oauth2-proxy')

const HYDRA: Server = {
  page: 'docs/servers/hydra.md',
  // The recording began some seconds before its tokens.
  time: hydraAt + 10_000,
  tokens: { ...hydra.jwt.tokens, opaque: hydra.opaque.tokens['user'] ?? '' },
  answerTo: ({ url }, asked) => {
    const path = '/.well-known/jwks.json'
    if (url === path) return { body: hydra.jwt.documents[path]?.body ?? '' }
    const { body, status } = hydra.opaque.answers[asked] ?? { status: 404 }
    return { status, body: JSON.stringify(body ?? {}) }
  },
  here: (url) => [
    ['discovery: true', `jwks: { uri: "${url}/.well-known/jwks.json" }`],
    ['https://login.example.com', hydra.jwt.issuer],
    ['http://127.0.0.1:4445', url],
  ],
  rows: [
    row('client: none', 'user without audience'),
    row('client: none', 'id'),
    row('client: none', 'refresh'),
    row('client: none', 'user', { asked: 'on the public port' }),
    row('client: none', 'machine'),
    row('discovery', 'opaque'),
    row('discovery', 'user', { edit: [hydra.jwt.issuer, `${hydra.jwt.issuer}/`] }),
    row('discovery', 'machine for another'),
  ],
  decisions: [
    ['client: none', 'user', 'models: allowed'],
    ['client: none', 'nonsense', 'rejected with 401'],
    ['discovery', 'user', 'roles: admin, staff'],
    ['discovery', 'id', 'rejected with 401'],
  ],
}

const { providers, exchange } = readRecording<LlamaStack>('llama-stack')
const ofStack = providers.cases.filter(({ file }) => file === 'jwt')

const LLAMA_STACK: Server = {
  page: 'docs/servers/llama-stack.md',
  time: providers.now * 1000,
  tokens: {
    ...Object.fromEntries(exchange.map(({ name }) => [name, 'good-token-0123456789'])),
    ...Object.fromEntries(ofStack.map(({ name, bearer }) => [name, bearer ?? ''])),
  },
  answerTo: ({ url }, asked) => {
    if (url === '/jwks') return { body: JSON.stringify(providers.set) }
    return exchange.find(({ name }) => name === asked)?.answer ?? { status: 500 }
  },
  here: (url) => [
    ['discovery: true', `jwks: { uri: "${url}/jwks" }`],
    ['https://login.example.com/', 'https://issuer.test/'],
    ['https://auth.example.com', url],
    ['with ml in', 'with b in'],
  ],
  rows: [
    row('endpoint:', '401 {"location":"/other"}'),
    row('endpoint:', '{}'),
    row('endpoint:', '503 {"content-type":"text/html"}'),
    row('discovery', 'aud "ogx"'),
    row('discovery', 'iss "https://ISSUER.test/"'),
    row('discovery', 'HS256 by the public key'),
    row('discovery', 'exp absent'),
    row('discovery', 'RS256'),
  ],
  decisions: [
    ['endpoint:', '200', 'models: allowed'],
    ['discovery', 'team and groups', 'models: allowed'],
  ],
}

const kubernetes = readRecording<Kubernetes>('kubernetes')
const { tape: noRole } = kubernetes.outages.find(({ name }) => name === 'no role') ?? {}

const KUBERNETES: Server = {
  page: 'docs/servers/kubernetes.md',
  time: kubernetes.recordedAt,
  tokens: Object.fromEntries(kubernetes.cases.map(({ name, token }) => [name, token])),
  answerTo: (_, asked) => {
    const found = kubernetes.cases.find(({ name }) => name === asked)
    return found?.tapes[0].answer ?? noRole?.answer ?? {}
  },
  here: (url) => {
    writeFileSync(pathOf('token'), kubernetes.reviewer)
    const keys = [
      'type: kubernetes',
      `api_server_url: ${url}`,
      `reviewer_token_file: ${pathOf('token')}`,
    ]
    return [['type: kubernetes', keys.join('\n      ')]]
  },
  rows: [
    row('route_policy', 'the same name in another namespace'),
    row('route_policy', 'a token for another API'),
    row('route_policy', 'ended 90 seconds ago'),
    row('route_policy', 'a token of a deleted pod'),
    row('route_policy', 'a token for another API', { asked: 'without the role' }),
  ],
  decisions: [],
}

const { o2p } = readRecording<Others>('hydra-zitadel-oauth2-proxy')

const OAUTH2_PROXY: Server = {
  page: 'docs/servers/oauth2-proxy.md',
  time: Date.now(),
  tokens: {},
  answerTo: () => ({ status: 500 }),
  here: () => [],
  fields: (who) => o2p.find((one) => one.who === who)?.lines ?? [],
  rows: [
    row('trusted_proxy_cidrs', 'one', { edit: ['10.0.0.7', '10.0.0.8'] }),
    row('trusted_proxy_cidrs', 'one', { edit: ['x-forwarded-user', 'x-user'] }),
    row('trusted_proxy_cidrs', 'two', { edit: ["{ attribute: teams, separator: ',' }", 'teams'] }),
  ],
  decisions: [['trusted_proxy_cidrs', 'two', 'teams: engineering, design']],
}

const SERVERS: readonly Server[] = [KEYCLOAK, HYDRA, LLAMA_STACK, KUBERNETES, OAUTH2_PROXY]

/** The output of `with-auth explain` about a token, with a file of the page. */
async function explain(server: Server, { file, token, asked = token, edit }: Row): Promise<string> {
  const service = await startRecordedService((call) => server.answerTo(call, asked))
  const url = `http://127.0.0.1:${service.port}`
  const { code = '' } =
    pageNamed(server.page).fences.find(
      (fence) => fence.language === 'yaml' && fence.code.includes(file),
    ) ?? {}
  const texts = [...server.here(url), ...(edit === undefined ? [] : [edit])]
  writeFileSync(
    pathOf('run.yaml'),
    texts.reduce((text, [old, mine]) => text.replaceAll(old, mine), code),
  )
  const line = ['explain', '--config', pathOf('run.yaml'), '--path', '/v1/models']
  const fields = server.fields?.(token).filter(([name]) => /^x-/i.test(name)) ?? []
  if (fields.length > 0) line.push('--client-address', '10.0.0.7')
  line.push(...fields.flatMap(([name, value]) => ['--header', `${name}: ${value}`]))
  const { printed, noted } = await at(server.time, () =>
    runLine(line, COMMANDS, {}, server.tokens[token] ?? ''),
  )
  await service.stop()
  return `${printed}${noted}`.replaceAll(/\s+/g, ' ')
}

/** The texts that the first column of the table of a page quotes. */
function quoted(page: string): readonly string[] {
  const [, section = ''] = pageNamed(page).text.split('## What `with-auth explain` says')
  const rows = section.split('\n## ')[0]?.matchAll(/^\| `([^`]+)` +\|/gm) ?? []
  return [...rows].map(([, text = '']) => text)
}

beforeEach(() => void vi.stubEnv('CLIENT_SECRET', 'secret'))

describe.each(SERVERS)('$page', (server) => {
  const { page, rows, decisions } = server

  it('has a row for each thing that was tried', () => {
    expect(quoted(page)).toHaveLength(rows.length)
  })

  it.each(rows.map((one, index) => [quoted(page)[index] ?? '', one] as const))(
    'quotes what `explain` says: %s',
    async (text, one) => {
      expect(await explain(server, one)).toContain(text)
    },
  )

  it.each(decisions)(
    'has a file with %s, which decides about "%s": %s',
    async (...[file, token, says]) => {
      expect(await explain(server, row(file, token))).toContain(says)
    },
  )
})

it('has each page about a server', () => {
  const pages = PAGES.map(({ file }) => file).filter((file) => file.startsWith('docs/servers/'))
  expect(sorted(SERVERS.map(({ page }) => page))).toEqual(sorted(pages))
})
