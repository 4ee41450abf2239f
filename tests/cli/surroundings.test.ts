import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  createOutput,
  describeTerminal,
  flushOrUndo,
  flushResult,
  isAskedToStop,
  nextSignal,
  OutputError,
  readInput,
} from '../../src/cli/surroundings.ts'
import { ensureBuilt } from '../support/built-package.ts'
import { whySkipped } from '../support/installed.ts'
import { entry, keysText } from '../support/key-questions.ts'
import { ROOT } from '../support/project.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const COMMAND = join(ROOT, 'dist/cli.js')
const pathOf = setupFolder()

/** Runs a line of shell. `with-auth` is the built command and `$KEYS` a key file. */
function shell(line: string) {
  ensureBuilt()
  const text = `with_auth() { '${process.execPath}' '${COMMAND}' "$@"; }; ${line.replaceAll('with-auth', 'with_auth')}`
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', text], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], KEYS: pathOf('keys.yaml') },
  })
  return { status, stdout, stderr }
}

describe('standard input', { tags: ['slow'] }, () => {
  it('reads standard input to its end, but not beyond the longest key', () => {
    const create = 'with-auth keys create --keys "$KEYS" --principal alice 2> /dev/null'
    const revoked = shell(`${create} | with-auth keys revoke - --keys "$KEYS"`)
    expect(revoked).toMatchObject({ status: 0, stdout: '' })
    expect(revoked.stderr).toMatch(/^with-auth: key_\w+ of alice is revoked\n$/)
    expect(shell('yes | with-auth keys revoke - --keys "$KEYS"')).toEqual({
      status: 2,
      stdout: '',
      stderr:
        'with-auth: standard input must hold one key, in visible ASCII (it is not shown)\n' +
        'Run "with-auth keys revoke --help" for help.\n',
    })
  })
})

/** Runs a command whose reader leaves before it prints. */
function withoutReader(command: string) {
  return shell(`(sleep 0.3; ${command}) | true; exit "\${PIPESTATUS[0]}"`)
}

