import { expect, it } from 'vitest'
import { createDecisionLog } from '../../src/cli/decision-log.ts'

it('writes one line of JSON for each event, whatever is in it', () => {
  const lines: string[] = []
  const log = createDecisionLog((text) => lines.push(text))
  log({ type: 'decision', outcome: 'deny', path: '/a\n{"outcome":"allow"}\r\u2028' })
  log({ type: 'warning', message: 'look' })
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatch(/^[^\n\r]+\n$/)
  const [one, two] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(one).toMatchObject({ type: 'decision', outcome: 'deny' })
  expect(one?.['time']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  expect(two).toMatchObject({ type: 'warning', message: 'look' })
})
