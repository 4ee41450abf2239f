import { createRandomKey } from '../proof.ts'

/** One request to the endpoint. */
export interface Question {
  readonly body: string
  /** Its name in the report. Never holds a key. */
  readonly what: string
}

/** A question about a key. If the key is not a string, the headers that it tells hold a random key. */
export function about(
  key: unknown,
  what: string,
  headers: Readonly<Record<string, string>> = {},
): Question {
  return { body: questionAbout(key, headers), what }
}

/** The question of the contract, about a request that a client could have sent. */
export function questionAbout(
  key: unknown,
  headers: Readonly<Record<string, string>> = {},
): string {
  const sent = typeof key === 'string' ? key : createRandomKey()
  return JSON.stringify({
    api_key: key,
    request: {
      path: '/v1/models',
      headers: { accept: 'application/json', authorization: `Bearer ${sent}`, ...headers },
      params: { limit: '10', tag: ['new', 'small'] },
    },
  })
}

/** Headers of 32 KiB in all, twice of what most servers let in. */
export function bigHeaders(): Record<string, string> {
  const names = Array.from({ length: 64 }, (_, index) => `x-filler-${index}`)
  return Object.fromEntries(names.map((name) => [name, 'x'.repeat(512)]))
}

/** Keys that are nearly the good one: an endpoint that compares only a part of a key allows them. */
export function nearlyGoodKeys(key: string): readonly Question[] {
  const middle = Math.floor(key.length / 2)
  const other = key[middle] === 'A' ? 'B' : 'A'
  return [
    about(`${key}A`, 'the good key and one more letter'),
    about(
      `${key.slice(0, middle)}${other}${key.slice(middle + 1)}`,
      'the good key with another letter in its middle',
    ),
    about(key.slice(0, middle), 'the first half of the good key'),
  ]
}

/** The good key with `a` for `A` and `A` for `a`, or `undefined` for a key without letters. */
export function otherCaseKey(key: string): Question | undefined {
  const swapped = key.replaceAll(/[a-z]/gi, (letter) => {
    const lower = letter.toLowerCase()
    return letter === lower ? letter.toUpperCase() : lower
  })
  return swapped === key ? undefined : about(swapped, 'the good key in the other case')
}

/** Keys that are not strings: operators of a document database, and values that a loose comparison takes for any string. */
export function structuredKeys(key: string | undefined): readonly Question[] {
  const operators = [
    about({ $ne: null }, '"api_key": {"$ne": null}'),
    about({ $gt: '' }, '"api_key": {"$gt": ""}'),
  ]
  return [
    ...operators,
    ...[true, 0, 1].map((value) => about(value, `"api_key": ${value}`)),
    about([key ?? createRandomKey()], '"api_key": [KEY]'),
  ]
}

/** JSON that breaks off. */
export function brokenQuestion(): Question {
  const body = questionAbout(createRandomKey()).slice(0, -20)
  return { body, what: 'JSON that breaks off' }
}

/** JSON that is no question. */
export function incompleteQuestions(): readonly Question[] {
  const key = createRandomKey()
  const request = { path: '/', headers: {}, params: {} }
  const bodies: readonly [body: unknown, what: string][] = [
    [{}, '{}'],
    [{ request }, 'a question without "api_key"'],
    [{ api_key: key }, 'a question without "request"'],
    [{ api_key: null, request }, '"api_key": null'],
    [[], '[]'],
    [null, 'null'],
  ]
  return bodies.map(([body, what]) => ({ body: JSON.stringify(body), what }))
}
