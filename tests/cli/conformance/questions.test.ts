import { expect, it } from 'vitest'
import {
  bigHeaders,
  brokenQuestion,
  incompleteQuestions,
  keysLike,
  questionAbout,
} from '../../../src/cli/conformance/questions.ts'

it('asks in the words of the contract', () => {
  expect(JSON.parse(questionAbout('k1', { 'x-a': 'b' }))).toEqual({
    api_key: 'k1',
    request: {
      path: '/v1/models',
      headers: { accept: 'application/json', authorization: 'Bearer k1', 'x-a': 'b' },
      params: { limit: '10', tag: ['new', 'small'] },
    },
  })
})

it('has headers of 32 KiB', () => {
  const size = Object.values(bigHeaders()).join('').length
  expect(size).toBe(32_768)
})

it('knows keys that begin or end like the good one, and are not it', () => {
  expect(keysLike('abAcd')).toEqual(['abAcdA', 'abBcd', 'ab'])
  expect(keysLike('abcde')).toEqual(['abcdeA', 'abAde', 'ab'])
})

it('breaks off, and leaves out', () => {
  expect(() => JSON.parse(brokenQuestion()) as unknown).toThrow(SyntaxError)
  expect(brokenQuestion()).toMatch(
    /^\{"api_key":"random_\w+","request":\{"path":"\/v1\/models",.*"params":\{"limit":"10"/,
  )
  const bodies = incompleteQuestions().map((body) => JSON.parse(body) as unknown)
  const request = { path: '/', headers: {}, params: {} }
  const key: unknown = expect.stringMatching(/^random_\w+$/)
  expect(bodies).toEqual([{}, { request }, { api_key: key }, { api_key: null, request }, [], null])
})
