import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/errors.ts'
import { main } from '../../src/cli/main.ts'
import { OutputError } from '../../src/cli/surroundings.ts'
import { readJson } from '../support/project.ts'
import { createSurroundings, runLine } from '../support/surroundings.ts'
import type { Command } from '../../src/cli/command-line.ts'

const options = { file: { value: 'FILE', help: 'a file' } }

function command(name: string, run: Command['run'], more: Partial<Command> = {}): Command {
  return { name, usage: '', summary: `does ${name}`, examples: [], options, run, ...more }
}

/** What a command has that its help describes. */
const DESCRIBED: Partial<Command> = {
  usage: '--keys FILE',
  summary: 'make a key',
  details: `It is shown once.${' A sentence that is longer than a line goes on below.'.repeat(2)}

And again.`,
  environment: { KEYS_TEST: 'what a test sets' },
  examples: ['with-auth keys create --keys keys.yaml > key.txt'],
  options: {
    keys: {
      value: 'FILE',
      help: 'the file with the keys, which is made where it is',
      default: 'a b.yaml',
    },
    path: {
      value: 'PREFIX',
      help: 'a path, and a text that ends in the last of all 80 columns here',
      isRepeatable: true,
    },
  },
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
  command('terminal', async () => {
    throw new Error(`x\u001B]0;pwn\u0007\t\u202Ex\r\u009B2J:1:1: first\nsecond`)
  }),
  command('negative', async () => 1),
  command('throw', async () => {
    // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error
    throw 'sk-secret'
  }),
]

function runMain(...args: string[]) {
  return runLine(args, COMMANDS)
}

