import { expect, it } from 'vitest'
import { describeExample } from './contract.ts'
import { PROGRAMS } from './examples.ts'
import { get } from './notes-client.ts'
import { TOKEN } from '../support/token.ts'
import type { More, Trial } from './contract.ts'

const MORE: Readonly<Record<string, More>> = {
  'hono-per-route.ts': (trial) => {
    it('leaves a route open that has no wrapper', async () => {
      const response = await get(trial.server(), '/healthz')
      expect([response.status, await response.text()]).toEqual([200, 'ok'])
      expect(trial.asked()).toEqual([])
    })
  },

  'hono-sub-apps.ts': (trial) => {
    it.each([
      ['basePath()', '/v2/me', '/v2/me'],
      ['mount(), which cuts the path', '/v3/me', '/me'],
      ['mount(), which cuts the path', '/v3/deep/er', '/deep/er'],
    ])('guards routes below %s: %s is told as %s', async (_, path, told) => {
      expect((await get(trial.server(), path)).status).toBe(401)
      expect((await get(trial.server(), path, 'wrong')).status).toBe(401)
      const response = await get(trial.server(), path, TOKEN)
      expect([response.status, await response.json()]).toEqual([200, { principal: 'alice' }])
      expect(trial.asked()).toEqual([`wrong ${told}`, `${TOKEN} ${told}`])
    })
  },

  'bun.ts': (trial) => {
    it('guards a route with a parameter', async () => {
      expect((await get(trial.server(), '/v1/notes/0')).status).toBe(401)
      const response = await get(trial.server(), '/v1/notes/0', TOKEN)
      expect([response.status, await response.json()]).toEqual([200, { note: expect.any(String) }])
      expect(trial.asked()).toEqual([`${TOKEN} /v1/notes/0`])
    })
  },

  'elysia.ts': rejectsBeforeParsing,

  'express.js': rejectsBeforeParsing,

  'fastify.js': rejectsBeforeParsing,
}

function rejectsBeforeParsing(trial: Trial): void {
  it('rejects before it parses the body', async () => {
    const init = { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }
    const response = await fetch(`${trial.server().url}/v1/notes`, init)
    expect(response.status).toBe(401)
  })
}

for (const example of PROGRAMS) describeExample(example, MORE[example.file])