describe('standard output that cannot be written', { tags: ['slow'] }, () => {
  const CREATE = 'with-auth keys create --keys "$KEYS" --principal bob'
  const full = (command: string) => () => shell(`${command} > /dev/full`)
  const noFull = existsSync('/dev/full') ? undefined : whySkipped('there is no /dev/full')

  it.skipIf(noFull !== undefined).each([
    ['is full', 'ENOSPC', full(CREATE)],
    ['has no reader', 'EPIPE', () => withoutReader(CREATE)],
  ])('removes a new key again: %s', (_, reason, run) => {
    shell(CREATE)
    const text = readFileSync(pathOf('keys.yaml'), 'utf8')
    const { status, stderr } = run()
    expect(status).toBe(1)
    expect(stderr).toContain(
      `Cannot write to standard output: ${reason}. The new key was removed from ${pathOf('keys.yaml')}`,
    )
    expect(stderr).not.toMatch(/^ +at /m)
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe(text)
  })

  it.skipIf(noFull !== undefined).each([
    ['prune --older 0', 'The removed keys are no longer in'],
    ['revoke key_1 --json', 'key_1 is revoked in'],
  ])('reports the state of the file: keys %s > /dev/full', (args, done) => {
    const text = keysText(entry('key_1', { expires: '2020-01-01' }))
    writeFileSync(pathOf('keys.yaml'), text)
    const { status, stderr } = shell(`with-auth keys ${args} --keys "$KEYS" > /dev/full`)
    expect(status).toBe(1)
    expect(stderr).toContain(
      `Cannot write to standard output: ENOSPC. ${done} ${pathOf('keys.yaml')}`,
    )
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).not.toBe(text)
  })

  it.skipIf(noFull !== undefined).each(['keys list --keys "$KEYS"', '--help'])(
    'fails in one line: %s > /dev/full',
    (args) => {
      writeFileSync(pathOf('keys.yaml'), keysText(entry('k1')))
      const stderr = 'with-auth: Cannot write to standard output: ENOSPC\n'
      expect(shell(`with-auth ${args} > /dev/full`)).toEqual({ status: 1, stdout: '', stderr })
    },
  )

  it.skipIf(noFull !== undefined)(
    'a server continues after it has reported a lost log',
    async () => {
      writeFileSync(pathOf('keys.yaml'), keysText(entry('k1')))
      const gateway = 'gateway --keys keys.yaml --upstream http://127.0.0.1:9 --port=0'
      const line = `exec '${process.execPath}' '${COMMAND}' ${gateway} > /dev/full`
      const program = spawnProgram('bash', ['--norc', '-c', line], { cwd: pathOf('.') })
      const [url] = await program.printed(/http:\/\/127[\d.:]+/)
      expect((await fetch(url)).status).toBe(401)
      program.kill('SIGTERM')
      expect(await program.ended).toBe(0)
      const lost = 'with-auth: the log cannot be written (ENOSPC): serving continues without it\n'
      expect(program.stderr()).toContain(lost)
      expect(program.stderr()).not.toContain('Cannot write')
    },
  )

  it.each(['keys list --keys "$KEYS"', 'keys export --keys "$KEYS"', '--help'])(
    'is quiet if the reader has left: %s | true',
    (args) => {
      writeFileSync(pathOf('keys.yaml'), keysText(entry('k1')))
      expect(withoutReader(`with-auth ${args}`)).toEqual({ status: 0, stdout: '', stderr: '' })
    },
  )

  it.each([
    ['list', /^ID +PRINCIPAL/],
    ['export', /^# The keys/],
  ])('exits quietly if the reader leaves early: keys %s | head -1', (command, first) => {
    const principal = 'p'.repeat(256)
    const entries = Array.from({ length: 600 }, (_, index) => entry(`k${index}`, { principal }))
    writeFileSync(pathOf('keys.yaml'), keysText(...entries))
    const { status, stdout, stderr } = shell(
      `with-auth keys ${command} --keys "$KEYS" | head -1; exit "\${PIPESTATUS[0]}"`,
    )
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(first)
  })
})

it.each(['18.20.8', '20.10.0'])(
  'the command says first that Node %s is too old',
  { tags: ['slow'] },
  (node) => {
    const versions = `{ value: { ...process.versions, node: '${node}' } }`
    const preload = `data:text/javascript,Object.defineProperty(process, 'versions', ${versions})`
    ensureBuilt()
    for (const args of [['--version'], ['gateway', '--keys', 'keys.yaml']]) {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        ['--import', preload, COMMAND, ...args],
        { encoding: 'utf8' },
      )
      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: '',
        stderr: `with-auth needs Node 20.19 or later; this is ${node}\n`,
      })
    }
  },
)

it.each([
  ['all of it', [Buffer.from('wörd').subarray(0, 2), Buffer.from('wörd').subarray(2)], 'wörd'],
  [
    'no more chunks than the longest key needs',
    ['a'.repeat(16_384), 'b', 'c'],
    `${'a'.repeat(16_384)}b`,
  ],
])('reads a stream: %s', async (_, chunks, text) => {
  expect(await readInput(Readable.from(chunks, { objectMode: false }))).toBe(text)
})

