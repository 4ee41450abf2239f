import { describe, expect, it, vi } from 'vitest'
import { demoCommand } from '../../src/cli/demo-command.ts'
import { main } from '../../src/cli/main.ts'
import { createSurroundings } from '../support/surroundings.ts'

// What it prints for people is run, line by line, in tests/start.test.ts.
describe('with-auth demo', () => {
  it('says in JSON where it is and which key opens it', async () => {
    const surroundings = createSurroundings()
    const ended = main(['demo', '--json'], [demoCommand], surroundings)
    await vi.waitFor(() => expect(surroundings.printed()).toMatch(/\n$/), { timeout: 5000 })
    const { gateway, key } = JSON.parse(surroundings.printed()) as Record<string, string>
    const call = (headers: Record<string, string>) => fetch(`${gateway}/v1/me`, { headers })
    expect((await call({})).status).toBe(401)
    expect((await call({ authorization: `Bearer ${key}` })).status).toBe(200)
    surroundings.signal('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('takes no operand', async () => {
    const surroundings = createSurroundings()
    expect(await main(['demo', 'x'], [demoCommand], surroundings)).toBe(2)
  })
})
