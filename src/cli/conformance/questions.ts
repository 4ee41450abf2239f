import { createRandomKey } from '../random-key.ts'

/** The question of the contract, about a request that a client could have sent. */
export function questionAbout(key: string, headers: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    api_key: key,
    request: {
      path: '/v1/models',
      headers: { accept: 'application/json', authorization: `Bearer ${key}`, ...headers },
      params: { limit: '10', tag: ['new', 'small'] },
    },
  })
}

/** Headers of 32 KiB in all, twice of what most servers let in. */
export function bigHeaders(): Record<string, string> {
  const names = Array.from({ length: 64 }, (_, index) => `x-filler-${index}`)
  return Object.fromEntries(names.map((name) => [name, 'x'.repeat(512)]))
}

/** Keys that are nearly the good one: refused, unless the endpoint compares a part of it only. */
export function keysLike(key: string): readonly string[] {
  const middle = Math.floor(key.length / 2)
  const other = key[middle] === 'A' ? 'B' : 'A'
  return [
    `${key}A`,
    `${key.slice(0, middle)}${other}${key.slice(middle + 1)}`,
    key.slice(0, middle),
  ]
}

/** JSON that breaks off. */
export function brokenQuestion(): string {
  return questionAbout(createRandomKey()).slice(0, -20)
}

/** JSON that is no question. */
export function incompleteQuestions(): readonly string[] {
  const key = createRandomKey()
  const request = { path: '/', headers: {}, params: {} }
  const bodies = [{}, { request }, { api_key: key }, { api_key: null, request }, [], null]
  return bodies.map((body) => JSON.stringify(body))
}