describe('the output of a command on Deno', () => {
  afterEach(() => void vi.unstubAllGlobals())

  function open(write: (text: string) => Promise<void>) {
    const decoder = new TextDecoder()
    const writable = new WritableStream<Uint8Array>({
      write: (bytes) => write(decoder.decode(bytes)),
    })
    vi.stubGlobal('Deno', { stdout: { writable } })
    const added: ((error: Error) => void)[] = []
    process.stdout.once('newListener', (_, listener: (error: Error) => void) => {
      added.push(listener)
    })
    const output = createOutput('stdout')
    const [fail] = added
    if (fail === undefined) throw new Error('An error of the stream would end the process')
    onTestFinished(() => void process.stdout.off('error', fail))
    return { ...output, fail }
  }
  const errorOf = (code: string) => Object.assign(new Error('write'), { code })

  it('writes in order, and counts what is not written yet', async () => {
    const written: string[] = []
    let go = (): void => undefined
    const may = new Promise<void>((resolve) => (go = resolve))
    const { print, unwritten, flush } = open(async (text) => {
      await may
      written.push(text)
    })
    print('one\n')
    print('twö\n')
    expect([unwritten(), written]).toEqual([8, []])
    go()
    await flush()
    expect([unwritten(), written]).toEqual([0, ['one\n', 'twö\n']])
  })

  it('keeps the first failure for the end of the command', async () => {
    const { print, flush, fail } = open(() => Promise.reject(errorOf('ENOSPC')))
    print('one\n')
    await expect(flush()).rejects.toMatchObject({
      name: 'OutputError',
      message: 'Cannot write to standard output: ENOSPC',
      isReaderGone: false,
      cause: { code: 'ENOSPC' },
    })
    fail(errorOf('EPIPE'))
    await expect(flush()).rejects.toThrow('ENOSPC')
  })

  it('tells a listener of a failure, which then does not end the command', async () => {
    const { flush, fail, onPrintFailure } = open(() => Promise.resolve())
    const told: unknown[] = []
    onPrintFailure((error) => void told.push(error))
    fail(errorOf('EPIPE'))
    await flush()
    expect(told).toEqual([errorOf('EPIPE')])
  })
})

describe('a result that cannot be written', () => {
  const failing = (cause: unknown) => ({ flush: () => Promise.reject(cause) })
  const gone = new OutputError(Object.assign(new Error('write'), { code: 'EPIPE' }))
  const full = new OutputError(Object.assign(new Error('write'), { code: 'ENOSPC' }))

  it('says what has changed, unless its reader has left', async () => {
    await flushResult('It is done', failing(gone))
    await expect(flushResult('It is done', failing(full))).rejects.toMatchObject({
      message: 'Cannot write to standard output: ENOSPC. It is done',
      cause: full,
    })
    const other = new Error('other')
    await expect(flushResult('It is done', failing(other))).rejects.toBe(other)
  })

  it.each([
    ['Cannot write to standard output: ENOSPC. It is gone', full, true],
    ['Cannot write to standard output: ENOSPC. It is there', full, false],
    ['Cannot write the key. It is gone', 'a text', true],
  ])('undoes the change, and says what is left: %s', async (message, cause, isUndone) => {
    const undo = () => (isUndone ? Promise.resolve() : Promise.reject(new Error('undo')))
    const states = { undone: 'It is gone', kept: 'It is there' }
    await expect(flushOrUndo(failing(cause), undo, states)).rejects.toMatchObject({
      message,
      cause,
    })
  })
})

it('resolves for one signal after the other', async () => {
  const first = nextSignal()
  process.emit('SIGTERM', 'SIGTERM')
  expect(await first).toBe('SIGTERM')
  const second = nextSignal()
  process.emit('SIGINT', 'SIGINT')
  expect(await second).toBe('SIGINT')
  expect(isAskedToStop()).toBe(true)
})

it.each([
  [true, {}, { isTerminal: true, colors: true }],
  [true, { TERM: 'xterm-256color', NO_COLOR: '' }, { isTerminal: true, colors: true }],
  [true, { NO_COLOR: '1' }, { isTerminal: true, colors: false }],
  [true, { NO_COLOR: 'false' }, { isTerminal: true, colors: false }],
  [true, { TERM: 'dumb' }, { isTerminal: true, colors: false }],
  [false, {}, { isTerminal: false, colors: false }],
  [undefined, { COLORTERM: 'truecolor' }, { isTerminal: false, colors: false }],
])('describes standard output: isTTY %j, %j', (isTTY, env, expected) => {
  expect(describeTerminal(isTTY === undefined ? {} : { isTTY }, env)).toEqual(expected)
})
