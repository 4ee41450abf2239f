import { mkdirSync, readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { demoCommand, serveDemoApi } from '../../../src/cli/commands/demo.ts'
import { main } from '../../../src/cli/main.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
beforeEach(() => {
  mkdirSync(pathOf('tmp'))
  vi.stubEnv('TMPDIR', pathOf('tmp'))
})
afterEach(() => vi.unstubAllEnvs())

async function startDemo(...args: string[]) {
  const surroundings = createSurroundings()
  const ended = main(['demo', ...args], [demoCommand], surroundings)
  await vi.waitFor(() => expect(surroundings.printed()).toMatch(/\n$/), { timeout: 5000 })
  return { surroundings, ended }
}

async function startJsonDemo() {
  const started = await startDemo('--json')
  const said = JSON.parse(started.surroundings.printed()) as Record<string, string>
  const { gateway = '', api = '', key = '' } = said
  return { ...started, gateway, api, key }
}

// tests/cli/built.test.ts ends it during a stream.
describe('with-auth demo', () => {
  it('picks free ports if the usual ones are in use, ends at once, and cleans up', async () => {
    const demos = [await startJsonDemo(), await startJsonDemo()]
    const urls = demos.flatMap(({ gateway, api }) => [gateway, api])
    expect(new Set(urls).size).toBe(4)
    for (const { gateway, key } of demos) {
      expect(await (await fetch(`${gateway}/`)).text()).toBe('This path is public.\n')
      const response = await fetch(`${gateway}/v1/me`, {
        headers: { authorization: `Bearer ${key}` },
      })
      expect(await response.json()).toEqual({
        principal: 'alice',
        attributes: { roles: ['reader'] },
      })
    }
    const folders = readdirSync(pathOf('tmp'))
    expect(folders).toEqual(folders.filter((name) => name.startsWith('with-auth-demo-')))
    expect(folders).toHaveLength(2)
    const [first] = demos
    const [, ...logged] = first?.surroundings.printed().trim().split('\n') ?? []
    expect(logged.map((text) => JSON.parse(text) as unknown)).toMatchObject([
      { path: '/', status: 200 },
      { path: '/v1/me', status: 200, principal: 'alice' },
    ])
    const stream = await fetch(`${first?.gateway}/v1/chat`, {
      headers: { authorization: `Bearer ${first?.key}` },
    })
    for (const { surroundings } of demos) surroundings.signal('SIGTERM')
    await expect(stream.text()).rejects.toThrow('terminated')
    const codes = await Promise.all(demos.map(({ ended }) => ended))
    expect([codes, demos.map(({ surroundings }) => surroundings.noted())]).toEqual([
      [0, 0],
      ['', ''],
    ])
    // Another process may use the default ports of the first demo by now.
    for (const url of urls.slice(2)) await expect(fetch(url)).rejects.toThrow('fetch failed')
    expect(readdirSync(pathOf('tmp'))).toEqual([])
  })

  it('ends well if the checks of its key are counted while it removes its folder', async () => {
    const { surroundings, ended } = await startJsonDemo()
    const folder = pathOf(`tmp/${readdirSync(pathOf('tmp')).join()}`)
    surroundings.signal('SIGTERM')
    for (const file of Array.from({ length: 100 }, (_, at) => `uses-${at}`)) {
      await writeFile(join(folder, file), '').catch(() => undefined)
    }
    expect([await ended, surroundings.noted()]).toEqual([0, ''])
    expect(readdirSync(pathOf('tmp'))).toEqual([])
  })

  it('prints curl commands with their real output', async () => {
    const { surroundings, ended } = await startDemo()
    const guide = surroundings.printed()
    const [gateway = '', api = ''] = guide.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? []
    const [key = ''] = guide.match(/withauth_\w+/) ?? []
    const url = `${gateway}/v1/me`
    const bare = await (await fetch(url)).text()
    const wrong = await (
      await fetch(url, { headers: { authorization: 'Bearer wrong-key' } })
    ).text()
    surroundings.signal('SIGINT')
    expect(await ended).toBe(0)
    // The calls of the guide itself are not logged.
    const log = surroundings.printed().slice(guide.length)
    expect(log.replaceAll(/^[\d:]{8} |[\d.]+(?= ms$)/gm, '')).toBe(
      '401 GET  /v1/me missing_credentials check  ms\n401 GET  /v1/me denied (unknown) check  ms\n',
    )
    expect(guide).toBe(`
  gateway        ${gateway}
  API behind it  ${api}

Paste these into another terminal. Without a key:

  curl -sw "\\n%{http_code}\\n" ${url}

  ${bare}
  401

With a wrong key:

  curl -sw "\\n%{http_code}\\n" -H "Authorization: Bearer wrong-key" ${url}

  ${wrong}
  401

With the right key, which works only for this run:

  curl -sw "\\n%{http_code}\\n" -H "Authorization: Bearer ${key}" ${url}

  {"principal":"alice","attributes":{"roles":["reader"]}}
  200

With that key, ${gateway}/v1/chat streams. ${gateway}/ needs no key.

Next, put the gateway in front of your own server:

  npx with-auth keys create --keys keys.yaml --principal alice > key.txt
  npx with-auth gateway --keys keys.yaml --upstream http://127.0.0.1:8000

"npx with-auth init" writes a run.yaml for an auth endpoint of your own.
Each request is a line below. Ctrl-C stops both servers.
`)
  })
})

async function ask(path: string): Promise<Response> {
  return serveDemoApi(new Request(`http://127.0.0.1${path}`))
}

it('answers 404 for a path that the API does not have', async () => {
  const unknown = await ask('/lost')
  expect([unknown.status, await unknown.text()]).toEqual([404, 'Not found\n'])
})

it('streams words', async () => {
  vi.useFakeTimers()
  const response = await ask('/v1/chat')
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const words = ['Hello', 'from', 'a', 'guarded', 'stream']
  const streamed = response.text()
  await vi.advanceTimersByTimeAsync(2000)
  vi.useRealTimers()
  expect(await streamed).toBe(words.map((word) => `data: ${word}\n\n`).join(''))
})
