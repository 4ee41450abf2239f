import { expect, it } from 'vitest'
import {
  about,
  brokenQuestion,
  incompleteQuestions,
  nearlyGoodKeys,
  otherCaseKeys,
  structuredKeys,
} from '../../../src/cli/conformance/questions.ts'
import type { Question } from '../../../src/cli/conformance/questions.ts'

it('builds the question of the contract', () => {
  expect(JSON.parse(about('k1', 'a key', { 'x-a': 'b' }).body)).toEqual({
    api_key: 'k1',
    request: {
      path: '/v1/models',
      headers: { accept: 'application/json', authorization: 'Bearer k1', 'x-a': 'b' },
      params: { limit: '10', tag: ['new', 'small'] },
    },
  })
})

/** The key of each question, and its name in the report. */
function keys(questions: readonly Question[]): [unknown, string][] {
  return questions.map(({ body, what }) => [
    (JSON.parse(body) as { api_key: unknown }).api_key,
    what,
  ])
}

it('builds keys that share a part with the valid key', () => {
  expect(keys(nearlyGoodKeys('abAcd'))).toEqual([
    ['abAcdA', 'the good key plus one letter'],
    ['abBcd', 'the good key with one letter changed'],
    ['ab', 'the first half of the good key'],
  ])
  expect(keys(nearlyGoodKeys('abcde')).map(([key]) => key)).toEqual(['abcdeA', 'abAde', 'ab'])
})

it.each([
  ['sk-aBc_9', 'SK-AbC_9'],
  ['0123A', '0123a'],
  ['0123', undefined],
])('swaps the case of %s: %s', (key, swapped) => {
  expect(keys(otherCaseKeys(key))).toEqual(
    swapped === undefined ? [] : [[swapped, 'the good key in the other case']],
  )
})

it('builds keys that are not strings, with the valid key only in a list', () => {
  expect(keys(structuredKeys('k1'))).toEqual([
    [{ $ne: null }, '"api_key": {"$ne": null}'],
    [{ $gt: '' }, '"api_key": {"$gt": ""}'],
    [true, '"api_key": true'],
    [0, '"api_key": 0'],
    [1, '"api_key": 1'],
    [['k1'], '"api_key": [KEY]'],
  ])
  const bodies = structuredKeys('k1').map(({ body }) => body)
  expect(bodies.filter((body) => body.includes('Bearer k1'))).toEqual([])
  const random: unknown = [expect.stringMatching(/^random_\w+$/)]
  expect(keys(structuredKeys(undefined)).at(-1)).toEqual([random, '"api_key": [KEY]'])
})

it('builds truncated and incomplete questions', () => {
  expect(() => JSON.parse(brokenQuestion().body) as unknown).toThrow(SyntaxError)
  expect(brokenQuestion().body).toMatch(
    /^\{"api_key":"random_\w+","request":\{"path":"\/v1\/models",.*"params":\{"limit":"10"/,
  )
  const bodies = incompleteQuestions().map(({ body }) => JSON.parse(body) as unknown)
  const request = { path: '/', headers: {}, params: {} }
  const key: unknown = expect.stringMatching(/^random_\w+$/)
  expect(bodies).toEqual([{}, { request }, { api_key: key }, { api_key: null, request }, [], null])
})
