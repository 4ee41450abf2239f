import process from 'node:process'
import { expect, it } from 'vitest'
import { nextSignal } from '../../src/cli/surroundings.ts'

it('resolves for one signal after the other', async () => {
  const first = nextSignal()
  process.emit('SIGTERM', 'SIGTERM')
  expect(await first).toBe('SIGTERM')
  const second = nextSignal()
  process.emit('SIGINT', 'SIGINT')
  expect(await second).toBe('SIGINT')
})
