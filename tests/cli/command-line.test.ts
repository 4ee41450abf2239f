import { describe, expect, it } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { UsageError } from '../../src/cli/errors.ts'

const SPECS = {
  upstream: { value: 'URL', help: '' },
  path: { value: 'PREFIX', help: '', isRepeatable: true },
  json: { help: '' },
  help: { help: '' },
} as const

function read(...args: string[]) {
  return readCommandLine(args, SPECS)
}

describe('a command line', () => {
  it('holds options, switches and operands in any order', () => {
    const line = read('one', '--upstream', 'http://u', '--json', 'two', '--path=/a', '--path', '/b')
    expect(line.text('upstream')).toBe('http://u')
    expect(line.texts('path')).toEqual(['/a', '/b'])
    expect(line.has('json')).toBe(true)
    expect(line.text('json')).toBe('')
    expect(line.has('help')).toBe(false)
    expect(line.text('path')).toBe('/a')
    expect(line.texts('nothing')).toEqual([])
    expect(line.operands).toEqual(['one', 'two'])
  })

  it('treats the rest after -- as operands, and -h as help', () => {
    expect(read('--', '--json').operands).toEqual(['--json'])
    expect(read('-h').has('help')).toBe(true)
    expect(read('--upstream=-x').text('upstream')).toBe('-x')
  })

  it.each([
    [['--upstraem', 'x'], 'Unknown option "--upstraem": did you mean --upstream?'],
    [['--qqqqqqqqqq'], 'Unknown option "--qqqqqqqqqq"'],
    [['--__proto__=x'], 'Unknown option (hidden because it may be a secret)'],
    [[`--${'q'.repeat(60)}`], 'Unknown option (hidden because it may be a secret)'],
    [['--constructor'], 'Unknown option "--constructor"'],
    [['-x'], 'Unknown option "-x"'],
    [['--upstream'], '--upstream needs a value: --upstream URL'],
    [['--upstream='], '--upstream needs a value: --upstream URL'],
    [['--upstream', '--json'], '--upstream needs a value: --upstream URL'],
    [['--upstream', 'a', '--upstream', 'b'], '--upstream was given twice'],
    [['--json', '--json'], '--json was given twice'],
    [['--json=yes'], '--json takes no value'],
  ])('is rejected: %j', (args, message) => {
    expect(() => read(...args)).toThrow(new UsageError(message))
  })

  it('never shows the value of an unknown option', () => {
    expect(() => read('--key=sk-secret')).toThrow(/^Unknown option "--key": did you mean --help\?$/)
  })
})
