import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { head, openSocket, sendRaw } from '../../support/raw-client.ts'
import { stopCommands } from '../../support/served-command.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startConsole } from '../console/running-console.ts'
import type { RunningConsole } from '../console/running-console.ts'

const inFolder = setupFolder()
const file = (): string => inFolder('keys.yaml')

let served: RunningConsole
beforeEach(async () => {
  await createKey(file(), { principal: 'alice' })
  served = await startConsole(file())
})
afterEach(stopCommands)

describe('with-auth console', () => {
  it.each([
    [true, 'Enter prints another one'],
    [false, 'start the command again for another one'],
  ])(
    'prints the link, and how to get another one; in a terminal: %s',
    async (isTerminal, again) => {
      const surroundings = createSurroundings({}, '', { isTerminal, colors: false })
      const ended = main(['console', '--keys', file(), '--port=0'], COMMANDS, surroundings)
      const link = /^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}\n$/
      await vi.waitFor(() => expect(surroundings.printed()).toMatch(link))
      expect(surroundings.noted()).toBe(
        `with-auth: open this link within 60 s; it works once, and ${again}. Ctrl-C stops:\n`,
      )
      surroundings.enter()
      expect(surroundings.printed().trim().split('\n')).toHaveLength(2)
      surroundings.signal('SIGINT')
      expect(await ended).toBe(0)
    },
  )

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at once by %s, with open requests',
    async (signal) => {
      const socket = await openSocket(served.port)
      const fields = [
        `Host: 127.0.0.1:${served.port}`,
        `Origin: ${served.url}`,
        'Content-Length: 9',
      ]
      socket.write(head('POST /session', ...fields))
      socket.on('error', () => undefined)
      const startedAt = performance.now()
      expect(await served.stop(signal)).toBe(0)
      expect(performance.now() - startedAt).toBeLessThan(1000)
      socket.destroy()
    },
  )

  it('answers a malformed request, and goes on', async () => {
    expect(
      await sendRaw(served.port, head('GET /', 'Host: a', 'Host: b', 'Connection: close')),
    ).toMatch(/^HTTP\/1\.1 4/)
    expect((await served.send('/')).status).toBe(200)
  })
})
