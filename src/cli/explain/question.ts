import { isHttpToken, isOptionsObject } from '../../core/config/option-checks.ts'
import { parseVerdict } from '../../core/endpoint/verdict.ts'
import { parseTarget } from '../../core/request/target.ts'
import { parseAddress } from '../../verifiers/upstream/address.ts'
import { UsageError, wrongValue } from '../errors.ts'
import { showName } from '../shown-value.ts'
import type { ResolvedConfig } from '../../core/config/parse.ts'
import type { CredentialsSource } from '../../core/auth-config.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Auth } from '../../core/types.ts'

export const QUESTION_OPTIONS: OptionSpecs = {
  path: {
    value: 'PATH',
    help: 'the path that the client asks for, with its query; may be repeated',
    isRepeatable: true,
  },
  method: { value: 'METHOD', help: 'the method of the request', default: 'GET' },
  header: {
    value: 'NAME:VALUE',
    help: 'another header of the request, without the token; may be repeated',
    isRepeatable: true,
  },
  'client-address': { value: 'IP', help: 'the network address of the client' },
}

/** A request without its path and its token. */
export interface Question {
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly address: string | undefined
}

/** The identity of `--as`. */
export type GivenIdentity = Partial<Omit<Auth, 'stale' | 'expiresAt'>>

const ORIGIN = 'http://localhost'
const BY_HANDS = new Set(['CONNECT', 'TRACE', 'TRACK'])
const TTY =
  'Give the token on standard input, as in: with-auth explain --config run.yaml --path /v1/models < token.txt. For a request without one write < /dev/null'

/** The token on standard input. Empty if there is none. */
export async function readToken({ readInput, isInputTerminal }: Surroundings): Promise<string> {
  if (isInputTerminal()) throw new UsageError(TTY)
  const text = (await readInput()).trim()
  if (/^bearer /i.test(text)) {
    throw new UsageError('standard input must hold the token alone, without "Bearer"')
  }
  if (/^[\x21-\x7e]*$/.test(text)) return text
  throw new UsageError('standard input must hold one token, in visible ASCII (it is not shown)')
}

export function readQuestion(line: CommandLine): Question {
  const method = line.text('method') ?? 'GET'
  const isMethod = /^[\dA-Z!#$%&'*+.^_`|~-]+$/.test(method) && !BY_HANDS.has(method)
  if (!isMethod) throw wrongValue('--method', method, 'a method in upper case')
  return {
    method,
    headers: line.texts('header').map(readHeader),
    address: readAddress(line.text('client-address')),
  }
}

function readAddress(text: string | undefined): string | undefined {
  if (text === undefined || parseAddress(text) !== undefined) return text
  throw wrongValue('--client-address', text, 'an IP address')
}

export function readPaths(line: CommandLine): readonly string[] {
  const paths = line.texts('path')
  if (paths.length === 0) throw new UsageError('--path PATH is missing')
  const wrong = paths.find(
    (path) => !/^\/(?!\/)/.test(path) || /[#\s]/.test(path) || !isPlain(path),
  )
  if (wrong === undefined) return paths
  throw wrongValue(
    '--path',
    wrong,
    'a path such as /v1/models, without "//" at its start, "#" and ".."',
  )
}

// A URL parser would resolve it, and the request of a client would be rejected.
function isPlain(path: string): boolean {
  return parseTarget(ORIGIN + path) !== undefined
}

function readHeader(text: string): readonly [string, string] {
  const [, name = '', value = ''] = /^([^:]*):[ \t]*(.*)$/s.exec(text) ?? []
  // The value may be a secret.
  if (!isHttpToken(name) || /[^\t\x20-\x7e]/.test(value)) {
    throw new UsageError('--header must be NAME:VALUE, such as "x-tenant: acme" (it is not shown)')
  }
  return [name.toLowerCase(), value]
}

/** Makes the request of a client. */
export function createRequest(
  { method, headers: given }: Question,
  path: string,
  token: string,
  { credentials, namesCaller }: Pick<ResolvedConfig, 'credentials' | 'namesCaller'>,
): Request {
  const headers = new Headers()
  const [source = 'bearer'] = credentials
  for (const [name, value] of given) {
    if (!namesCaller && credentials.some((one) => headerOf(one) === name && name !== 'cookie')) {
      throw new UsageError(
        `--header must not be ${showName(name)}, which holds the token: give that on standard input`,
      )
    }
    headers.append(name, value)
  }
  if (token !== '') addToken(headers, source, token)
  return new Request(ORIGIN + path, { method, headers })
}

function headerOf(source: CredentialsSource): string {
  if (source === 'bearer') return 'authorization'
  if ('header' in source) return source.header.toLowerCase()
  return 'cookie' in source ? 'cookie' : 'sec-websocket-protocol'
}

function addToken(headers: Headers, source: CredentialsSource, token: string): void {
  const name = headerOf(source)
  if (source === 'bearer') return headers.set(name, `Bearer ${token}`)
  if ('header' in source) return headers.set(name, token)
  if ('webSocketProtocol' in source) return headers.set(name, source.webSocketProtocol + token)
  const others = headers.get(name)
  headers.set(name, `${others === null ? '' : `${others}; `}${source.cookie}=${token}`)
}

/** The parts of a real request that the decision may depend on, and that this one lacks. */
export function listLeftOut(
  { headers, address }: Question,
  path: string,
  { context, credentials }: Pick<ResolvedConfig, 'context' | 'credentials'>,
): readonly string[] {
  const given = new Set([...headers.map(([name]) => name), ...credentials.map(headerOf)])
  const lacking =
    context.headers === 'all' ? [] : context.headers.filter((name) => !given.has(name))
  return [
    ...(context.headers === 'all' ? ['the other headers of the client (--header)'] : []),
    ...lacking.map((name) => `the header ${JSON.stringify(name)} (--header)`),
    ...(context.clientAddress && address === undefined
      ? ['the address of the client (--client-address)']
      : []),
    ...(context.params !== 'none' && !path.includes('?') ? ['a query (in --path)'] : []),
  ]
}

const MEMBERS = ['principal', 'attributes', 'scopes', 'clientId', 'tenant', 'claims'] as const
const FORM = `--as must be a JSON object with some of ${MEMBERS.join(', ')}, such as {"principal":"alice","attributes":{"roles":["user"]}} (its value is not shown)`

/** The caller of `--as`. */
export function readIdentity(text: string | undefined): GivenIdentity | undefined {
  if (text === undefined) return undefined
  const given = parseObject(text)
  const unknown = Object.keys(given).find((name) => !MEMBERS.some((known) => known === name))
  if (unknown !== undefined) throw new UsageError(FORM)
  try {
    const verdict = parseVerdict({ outcome: 'allow', ...given }, '')
    return verdict.outcome === 'allow' ? verdict.auth : {}
  } catch {
    throw new UsageError(FORM)
  }
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (isOptionsObject(value)) return value
  } catch {
    // Said below.
  }
  throw new UsageError(FORM)
}
