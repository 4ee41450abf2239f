import { expect, it } from 'vitest'
import { createDecisionLog } from '../../src/cli/decision-log.ts'
import { createChannel } from '../../src/core/events.ts'

it('has the code of a cause, and nothing of an error', () => {
  const lines: string[] = []
  const { report } = createChannel(
    createDecisionLog((text) => lines.push(text)),
    () => undefined,
  )
  const decision = {
    type: 'decision',
    outcome: 'deny',
    path: '/a',
    method: 'GET',
    durationMs: 1,
  } as const
  const told = { ...decision, cache: 'off', attempts: 1, cause: 'ECONNREFUSED' } as const
  report?.({ ...told }, Object.assign(new Error('sk-secret'), { token: 'sk-secret' }))
  expect(JSON.parse(lines.join(''))).toEqual({ time: expect.any(String) as string, ...told })
})

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
