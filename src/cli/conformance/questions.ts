import { createRandomKey } from '../../verifiers/random-key.ts'

export interface Question {
  readonly body: string
  /** The name in the report. Never contains a key. */
  readonly what: string
}

/** The question that the wrapper would ask about a key. If the key is not a string, its headers hold a random key. */
export function about(
  key: unknown,
  what: string,
  headers: Readonly<Record<string, string>> = {},
): Question {
  const sent = typeof key === 'string' ? key : createRandomKey()
  const body = JSON.stringify({
    api_key: key,
    request: {
      path: '/v1/models',
      headers: { accept: 'application/json', authorization: `Bearer ${sent}`, ...headers },
      params: { limit: '10', tag: ['new', 'small'] },
    },
  })
  return { body, what }
}

/** Headers of 32 KiB in total, twice what most servers accept. */
export function bigHeaders(): Record<string, string> {
  const names = Array.from({ length: 64 }, (_, index) => `x-filler-${index}`)
  return Object.fromEntries(names.map((name) => [name, 'x'.repeat(512)]))
}

/** Variants of the valid key. An endpoint that compares only part of a key allows them. */
export function nearlyGoodKeys(key: string): readonly Question[] {
  const middle = Math.floor(key.length / 2)
  const other = key[middle] === 'A' ? 'B' : 'A'
  return [
    about(`${key}A`, 'the good key plus one letter'),
    about(
      `${key.slice(0, middle)}${other}${key.slice(middle + 1)}`,
      'the good key with one letter changed',
    ),
    about(key.slice(0, middle), 'the first half of the good key'),
  ]
}

/** The valid key with swapped case. None for a key without letters. */
export function otherCaseKeys(key: string): readonly Question[] {
  const swapped = key.replaceAll(/[a-z]/gi, (letter) => {
    const lower = letter.toLowerCase()
    return letter === lower ? letter.toUpperCase() : lower
  })
  return swapped === key ? [] : [about(swapped, 'the good key in the other case')]
}

/** Keys that are not strings: database operators, and values that a loose comparison treats as equal to a string. */
export function structuredKeys(key: string | undefined): readonly Question[] {
  return [
    about({ $ne: null }, '"api_key": {"$ne": null}'),
    about({ $gt: '' }, '"api_key": {"$gt": ""}'),
    ...[true, 0, 1].map((value) => about(value, `"api_key": ${value}`)),
    about([key ?? createRandomKey()], '"api_key": [KEY]'),
  ]
}

export function brokenQuestion(): Question {
  const { body, what } = about(createRandomKey(), 'truncated JSON')
  return { body: body.slice(0, -20), what }
}

/** Valid JSON that is not a valid question. */
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
