import { expect, it } from 'vitest'
import { describeExample } from './contract.ts'
import { APPS } from './examples.ts'
import { get } from './notes-client.ts'
import { TOKEN } from '../support/token.ts'
import type { More } from './contract.ts'

const MORE: Readonly<Record<string, More>> = {
  'sveltekit/src/hooks.server.ts': (trial) => {
    it('guards the data requests of its client, and tells their path', async () => {
      expect((await get(trial.server(), '/v1/notes/__data.json')).status).toBe(401)
      await get(trial.server(), '/v1/notes/__data.json', TOKEN)
      expect(trial.asked()).toEqual([`${TOKEN} /v1/notes/__data.json`])
    })
  },

  'react-router/app/auth.ts': (trial) => {
    it('guards the data requests of its client, and tells their path', async () => {
      expect((await get(trial.server(), '/v1/notes.data')).status).toBe(401)
      const response = await get(trial.server(), '/v1/notes.data', TOKEN)
      expect([response.status, await response.text()]).toEqual([
        200,
        expect.stringMatching('alice'),
      ])
      expect(trial.asked()).toEqual([`${TOKEN} /v1/notes.data`])
    })
  },

  'astro/src/middleware.ts': (trial) => {
    it.each(['/_image?href=/x', '/_actions/x', '/_server-islands/x', '/nothing'])(
      'guards the routes of Astro itself: %s',
      async (path) => {
        expect((await get(trial.server(), path)).status).toBe(401)
        expect((await get(trial.server(), path, 'wrong')).status).toBe(401)
        expect(trial.asked()).toHaveLength(1)
      },
    )
  },
}

for (const example of APPS) describeExample(example, MORE[example.file])
