import { createHash } from 'node:crypto'
import { TOKEN } from '../support/token.ts'

/** The random part of the token. No output may hold it in any form. */
const MARK = TOKEN.replace('good', '')

const FORMS: readonly (readonly [form: string, needle: string])[] = [
  ['as it is, or its first half', MARK.slice(0, 8)],
  ['its second half', MARK.slice(8)],
  ['backwards', MARK.replace(/./g, (_, index: number) => MARK.at(-1 - index) ?? '')],
  ...['hex', 'utf16le'].map((to) => [`in ${to}`, hexOf(MARK, to)] as const),
  ['percent-encoded', escaped('%', 2)],
  ['with escapes of JSON', escaped('\\u', 4)],
  ['with escapes of JavaScript', escaped('\\x', 2)],
  ...[0, 1, 2].map((offset) => ['in base64', base64Of(offset)] as const),
  ...[TOKEN, MARK, `Bearer ${TOKEN}`].flatMap((text) => digestsOf(text)),
].map(([form, needle]) => [form, needle.toLowerCase()] as const)

/** The form in which a text holds the token, or `undefined`. Ignores case, since a hop may have changed it. */
export function findCanary(text: string): string | undefined {
  const searched = text.toLowerCase()
  return FORMS.find(([, needle]) => searched.includes(needle))?.[0]
}

function hexOf(text: string, encoding: string): string {
  return Buffer.from(text, encoding === 'hex' ? 'utf8' : 'utf16le').toString('hex')
}

function escaped(prefix: string, digits: number): string {
  const codes = MARK.split('').map((letter) =>
    letter.charCodeAt(0).toString(16).padStart(digits, '0'),
  )
  return codes.map((code) => prefix + code).join('')
}

// These characters depend only on the token, at any offset in a group of three bytes. base64url has the same ones.
function base64Of(offset: number): string {
  const encoded = Buffer.from('\0'.repeat(offset) + MARK).toString('base64')
  return encoded.slice(offset === 0 ? 0 : 4, Math.floor((offset + MARK.length) / 3) * 4)
}

function digestsOf(text: string): (readonly [string, string])[] {
  const hash = createHash('sha256').update(text).digest()
  return [
    ['as its SHA-256', hash.toString('hex')],
    ['as its SHA-256', hash.toString('base64url').slice(0, 20)],
  ]
}