describe('the program', () => {
  it('runs a command of one or two words with its arguments', async () => {
    expect(await runMain('show', '--file', 'a', 'b')).toEqual({
      code: 0,
      printed: 'a b',
      noted: '',
    })
    expect(await runMain('keys', 'list', 'x')).toEqual({ code: 0, printed: 'listed x', noted: '' })
    expect((await runMain('negative')).code).toBe(1)
  })

  it('reads options, switches and operands in any order, and the rest after -- as operands', async () => {
    const read = command(
      'read',
      async (line, { print }) => {
        const seen = [line.text('keys'), line.texts('path'), line.has('json'), line.operands]
        print(JSON.stringify([...seen, line.text('path'), line.texts('nothing')]))
        return 0
      },
      DESCRIBED,
    )
    const line = 'read one --keys=-x --json two --path=/a --path /b -- --path'
    const { printed } = await runLine(line.split(' '), [read])
    const operands = ['one', 'two', '--path']
    expect(JSON.parse(printed)).toEqual(['-x', ['/a', '/b'], true, operands, '/a', []])
  })

  it('describes a command in 80 columns, with the common options, and without empty sections', async () => {
    const helpOf = async (more: Partial<Command>): Promise<string> =>
      (await runLine(['make', '--help'], [command('make', async () => 0, more)])).printed
    expect(await helpOf(DESCRIBED)).toBe(`Make a key.

Usage:
  with-auth make --keys FILE

It is shown once. A sentence that is longer than a line goes on below. A
sentence that is longer than a line goes on below.

And again.

Options:
  --keys FILE    the file with the keys, which is made where it is
                 [default: a b.yaml]
  --path PREFIX  a path, and a text that ends in the last of all 80 columns here
  --json         print JSON, for programs
  -h, --help     show this help

Environment:
  KEYS_TEST  what a test sets

Examples:
  $ with-auth keys create --keys keys.yaml > key.txt
`)
    expect(await helpOf({ options: {} })).toBe(`Does make.

Usage:
  with-auth make

Options:
  --json      print JSON, for programs
  -h, --help  show this help
`)
  })

  it.each([
    [['shwo'], 'with-auth: Unknown command "shwo": did you mean show?\nRun "with-auth --help"'],
    [
      ['keys', 'lost'],
      'Unknown command "lost": did you mean keys list?\nRun "with-auth keys --help"',
    ],
    [
      ['zzzzzzzz'],
      '"zzzzzzzz": the commands are show, keys list, fail, misuse, terminal, negative, throw\n',
    ],
    [['misuse'], 'with-auth: URL is missing\nRun "with-auth misuse --help" for help.\n'],
    [['show', '--flie', 'x'], 'did you mean --file?\nRun "with-auth show --help" for help.\n'],
    [['key', 'list'], 'Unknown command "key": did you mean keys list?\n'],
    [['keyz'], 'Unknown command "keyz": did you mean keys?\n'],
    [['keyz', '--file=x'], 'Unknown command "keyz": did you mean keys?\n'],
    [['list', 'x'], 'Unknown command "list": did you mean keys list?\n'],
    [['lsit'], '"lsit": did you mean keys list?\n'],
    [['keys', 'lits'], '"lits": did you mean keys list?\n'],
    [['keys', 'zzz'], '"zzz": the commands are keys list\n'],
    [['shoooo'], '"shoooo": the commands are show, '],
    [
      ['sk-s3cret'],
      'with-auth: Unknown command (hidden because it may be a secret): the commands are',
    ],
    [
      ['keys', 'sk-s3cret'],
      'Unknown command (hidden because it may be a secret): the commands are keys',
    ],
    [['help', 'sk-s3cret'], 'with-auth: Unknown command (hidden'],
    [
      ['--sk-s3cret'],
      'with-auth: The command before (hidden because it may be a secret) is missing: ',
    ],
    [['SHOW'], '"SHOW": did you mean show?\n'],
    [['demo'], '"demo": the commands are show, '],
    [['keys', '--file', 'x'], 'with-auth: The command after "keys" is missing: keys list\n'],
    [['keys', ''], 'with-auth: The command after "keys" is missing: keys list\n'],
    [['help', 'keys', 'zzz'], 'keys list\nRun "with-auth keys --help" for help.\n'],
    [['--file', 'show'], 'with-auth: Put "--file" after the command: with-auth show\n'],
    [['--file=sk-s3cret', 'show'], 'with-auth: Put "--file" after the command: with-auth show\n'],
    [['--file'], 'with-auth: The command before "--file" is missing: show, keys list, '],
    [[''], 'with-auth: The command is empty: the commands are show, keys list, '],
    [['version', 'extra'], 'with-auth: version takes no arguments\n'],
    [['--version', '--json'], '"--version takes no arguments"'],
    [['help', '--json'], '"help takes no options"'],
    [['--help', '--file=x'], 'with-auth: --help takes no options\n'],
    [['--json', 'keys', 'list'], '"Put \\"--json\\" after the command: with-auth keys list"'],
    [['--hlep'], 'with-auth: Unknown option "--hlep": did you mean --help?\n'],
    [['--vortian'], 'with-auth: Unknown option "--vortian": did you mean --version?\n'],
    [['show', '--qqqqqqqqqq'], 'with-auth: Unknown option "--qqqqqqqqqq"\n'],
    [['show', '--__proto__=x'], 'with-auth: Unknown option (hidden because it may be a secret)\n'],
    [['show', `--${'q'.repeat(60)}`], 'with-auth: Unknown option (hidden because it may be a'],
    [['show', '--constructor'], 'with-auth: Unknown option "--constructor"\n'],
    [['show', '-x'], 'with-auth: Unknown option "-x"\n'],
    [['show', '--key=sk-secret'], 'with-auth: Unknown option "--key": did you mean --help?\n'],
    [['show', '--file', '--json'], '"--file needs a value: --file FILE"'],
    [['show', '--file', 'a', '--file', 'b'], 'with-auth: --file was given twice\n'],
    [['show', '--json', '--json'], '"--json was given twice"'],
  ])('exits with 2 for wrong usage: %j', async (args, message) => {
    const { code, printed, noted } = await runMain(...args)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).toContain(message)
    expect(noted).not.toMatch(/sk-s[e3]cret/)
  })

  it.each([['--help'], ['-h'], ['help'], []])('describes all commands for %j', async (...args) => {
    const commands = COMMANDS.slice(0, 2)
    expect((await runLine(args, commands)).printed)
      .toBe(`with-auth: ask your auth endpoint before each request reaches your server

Usage:
  with-auth COMMAND [OPTIONS]

Commands:
  show       does show
  keys list  does keys list

Options:
  -h, --help     show this help, or the help of a command
  -v, --version  print the version

Examples:
  $ with-auth demo
  $ with-auth help keys create

Exit codes: 0 done, 1 failed, 2 wrong usage.
`)
  })

  it.each([
    ['keys'],
    ['keys', '--help'],
    ['keys', 'help'],
    ['help', 'keys'],
    ['--help', 'keys', '-h'],
  ])('lists the commands of a group for %j %j', async (...args) => {
    const { code, printed } = await runMain(...args)
    expect(code).toBe(0)
    expect(printed).toBe(`Usage:
  with-auth keys COMMAND [OPTIONS]

Commands:
  list  does keys list

Run "with-auth keys COMMAND --help" for the options of a command.
`)
  })

  it.each(['--version', '-v', '-V', 'version'])('prints the version for %s', async (arg) => {
    const { version } = readJson<{ version: string }>('package.json')
    expect(await runMain(arg)).toEqual({ code: 0, printed: `${version}\n`, noted: '' })
  })

  it('exits with 1 if a command fails', async () => {
    expect(await runMain('fail')).toEqual({
      code: 1,
      printed: '',
      noted: 'with-auth: disk is full\n',
    })
  })

  it('prints errors as JSON with --json', async () => {
    const failed = await runMain('fail', '--json')
    expect(JSON.parse(failed.noted)).toEqual({ error: { code: 'failed', message: 'disk is full' } })
    const misused = await runMain('misuse', '--json')
    expect(JSON.parse(misused.noted)).toEqual({
      error: { code: 'usage', message: 'URL is missing' },
    })
  })

  it('escapes terminal control characters in an error, except line breaks', async () => {
    const escaped = String.raw`x\u001b]0;pwn\u0007\u0009\u202ex\u000d\u009b2J:1:1: first`
    expect((await runMain('terminal')).noted).toBe(`with-auth: ${escaped}\nsecond\n`)
    const { noted } = await runMain('terminal', '--json')
    expect(noted).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(noted)).toMatchObject({
      error: { message: `x\u001B]0;pwn\u0007\t\u202Ex\r\u009B2J:1:1: first\nsecond` },
    })
  })

  it.each([
    ['EPIPE', 0, ''],
    ['ENOSPC', 1, 'with-auth: Cannot write to standard output: ENOSPC\n'],
  ])('reports output that failed, at the end or in the middle: %s', async (reason, code, noted) => {
    const flushing = command('flush', async (_line, { flush }) => {
      await flush()
      return 0
    })
    const failure = new OutputError(Object.assign(new Error('no'), { code: reason }))
    for (const line of ['--help', 'flush']) {
      const surroundings = { ...createSurroundings(), flush: () => Promise.reject(failure) }
      expect(await main([line], [flushing], surroundings)).toBe(code)
      expect(surroundings.noted()).toBe(noted)
    }
  })

  it('hides a thrown value that is not an Error', async () => {
    expect((await runMain('throw')).noted).toBe('with-auth: Something failed\n')
  })
})
