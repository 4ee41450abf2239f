import { writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'

afterEach(stopCommands)

const inFolder = setupFolder()

it('unknown keys take turns by the address that a trusted proxy names', async () => {
  const asked: string[] = []
  const held: (() => void)[] = []
  const endpoint = await startService(({ body }, response) => {
    const { api_key: key } = JSON.parse(body) as { api_key: string }
    const answer = () => response.writeHead(key === 'new' ? 200 : 401).end()
    if (key.length > 4) return void answer()
    asked.push(key)
    return void held.push(answer)
  })
  const upstream = await startService(() => ({}))
  const file = inFolder('run.yaml')
  const limit = 'concurrency: { max_in_flight: 1, max_waiting: 3 }'
  writeFileSync(file, `server: { auth: { endpoint: "${endpoint.url}", ${limit} } }\n`)
  const url = await serveCommand(gatewayCommand, [
    '--json',
    '--trusted-proxy=127.0.0.1',
    `--upstream=http://127.0.0.1:${upstream.port}`,
    `--config=${file}`,
  ]).listening()
  const ask = async (key: string, address: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, forwarded: `for=${address}` }
    return (await fetch(url, { headers })).status
  }
  const first = ask('a1', '192.0.2.1')
  await expect.poll(() => asked).toEqual(['a1'])
  const statuses: Promise<number>[] = []
  const come = async (key: string, address: string): Promise<void> => {
    statuses.push(ask(key, address))
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await come('a2', '192.0.2.1')
  await come('a3', '192.0.2.1')
  await come('new', '192.0.2.2')
  await come('a4', '192.0.2.1')
  for (let turn = 0; turn < 4; turn += 1) {
    await expect.poll(() => held).toHaveLength(1)
    held.shift()?.()
  }
  expect(asked).toEqual(['a1', 'new', 'a4', 'a3'])
  expect(await first).toBe(401)
  // The flood has displaced a check of its own.
  expect(await Promise.all(statuses)).toEqual([401, 401, 200, 401])
})
