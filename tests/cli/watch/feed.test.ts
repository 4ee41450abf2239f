import fs, {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { connect, createServer } from 'node:net'
import { isMainThread, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { watchDecisions } from '../../../src/cli/watch/client.ts'
import { createFeed } from '../../../src/cli/watch/feed.ts'
import { readWatchPlace } from '../../../src/cli/watch/place.ts'
import { close, findFreePort, listen } from '../../support/loopback.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { PathLike } from 'node:fs'
import type { Watched } from '../../../src/cli/watch/client.ts'
import type { Feed } from '../../../src/cli/watch/feed.ts'
import type { WatchPlace } from '../../../src/cli/watch/place.ts'

const SECRET = 'watch-s3cret-0123456789'
const DECISION = { type: 'decision', outcome: 'allow', status: 200, path: '/v1' } as const
/** Looks all the time at the rights of others in a folder. */
const LOOK = `
const { lstatSync, readdirSync } = require('node:fs')
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads')
parentPort.postMessage('started')
const seen = new Set()
while (receiveMessageOnPort(parentPort) === undefined) {
  for (const name of readdirSync(workerData)) {
    const found = lstatSync(workerData + '/' + name, { throwIfNoEntry: false })
    if (found !== undefined) seen.add(found.mode & 0o77)
  }
}
parentPort.postMessage([...seen])
`
const inFolder = setupFolder()
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function startFeed(place: WatchPlace): Promise<Feed> {
  const feed = createFeed(place, 'gateway')
  ends.push(feed.close)
  await feed.listen()
  return feed
}

/** Collects what a watcher sees. */
function watch(place: WatchPlace): Watched[] {
  const controller = new AbortController()
  const seen: Watched[] = []
  const run = async (): Promise<void> => {
    for await (const entry of watchDecisions(place, controller.signal, 20)) seen.push(entry)
  }
  const running = run()
  ends.unshift(() => {
    controller.abort()
    return running
  })
  return seen
}

/** Calls a function with the name of each file that is about to be moved. */
function watchRenames(look: (from: PathLike) => unknown): void {
  const { renameSync } = fs
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    look(from)
    renameSync(from, to)
  })
  syncBuiltinESMExports()
  ends.unshift(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })
}

const until = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 5 })

describe('the socket of --watch-socket', () => {
  it('sends each decision to this user alone, and is removed at the end', async () => {
    const path = inFolder('watch.sock')
    const feed = await startFeed({ path })
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(inFolder('.'))).toEqual(['watch.sock'])
    const seen = watch({ path })
    await until(() => expect(seen).toEqual([{ type: 'watching', from: 'gateway' }]))
    feed.send({ ...DECISION, method: 'GET', principal: 'alice' })
    await until(() => expect(seen).toHaveLength(2))
    const time: unknown = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(seen[1]).toMatchObject({ ...DECISION, method: 'GET', principal: 'alice', time })
    await feed.close()
    expect(readdirSync(inFolder('.'))).toEqual([])
  })

  // The mutation tester runs tests in threads, which cannot set it.
  it.runIf(isMainThread)('is at no moment open to others, whatever the umask is', async () => {
    const looking = new Worker(LOOK, { eval: true, workerData: inFolder('.') })
    ends.unshift(() => looking.terminate())
    await new Promise((resolve) => looking.once('message', resolve))
    const before = process.umask(0)
    ends.unshift(() => process.umask(before))
    const rights = new Set<number>()
    watchRenames((from) => rights.add(lstatSync(from).mode & 0o77))
    for (let round = 0; round < 200; round += 1) {
      const feed = createFeed({ path: inFolder('watch.sock') }, 'gateway')
      await feed.listen()
      await feed.close()
    }
    // oxlint-disable-next-line require-post-message-target-origin -- of a worker
    looking.postMessage('end')
    expect(await new Promise((resolve) => looking.once('message', resolve))).toEqual([0])
    // The other thread may miss the moment at which the socket comes to its place.
    expect([...rights]).toEqual([0])
  })

  it('replaces the socket of a process that has ended, and nothing else', async () => {
    const path = inFolder('stale.sock')
    const first = await startFeed({ path })
    await expect(startFeed({ path })).rejects.toThrow(
      `--watch-socket ${path}: another process listens there`,
    )
    first.send(DECISION)
    // As after SIGKILL: the name stays, and nobody listens.
    const stale = createServer()
    const lost = inFolder('lost.sock')
    await new Promise<void>((resolve) => stale.listen(inFolder('made.sock'), resolve))
    linkSync(inFolder('made.sock'), lost)
    await close(stale)
    const second = await startFeed({ path: lost })
    const seen = watch({ path: lost })
    await until(() => expect(seen).toHaveLength(1))
    await second.close()

    const file = inFolder('keys.yaml')
    writeFileSync(file, 'keys: []')
    symlinkSync(path, inFolder('link'))
    mkdirSync(inFolder('folder'))
    for (const name of ['keys.yaml', 'link', 'folder']) {
      await expect(startFeed({ path: inFolder(name) })).rejects.toThrow(
        `--watch-socket ${inFolder(name)}: there is a file that is no socket`,
      )
    }
    await expect(startFeed({ path: inFolder('none/watch.sock') })).rejects.toThrow(
      `--watch-socket ${inFolder('none/watch.sock')}: its folder does not exist`,
    )
  })

  it('does not remove the socket of a process that took its place', async () => {
    const path = inFolder('taken.sock')
    const first = await startFeed({ path })
    rmSync(path)
    await startFeed({ path })
    await first.close()
    expect(lstatSync(path).isSocket()).toBe(true)
  })
})

