import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { consoleCommand } from '../../../src/cli/commands/console.ts'
import { serveCommand } from '../../support/served-command.ts'

// The command imports it when it runs. That would be part of the time of the first test.
await import('../../../src/cli/console/serve-console.ts')

/** A console that runs in this process. */
export interface RunningConsole {
  readonly url: string
  readonly port: number
  /** The newest link. */
  readonly link: () => string
  /** Presses Enter, and returns the link that is printed. */
  readonly nextLink: () => Promise<string>
  /** Begins a session, and returns the header with its token. */
  readonly signIn: () => Promise<{ authorization: string }>
  /** Sends a request as a browser would for its page; headers may replace those of the browser, or leave one out. */
  readonly send: (target: string, init?: Init) => Promise<Answer>
  readonly stop: (signal?: 'SIGINT' | 'SIGTERM') => Promise<number>
}

interface Init {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Record<string, unknown>
  readonly text: string
}

export async function startConsole(
  keys: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningConsole> {
  const served = serveCommand(consoleCommand, ['--keys', keys, '--json', ...args], env)
  const url = await served.listening()
  const links = (): string[] => served.logged('listening').map(({ link }) => String(link))
  const link = (): string => links().at(-1) ?? ''
  const send = (target: string, init: Init = {}): Promise<Answer> => exchange(url, target, init)
  return {
    url,
    port: Number(new URL(url).port),
    link,
    nextLink: async () => {
      const count = links().length
      served.enter()
      await expect.poll(() => links()).toHaveLength(count + 1)
      return link()
    },
    signIn: async () => {
      const code = link().replace(/.*#code=/, '')
      const { body } = await send('/session', { body: { code } })
      return { authorization: `Bearer ${String(body['token'])}` }
    },
    send,
    stop: (signal = 'SIGINT') => {
      served.signal(signal)
      return served.ended
    },
  }
}

async function exchange(url: string, target: string, init: Init): Promise<Answer> {
  const { method = init.body === undefined ? 'GET' : 'POST', body } = init
  const origin = method === 'GET' || method === 'HEAD' ? {} : { origin: url }
  const given = Object.entries({ ...origin, ...init.headers })
  const headers = Object.fromEntries(given.filter(([, value]) => value !== undefined))
  const sent = request(`${url}${target}`, { method, headers })
  const response = new Promise<Answer>((resolve, reject) => {
    sent.on('error', reject).on('response', (incoming) => {
      const { statusCode: status = 0, headers: received } = incoming
      const isJson = received['content-type']?.startsWith('application/json') === true
      const answer = (content: string): Answer => ({
        status,
        headers: received,
        body: isJson && content !== '' ? (JSON.parse(content) as Answer['body']) : {},
        text: content,
      })
      text(incoming).then((content) => resolve(answer(content)), reject)
    })
  })
  sent.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
  return response
}
