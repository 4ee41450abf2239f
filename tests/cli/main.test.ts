import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { OutputError } from '../../src/cli/standard-streams.ts'
import { UsageError } from '../../src/cli/usage-error.ts'
import { readJson } from '../support/project.ts'
import { createSurroundings } from '../support/surroundings.ts'
import type { Command } from '../../src/cli/command.ts'

const options = { file: { value: 'FILE', help: 'a file' } }

function command(name: string, run: Command['run']): Command {
  return { name, usage: '', summary: `does ${name}`, examples: [], options, run }
}

const COMMANDS = [
  command('show', async (line, { print }) => {
    print(`${line.text('file')} ${line.operands.join()}`)
    return 0
  }),
  command('keys list', async (line, { print }) => {
    print(`listed ${line.operands.join()}`)
    return 0
  }),
  command('fail', async () => {
    throw new Error('disk is full')
  }),
  command('misuse', async () => {
    throw new UsageError('URL is missing')
  }),
  command('negative', async () => 1),
  command('throw', async () => {
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error
    throw 'sk-secret'
  }),
]

async function runMain(...args: string[]) {
  const surroundings = createSurroundings()
  const code = await main(args, COMMANDS, surroundings)
  return { code, printed: surroundings.printed(), noted: surroundings.noted() }
}

describe('the program', () => {
  it('runs a command of one word or two, with what follows', async () => {
    expect(await runMain('show', '--file', 'a', 'b')).toEqual({
      code: 0,
      printed: 'a b',
      noted: '',
    })
    expect(await runMain('keys', 'list', 'x')).toEqual({ code: 0, printed: 'listed x', noted: '' })
    expect((await runMain('negative')).code).toBe(1)
  })

  it.each([
    [['shwo'], 'with-auth: Unknown command "shwo": did you mean show?\nRun "with-auth --help"'],
    [
      ['keys', 'lost'],
      'Unknown command "lost": did you mean keys list?\nRun "with-auth keys --help"',
    ],
    [['key'], 'Unknown command "key": did you mean keys?\nRun "with-auth --help"'],
    [['keys', 'zzzz'], 'Unknown command "zzzz": the commands are keys list\n'],
    [['keyz', 'list'], 'Unknown command "keyz": did you mean keys list?'],
    [['list'], 'Unknown command "list": did you mean keys list?'],
    [['lits'], 'Unknown command "lits": did you mean keys list?'],
    [['lots'], 'Unknown command "lots": the commands are show, keys list, '],
    [['kyes', 'lsit'], 'Unknown command "kyes": did you mean keys list?'],
    [['deno'], 'Unknown command "deno": the commands are show, '],
    [['negativ'], 'Unknown command "negativ": did you mean negative?'],
    [['nagetivee'], 'Unknown command "nagetivee": did you mean negative?'],
    [['showing'], 'Unknown command "showing": the commands are show, '],
    [['zzzzzzzz'], '"zzzzzzzz": the commands are show, keys list, fail, misuse, negative, throw\n'],
    [['misuse'], 'with-auth: URL is missing\nRun "with-auth misuse --help" for help.\n'],
    [['show', '--flie', 'x'], 'did you mean --file?\nRun "with-auth show --help" for help.\n'],
    [['keys', '--file', 'x'], 'with-auth: The command after "keys" is missing: keys list\n'],
    [['--file', 'show'], 'with-auth: The command before "--file" is missing: show, keys list, '],
    [['--hlep'], 'with-auth: Unknown option "--hlep": did you mean --help?\n'],
  ])('exits with 2 for wrong usage: %j', async (args, message) => {
    const { code, printed, noted } = await runMain(...args)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).toContain(message)
  })

  it.each([[], ['--help'], ['-h'], ['help'], ['help', '--json']])(
    'lists its commands for %j %j',
    async (...args) => {
      const { code, printed, noted } = await runMain(...args)
      expect({ code, noted }).toEqual({ code: 0, noted: '' })
      for (const { summary } of COMMANDS) expect(printed).toContain(summary)
    },
  )

  it.each([['keys'], ['keys', '--help'], ['keys', 'help'], ['help', 'keys'], ['--help', 'keys']])(
    'lists the commands of a group for %j %j',
    async (...args) => {
      const { code, printed } = await runMain(...args)
      expect(code).toBe(0)
      expect(printed).toMatch(/^Usage:\n {2}with-auth keys COMMAND \[OPTIONS\]\n/)
      expect(printed).toMatch(/^ {2}list {2}does keys list$/m)
    },
  )

  it.each([
    ['fail', '--help'],
    ['fail', '-h'],
    ['help', 'fail'],
  ])('describes a command for %j %j, and does not run it', async (...args) => {
    const { code, printed } = await runMain(...args)
    expect(code).toBe(0)
    expect(printed).toContain('Usage:\n  with-auth fail\n')
  })

  it.each(['--version', '-v', '-V', 'version'])('says its version for %s', async (arg) => {
    const { version } = readJson<{ version: string }>('package.json')
    expect(await runMain(arg)).toEqual({ code: 0, printed: `${version}\n`, noted: '' })
  })

  it('exits with 1 when a command fails', async () => {
    expect(await runMain('fail')).toEqual({
      code: 1,
      printed: '',
      noted: 'with-auth: disk is full\n',
    })
  })

  it('says what went wrong in JSON, where JSON was asked for', async () => {
    const failed = await runMain('fail', '--json')
    expect(JSON.parse(failed.noted)).toEqual({ error: { code: 'failed', message: 'disk is full' } })
    const misused = await runMain('misuse', '--json')
    expect(JSON.parse(misused.noted)).toEqual({
      error: { code: 'usage', message: 'URL is missing' },
    })
  })

  it.each([
    ['EPIPE', 0, ''],
    ['ENOSPC', 1, 'with-auth: Cannot write to standard output: ENOSPC\n'],
  ])('waits for its output, which fails with %s', async (reason, code, noted) => {
    const failure = new OutputError(Object.assign(new Error('no'), { code: reason }))
    const surroundings = { ...createSurroundings(), flush: () => Promise.reject(failure) }
    expect(await main(['--help'], COMMANDS, surroundings)).toBe(code)
    expect(surroundings.noted()).toBe(noted)
  })

  it('does not show what is thrown and is no error', async () => {
    expect((await runMain('throw')).noted).toBe('with-auth: Something failed\n')
  })
})
