/** @module-tag slow */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { OpenAI } from 'openai'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { readFences } from './support/markdown.ts'
import { readText, ROOT } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import { setupFolder } from './support/temporary-folder.ts'
import type { SpawnedProgram } from './support/spawned-program.ts'

const COMMAND = join(ROOT, 'dist/cli.js')
const START_MS = 60_000
const GATEWAY_PAGE = 'docs/gateway.md'

/** The first command of a page that begins so. */
function findCommand(page: string, begin: string): string {
  const shell = readFences(readText(page)).filter(({ language }) => language === 'sh')
  const lines = shell.flatMap(({ code }) => code.split('\n'))
  const found = lines.find((line) => line.startsWith(begin))
  if (found === undefined) throw new Error(`${page} has no command that begins with ${begin}`)
  return found
}

const inFolder = setupFolder()
let programs: SpawnedProgram[] = []

beforeAll(ensureBuilt, START_MS)
beforeEach(() => {
  // The client also takes a key and an address from the environment.
  vi.stubEnv('OPENAI_API_KEY', undefined)
  vi.stubEnv('OPENAI_BASE_URL', undefined)
})
afterEach(async () => {
  for (const program of programs) program.kill('SIGKILL')
  await Promise.all(programs.map(({ ended }) => ended))
  programs = []
})

function start(command: string, args: readonly string[]): SpawnedProgram {
  const program = spawnProgram(command, args, { cwd: inFolder('.') })
  programs.push(program)
  return program
}

/** Runs a command of a page in a shell, with the command that was just built and on other ports. */
function startLine(line: string, replacements: Readonly<Record<string, string>>): SpawnedProgram {
  let command = line.replaceAll('npx with-auth', `exec "${process.execPath}" "${COMMAND}"`)
  for (const [from, to] of Object.entries(replacements)) {
    expect(command).toContain(from)
    command = command.replaceAll(from, to)
  }
  return start('/bin/sh', ['-c', command])
}

async function startUpstream(file: string): Promise<string> {
  const upstream = start('python3', [join(ROOT, 'tests/no-code', file)])
  const [url] = await upstream.printed(/http:\/\/127\.0\.0\.1:\d+(?=\n)/)
  return url
}

/** Does what docs/gateway.md says: makes a key, and starts the gateway. */
async function follow(upstreamUrl: string) {
  const create = findCommand(GATEWAY_PAGE, 'npx with-auth keys create')
  const maker = startLine(`${findCommand(GATEWAY_PAGE, 'umask')}\n${create}`, {})
  expect(await maker.ended).toBe(0)
  const keyFile = inFolder('key.txt')
  expect(statSync(keyFile).mode & 0o777).toBe(0o600)
  const running = startLine(findCommand(GATEWAY_PAGE, 'npx with-auth gateway'), {
    'http://127.0.0.1:8000': `${upstreamUrl} --port 0`,
  })
  const [, url = ''] = await running.printed(/"type":"listening","url":"([^"]+)"/)
  return { key: readFileSync(keyFile, 'utf8').trim(), gateway: running, url }
}

function connect(url: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
}

const question = { model: 'm', messages: [{ role: 'user' as const, content: 'hello' }] }

describe("a server on Python's http.server, behind the commands of docs/gateway.md", () => {
  it('is reached with the key, and with no other', { timeout: START_MS }, async () => {
    const { key, gateway, url } = await follow(await startUpstream('model_server.py'))
    const wrong = connect(url, 'sk-wrong')
    await expect(wrong.models.list()).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(wrong.chat.completions.create(question)).rejects.toMatchObject({
      status: 401,
      code: 'denied',
    })
    expect((await fetch(`${url}/v1/models`)).status).toBe(401)

    const client = connect(url, key)
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['m'])
    const completion = await client.chat.completions.create(question)
    expect(completion.choices[0]?.message.content).toBe('hello')
    expect(gateway.stdout() + gateway.stderr()).not.toContain(key)
    expect(readFileSync(inFolder('keys.yaml'), 'utf8')).not.toContain(key)
  })

  it('answers the curl command of the page', { timeout: START_MS }, async () => {
    const { key, url } = await follow(await startUpstream('model_server.py'))
    const curl = findCommand(GATEWAY_PAGE, 'curl -H')
    const models = { 'http://127.0.0.1:8320/': `${url}/v1/models`, '$(cat key.txt)': key }
    const answered = startLine(curl, models)
    expect(await answered.ended).toBe(0)
    expect(JSON.parse(answered.stdout())).toMatchObject({ data: [{ id: 'm' }] })
  })

  it('is told who called, and not the key', { timeout: START_MS }, async () => {
    const { key, url } = await follow(await startUpstream('model_server.py'))
    const headers = { authorization: `Bearer ${key}`, 'X-Auth-Principal': 'root' }
    const response = await fetch(`${url}/v1/models`, { headers })
    const { seen } = (await response.json()) as { seen: Record<string, string> }
    const lower = Object.fromEntries(
      Object.entries(seen).map(([name, value]) => [name.toLowerCase(), value]),
    )
    expect(lower['x-auth-principal']).toBe('alice')
    expect(JSON.stringify(seen)).not.toContain(key)
    expect(JSON.stringify(seen)).not.toContain('root')
  })

  it('is closed to a revoked key within the promised time', { timeout: START_MS }, async () => {
    const { key, gateway, url } = await follow(await startUpstream('model_server.py'))
    const client = connect(url, key)
    await client.models.list()
    const [, seconds = ''] = await gateway.printed(/a revoked key works for at most ([\d.]+) s/)
    const promisedMs = Number(seconds) * 1000
    expect(promisedMs).toBeGreaterThan(0)

    const revoke = findCommand('docs/keys.md', 'npx with-auth keys revoke key_')
    const [, id = ''] = /id: (\S+)/.exec(readFileSync(inFolder('keys.yaml'), 'utf8')) ?? []
    const revoking = startLine(revoke, { key_zyk3qgvxqtla: id })
    expect(await revoking.ended).toBe(0)
    const revokedAt = performance.now()
    const [lastAllowedAt, error] = await listUntilRefused(client, revokedAt)
    expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
    expect(lastAllowedAt - revokedAt).toBeLessThan(promisedMs)
    await expect(client.models.list()).rejects.toThrow(OpenAI.AuthenticationError)
  })
})

describe('a server that streams, behind the commands of docs/gateway.md', () => {
  it('is heard word by word', { timeout: START_MS }, async () => {
    const upstreamUrl = await startUpstream('streaming_server.py')
    const { key, url } = await follow(upstreamUrl)
    const asking = { ...question, stream: true } as const
    const wrong = connect(url, 'sk-wrong').chat.completions.create(asking)
    await expect(wrong).rejects.toThrow(OpenAI.AuthenticationError)

    const words: (string | null | undefined)[] = []
    for await (const { choices } of await connect(url, key).chat.completions.create(asking)) {
      words.push(choices[0]?.delta.content)
      // The next is sent only now, so that this ends only if nothing holds words back.
      await fetch(`${upstreamUrl}/received`)
    }
    expect(words).toEqual(['one', 'two', 'three'])
  })
})

/** When the last call was begun that was let in, and how the next one ended. */
async function listUntilRefused(client: OpenAI, since: number): Promise<[number, unknown]> {
  let lastAllowedAt = since
  for (;;) {
    const startedAt = performance.now()
    try {
      await client.models.list()
      lastAllowedAt = startedAt
    } catch (error) {
      return [lastAllowedAt, error]
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
