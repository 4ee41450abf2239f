import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()

// Modules that an earlier file loaded have the client.
beforeAll(() => {
  vi.resetModules()
  vi.doMock('@redis/client', () => {
    throw new Error('Cannot find package')
  })
})
afterAll(() => {
  vi.doUnmock('@redis/client')
  vi.resetModules()
})

it('a file with a store says how to install @redis/client', async () => {
  const { loadConfig } = await import('../../src/yaml.ts')
  const auth =
    '{ endpoint: "https://h/", cache: {}, context: { headers: [] }, store: { url: redis://h } }'
  writeFileSync(pathOf('run.yaml'), `server:\n  auth: ${auth}\n`)
  await expect(loadConfig(pathOf('run.yaml'))).rejects.toThrow(
    /yaml:2:79: "server.auth.store" must be .*: npm install @redis\/client@6\n/,
  )
})
