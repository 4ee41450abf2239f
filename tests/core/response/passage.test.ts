import { expect, it } from 'vitest'
import { followPassage, passageOf } from '../../../src/core/response/passage.ts'
import { get } from '../../support/requests.ts'

it('is one for each request, once a log follows that', () => {
  const [request, other] = [get('/a'), get('/a')]
  expect(passageOf(request)).toBeUndefined()
  const passage = followPassage(request)
  passage.upstreamStatus = 200
  expect(followPassage(request)).toBe(passage)
  expect(passageOf(request)).toBe(passage)
  expect(followPassage(other)).toEqual({})
})
