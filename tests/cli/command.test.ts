import { describe, expect, it } from 'vitest'
import {
  COMMON_OPTIONS,
  readCommandLine,
  readMilliseconds,
  readWholeNumber,
  refuseOperands,
  requireOperand,
  requireText,
} from '../../src/cli/command-line.ts'
import { asUsage, UsageError } from '../../src/cli/errors.ts'
import { invalidOption, invalidSecret } from '../../src/core/config/option-checks.ts'
import { AuthConfigError } from '../../src/core/errors.ts'

const line = (...args: string[]) =>
  readCommandLine(args, {
    keys: { value: 'FILE', help: '' },
    'wait-ms': { value: 'MS', help: '' },
    ...COMMON_OPTIONS,
  })

it('says which option is missing', () => {
  expect(requireText(line('--keys', 'k.yaml'), 'keys', 'FILE')).toBe('k.yaml')
  expect(() => requireText(line(), 'keys', 'FILE')).toThrow('--keys FILE is missing')
})

it.each(['1', '3600000'])('reads %s milliseconds, which an option may still say', (ms) => {
  expect(readMilliseconds(line(`--wait-ms=${ms}`), 'wait-ms')).toBe(Number(ms))
  expect(readMilliseconds(line(), 'wait-ms')).toBeUndefined()
})

it.each(['0', '-5', '1e3', '3600001', 'soon'])('does not read %s milliseconds', (ms) => {
  expect(() => readMilliseconds(line(`--wait-ms=${ms}`), 'wait-ms')).toThrow(
    `--wait-ms must be a whole number from 1 to 3600000, received "${ms}"`,
  )
})

describe('an option of the library', () => {
  const flags = {
    endpoint: 'URL',
    'key.paths': '--path',
    allowInsecureHttp: '--allow-insecure-http',
  }
  const fail = (error: unknown) => asUsage(flags, () => Promise.reject(error))
  const HIDDEN = '(hidden because it may be a secret)'

  it.each<[AuthConfigError, string]>([
    [invalidOption('endpoint', 'x', 'a URL'), 'URL must be a URL, received "x"'],
    [invalidOption('endpoint', 5, 'a URL'), 'URL must be a URL, received 5'],
    [invalidOption('key.paths[3]', '', 'a path'), '--path must be a path, received ""'],
    [
      invalidOption('endpoint', 'http://h/?k=s3cret', 'https (or `allowInsecureHttp`)'),
      'URL must be https (or --allow-insecure-http), received "http://h/…"',
    ],
    [
      invalidOption('endpoint', '", received "endpoint" sk-s3cret', '"a" or "b"'),
      `URL must be "a" or "b", received ${HIDDEN}`,
    ],
    [
      invalidOption('endpoint', 'sk-s3cret', 'a URL', 'sk-s3cret/'),
      `URL must be a URL, received ${HIDDEN}`,
    ],
    [
      invalidOption('key.paths[0]', '/*', 'a path', '/'),
      '--path must be a path, received "/*": did you mean "/"?',
    ],
    [invalidSecret('endpoint', 'a URL'), 'URL must be a URL (its value is not shown)'],
  ])('is named as the command names it: %s', async (error, expected) => {
    await expect(fail(error)).rejects.toThrow(new UsageError(expected))
  })

  it('is left as it is where the command has no name for it, as is any other error', async () => {
    const error = new AuthConfigError(
      'timeoutMs',
      '"timeoutMs" must be a number, received "endpoint"',
    )
    await expect(asUsage(flags, () => Promise.reject(error))).rejects.toBe(error)
    const thrown = new TypeError('"endpoint"')
    const failing = asUsage(flags, () => {
      throw thrown
    })
    await expect(failing).rejects.toBe(thrown)
    expect(await asUsage(flags, () => 5)).toBe(5)
  })
})

it('reads a whole number between two', () => {
  expect(readWholeNumber(line('--wait-ms=0'), 'wait-ms', 0, 5)).toBe(0)
  expect(readWholeNumber(line('--wait-ms=5'), 'wait-ms', 0, 5)).toBe(5)
  expect(readWholeNumber(line(), 'wait-ms', 0, 5)).toBeUndefined()
  expect(() => readWholeNumber(line('--wait-ms=6'), 'wait-ms', 0, 5)).toThrow(
    new UsageError('--wait-ms must be a whole number from 0 to 5, received "6"'),
  )
  expect(() => readWholeNumber(line('--wait-ms=x'), 'wait-ms', 0, 5)).toThrow('received "x"')
})

it('takes one operand, and shows none', () => {
  expect(requireOperand(line('http://a'), 'URL')).toBe('http://a')
  expect(() => requireOperand(line(), 'URL')).toThrow(/^URL is missing$/)
  expect(() => requireOperand(line('sk-1', 'sk-2'), 'URL')).toThrow(/^Give one URL only$/)
})

it('takes no operand where there is none', () => {
  expect(() => refuseOperands(line())).not.toThrow()
  expect(() => refuseOperands(line('sk-1'))).toThrow(/^This command takes options only$/)
})
