import { createServer } from 'node:http'
import { expect } from 'vitest'
import { close, listen } from '../../support/loopback.ts'
import { ALICE, response } from './answers.ts'
import { expectVerdict } from './site.ts'
import type { Case } from './row.ts'
import type { Site } from './site.ts'

/** A redirect to another host, which answers 200 to everything: nothing may come there. */
export function redirectToAttacker(
  name: string,
  status: number,
  locate: (host: string) => string,
): Case {
  let host = ''
  return {
    name,
    fault: {
      onQuestion: (socket) =>
        socket.write(response(`HTTP/1.1 ${status} Moved`, { location: locate(host) }, ALICE)),
    },
    expected: 'denied',
    steps: async (site: Site) => {
      const attacker = createServer((request, answer) => {
        request.resume()
        answer.end(ALICE)
      })
      let connections = 0
      attacker.on('connection', () => {
        connections += 1
      })
      host = `127.0.0.1:${await listen(attacker)}`
      try {
        expectVerdict(site, await site.ask())
        expect(site.endpoint.questions).toHaveLength(1)
        expect(connections).toBe(0)
      } finally {
        await close(attacker)
      }
    },
  }
}
