import { describe, expect, it } from 'vitest'
import {
  COMMON_OPTIONS,
  readCommandLine,
  readWholeNumber,
  rejectOperands,
  requireOperand,
  requireText,
} from '../../src/cli/command-line.ts'
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

const line = (...args: string[]) =>
  readCommandLine(args, {
    keys: { value: 'FILE', help: '' },
    'wait-ms': { value: 'MS', help: '' },
    ...COMMON_OPTIONS,
  })

it('requires an option', () => {
  expect(requireText(line('--keys', 'k.yaml'), 'keys', 'FILE')).toBe('k.yaml')
  expect(() => requireText(line(), 'keys', 'FILE')).toThrow('--keys FILE is missing')
})

it.each(['1', '3600000'])('accepts %s milliseconds', (ms) => {
  expect(readWholeNumber(line(`--wait-ms=${ms}`), 'wait-ms')).toBe(Number(ms))
  expect(readWholeNumber(line(), 'wait-ms')).toBeUndefined()
})

it.each(['0', '-5', '1e3', '3600001', 'soon'])('rejects %s milliseconds', (ms) => {
  expect(() => readWholeNumber(line(`--wait-ms=${ms}`), 'wait-ms')).toThrow(
    `--wait-ms must be a whole number from 1 to 3600000, received "${ms}"`,
  )
})

it('reads a whole number within its limits', () => {
  expect(readWholeNumber(line('--wait-ms=0'), 'wait-ms', 0, 5)).toBe(0)
  expect(readWholeNumber(line('--wait-ms=5'), 'wait-ms', 0, 5)).toBe(5)
  expect(readWholeNumber(line(), 'wait-ms', 0, 5)).toBeUndefined()
  expect(() => readWholeNumber(line('--wait-ms=6'), 'wait-ms', 0, 5)).toThrow(
    new UsageError('--wait-ms must be a whole number from 0 to 5, received "6"'),
  )
})

it('takes one operand, and never shows it', () => {
  expect(requireOperand(line('http://a'), 'URL')).toBe('http://a')
  expect(() => requireOperand(line(), 'URL')).toThrow(/^URL is missing$/)
  expect(() => requireOperand(line('sk-1', 'sk-2'), 'URL')).toThrow(/^Give only one URL$/)
})

it('rejects operands where none are allowed', () => {
  expect(() => rejectOperands(line())).not.toThrow()
  expect(() => rejectOperands(line('sk-1'))).toThrow(/^This command takes only options$/)
})
