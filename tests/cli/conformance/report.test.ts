import { expect, it } from 'vitest'
import { describeRows, isConformant } from '../../../src/cli/conformance/report.ts'
import type { Row } from '../../../src/cli/conformance/row.ts'

const good: Row = { check: 'good key', result: 'ok', did: '200 in 3 ms', wrapper: 'lets in' }
const bad: Row = { ...good, check: 'bad key', result: 'fail', change: 'answer 401' }

it('is a table, with what to change below a row', () => {
  expect(describeRows([good, bad])).toBe(`        CHECK     WHAT IT DID  WHAT WITH-AUTH MAKES OF IT
  ok    good key  200 in 3 ms  lets in
  FAIL  bad key   200 in 3 ms  lets in
        -> answer 401

1 of 2 checks failed.
`)
  expect(describeRows([good])).toContain('Nothing failed.')
})

it('is good if nothing failed', () => {
  expect(isConformant([good, { ...good, result: 'note' }, { ...good, result: 'skipped' }])).toBe(
    true,
  )
  expect(isConformant([good, bad])).toBe(false)
})
