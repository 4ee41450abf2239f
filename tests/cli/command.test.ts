import { expect, it } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import {
  COMMON_OPTIONS,
  readMilliseconds,
  refuseOperands,
  requireOperand,
  requireText,
} from '../../src/cli/command.ts'

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
    /^--wait-ms must be a whole number from 1 to 3600000$/,
  )
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
