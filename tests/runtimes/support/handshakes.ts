import { TOKEN } from '../../support/token.ts'

/** A WebSocket handshake: the lines that it adds to the head of the request. */
export interface Attempt {
  readonly name: string
  readonly lines: readonly string[]
}

export interface GoodAttempt extends Attempt {
  /** The values of `Sec-WebSocket-Protocol` in the response of a server that speaks `chat`. */
  readonly chosen: readonly string[]
}

export interface BadAttempt extends Attempt {
  readonly code: 'missing_credentials' | 'malformed_credentials' | 'denied'
}

const bearer = (key: string): string => `Authorization: Bearer ${key}`
export const offer = (...protocols: string[]): string =>
  `Sec-WebSocket-Protocol: ${protocols.join(', ')}`

const malformed = (name: string, ...lines: string[]): BadAttempt => ({
  name,
  lines,
  code: 'malformed_credentials',
})

export const GOOD_ATTEMPTS: readonly GoodAttempt[] = [
  { name: 'a key in the header', lines: [bearer(TOKEN)], chosen: [] },
  {
    name: 'a key in the header, and a protocol',
    lines: [bearer(TOKEN), offer('chat')],
    chosen: ['chat'],
  },
  { name: 'a key as the last protocol', lines: [offer('chat', `key.${TOKEN}`)], chosen: ['chat'] },
  { name: 'a key as the first protocol', lines: [offer(`key.${TOKEN}`, 'chat')], chosen: ['chat'] },
  {
    name: 'a key as a protocol in a field of its own',
    lines: [offer(`key.${TOKEN}`), offer('chat')],
    chosen: ['chat'],
  },
  {
    name: 'the same key in the header and as a protocol',
    lines: [bearer(TOKEN), offer('chat', `key.${TOKEN}`)],
    chosen: ['chat'],
  },
  { name: 'a key as the only protocol', lines: [offer(`key.${TOKEN}`)], chosen: [] },
  { name: 'a key beside an unknown protocol', lines: [offer(`key.${TOKEN}`, 'other')], chosen: [] },
]

export const BAD_ATTEMPTS: readonly BadAttempt[] = [
  { name: 'no key', lines: [], code: 'missing_credentials' },
  { name: 'no key, but a protocol', lines: [offer('chat')], code: 'missing_credentials' },
  {
    name: 'a prefix in capitals',
    lines: [offer(`KEY.${TOKEN}`, 'chat')],
    code: 'missing_credentials',
  },
  { name: 'a wrong key in the header', lines: [bearer('wrong')], code: 'denied' },
  { name: 'a wrong key as a protocol', lines: [offer('chat', 'key.wrong')], code: 'denied' },
  malformed('a prefix without a key', offer('chat', 'key.')),
  malformed('a key twice in a field', offer(`key.${TOKEN}`, 'chat', `key.${TOKEN}`)),
  malformed('two keys in a field', offer(`key.${TOKEN}`, 'key.wrong')),
  malformed('a key in each of two fields', offer('key.wrong', 'chat'), offer(`key.${TOKEN}`)),
  malformed(
    'a wrong key in the header and a good one as a protocol',
    bearer('wrong'),
    offer(`key.${TOKEN}`),
  ),
]
