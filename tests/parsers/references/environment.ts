import { isDigit, isOneOf } from './characters.ts'

const START = '${'
const NAMESPACE = 'env.'

/** A text with its references replaced, and the number of invalid references. */
interface Expanded {
  readonly text: string
  readonly changed: boolean
  readonly wrong: number
}

/**
 * Replaces `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}` once, each up to the first `}`. Any other
 * `${` is invalid, also within a default.
 */
export function expand(source: string, variables: ReadonlyMap<string, string>): Expanded {
  let text = ''
  let wrong = 0
  let index = 0
  let changed = false
  while (index < source.length) {
    if (source.slice(index, index + START.length) !== START) {
      text += source.charAt(index)
      index += 1
      continue
    }
    changed = true
    const start = index + START.length
    const end = endOf(source, start)
    const value = end < source.length ? valueOf(source.slice(start, end), variables) : undefined
    text += value ?? ''
    wrong += value === undefined ? 1 : 0
    index = end + 1
  }
  return { text, changed, wrong }
}

function endOf(source: string, start: number): number {
  let end = start
  while (end < source.length && source[end] !== '}') end += 1
  return end
}

function valueOf(inner: string, variables: ReadonlyMap<string, string>): string | undefined {
  if (inner.slice(0, NAMESPACE.length) !== NAMESPACE || inner.includes(START)) return undefined
  const content = inner.slice(NAMESPACE.length)
  let length = 0
  while (isNameCharacter(content.charCodeAt(length))) length += 1
  if (length === 0) return undefined
  const value = variables.get(content.slice(0, length)) ?? ''
  const operator = content.slice(length, length + 2)
  const operand = content.slice(length + 2)
  if (operator === ':=') return value === '' ? operand : value
  if (operator === ':+') return value === '' ? '' : operand
  return operator === '' && value !== '' ? value : undefined
}

function isNameCharacter(code: number): boolean {
  return isDigit(code) || (code >= 0x41 && code <= 0x5a) || isOneOf(code, '_')
}