describe('a watcher', () => {
  it('that does not read loses lines, and is told how many', async () => {
    const path = inFolder('slow.sock')
    const feed = await startFeed({ path })
    const socket = connect(path)
    ends.unshift(() => socket.destroy())
    await new Promise((resolve) => socket.once('connect', resolve))
    const other = watch({ path })
    await until(() => expect(other[0]?.type).toBe('watching'))
    for (let count = 0; count < 20_000; count += 1)
      feed.send({ ...DECISION, path: '/x'.repeat(120) })
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    await until(() => {
      feed.send(DECISION)
      expect(text).toContain('"log lines dropped because the reader was too slow: ')
    })
  })

  it('connects again after the server has started again', async () => {
    const path = inFolder('again.sock')
    const seen = watch({ path })
    await until(() =>
      expect(seen[0]).toEqual({ type: 'lost', cause: 'nothing listens there (ENOENT)' }),
    )
    const first = await startFeed({ path })
    await until(() => expect(seen.at(-1)?.type).toBe('watching'))
    await first.close()
    await until(() => expect(seen.at(-1)?.type).toBe('lost'))
    const second = await startFeed({ path })
    await until(() => expect(seen.at(-1)?.type).toBe('watching'))
    second.send(DECISION)
    await until(() => expect(seen.at(-1)).toMatchObject(DECISION))
  })

  it('is one of at most eight', async () => {
    const path = inFolder('many.sock')
    await startFeed({ path })
    const seen = Array.from({ length: 8 }, () => watch({ path }))
    await until(() => expect(seen.map((one) => one[0]?.type)).toEqual(Array(8).fill('watching')))
    const ninth = watch({ path })
    await until(() => expect(ninth[0]).toEqual({ type: 'lost', cause: '8 others watch already' }))
  })

  it('ends the connection of a server that is not with-auth', async () => {
    const server = createServer((socket) =>
      socket.on('error', () => undefined).write('x'.repeat(20_000)),
    )
    const port = await listen(server)
    ends.push(() => close(server))
    const seen = watch({ host: '127.0.0.1', port, secret: SECRET })
    await until(() => expect(seen[0]?.type).toBe('lost'))
    expect(seen[0]).toEqual({
      type: 'lost',
      cause: 'a line is too long: is this the socket of with-auth?',
    })
  })

  it('skips lines that it does not know, and takes no member of another type', async () => {
    const lines = [
      'no JSON',
      '[]',
      '{"type":"later"}',
      '{"type":"decision","time":"t","outcome":"allow","status":"200","path":"/"}',
      '{"type":"decision","time":"t","outcome":"allow","status":200,"path":"/","principal":{"a":1},"__proto__":{"x":1}}',
    ]
    const server = createServer((socket) =>
      socket.on('error', () => undefined).write(`${lines.join('\n')}\n`),
    )
    const port = await listen(server)
    ends.push(() => close(server))
    const seen = watch({ host: '127.0.0.1', port, secret: SECRET })
    await until(() => expect(seen).toHaveLength(1))
    expect(seen).toEqual([
      { type: 'decision', time: 't', outcome: 'allow', status: 200, path: '/' },
    ])
  })
})

describe('a loopback port', () => {
  it('sends decisions to those who have the secret, which is not sent', async () => {
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    const feed = await startFeed(place)
    const seen = watch(place)
    await until(() => expect(seen).toEqual([{ type: 'watching', from: 'gateway' }]))
    const other = watch({ ...place, secret: SECRET.replace('9', '8') })
    await until(() =>
      expect(other[0]).toEqual({
        type: 'lost',
        cause: 'WITH_AUTH_WATCH_SECRET is another one there',
      }),
    )
    feed.send(DECISION)
    await until(() => expect(seen[1]).toMatchObject(DECISION))
    expect(other.filter(({ type }) => type === 'decision')).toEqual([])
  })

  it('sends no decision to a program that answers the challenge wrongly, or not at all', async () => {
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    const feed = await startFeed(place)
    const answers = [
      '',
      'GET / HTTP/1.1\r\n\r\n',
      `${SECRET}\n`,
      `${'0'.repeat(64)}\n`,
      'x'.repeat(9999),
    ]
    const got = await Promise.all(
      answers.map(async (answer) => {
        const socket = connect(place.port, place.host)
        ends.unshift(() => socket.destroy())
        let text = ''
        const closed = new Promise((resolve) => {
          socket.on('error', () => undefined).once('close', resolve)
        })
        socket.setEncoding('utf8').on('data', (chunk) => {
          text += String(chunk)
          feed.send(DECISION)
        })
        socket.write(answer)
        await closed
        return text
      }),
    )
    expect(got.join('')).toContain('"challenge"')
    expect(got.join('')).not.toMatch(/decision|watching|s3cret/)
  })

  it('needs a secret of 16 characters, and messages show none', () => {
    const read = (text: string, secret?: string) => {
      const env = secret === undefined ? {} : { WITH_AUTH_WATCH_SECRET: secret }
      return readWatchPlace('--watch-socket', text, { env })
    }
    for (const secret of ['', 'too-short-12345', 'with a blank in it']) {
      expect(() => read('[::1]:9330', secret)).toThrow(
        'WITH_AUTH_WATCH_SECRET must be 16 to 1024 visible ASCII characters (it is not shown)',
      )
    }
    expect(read('./watch.sock')).toEqual({ path: './watch.sock' })
    expect(() => read(`/tmp/${'x'.repeat(90)}`)).toThrow(
      '--watch-socket must be a path of at most 90 bytes, because the names of sockets are short',
    )
  })
})
