import { describe, expect, it, vi } from 'vitest'
import { createFaultReport, faultMessage } from '../../../src/core/endpoint/identity-faults.ts'

const TOKEN = 'sk-0123456789'
const LIST = 'a string or a list of strings'

function describeAttribute(name: string): string {
  return faultMessage({ field: 'attributes', name, expected: LIST }, TOKEN)
}

describe('the text of a fault', () => {
  it('names the field and what it must be', () => {
    const fault = { field: 'principal', expected: 'a string' } as const
    expect(faultMessage(fault, TOKEN)).toBe('"principal" must be a string')
    expect(describeAttribute('roles')).toBe(`"attributes.roles" must be ${LIST}`)
  })

  it.each([
    ['a"b\\', String.raw`"attributes.a\"b\\"`],
    ['a\n\u001b[2J', String.raw`"attributes.a\n\u001b[2J"`],
    ['\u202e\u2028\u009b\u007f\u00e9', String.raw`"attributes.\u202e\u2028\u009b\u007f\u00e9"`],
    ['\ud83d', String.raw`"attributes.\ud83d"`],
    ['n'.repeat(64), `"attributes.${'n'.repeat(64)}"`],
    ['n'.repeat(65), `"attributes.${'n'.repeat(64)}..."`],
    ['', '"attributes."'],
  ])('writes the name %j, which may be any text, in printable ASCII', (name, shown) => {
    expect(describeAttribute(name)).toBe(`${shown} must be ${LIST}`)
  })

  it.each([
    TOKEN,
    `x-${TOKEN}-x`,
    `${'n'.repeat(60)}${TOKEN}`,
    TOKEN.toUpperCase(),
    TOKEN.slice(0, 8),
    TOKEN.slice(2, 10).toUpperCase(),
    `a ${TOKEN.slice(-8)} b`,
  ])('hides a name that holds eight characters of the token, in any case: %s', (name) => {
    expect(describeAttribute(name)).toBe(`"attributes.?" must be ${LIST} (its name is not shown)`)
  })
})

describe('the text of a fault about a short token', () => {
  const describeFor = (token: string, name: string) =>
    faultMessage({ field: 'attributes', name, expected: LIST }, token)

  it('hides a name that holds all of the token', () => {
    expect(describeFor('abc-123', 'a ABC-123 b')).toContain('"attributes.?"')
    expect(describeFor('abc-123', 'abc-12')).toContain('"attributes.abc-12"')
  })

  it('shows a name that holds seven characters of a longer token', () => {
    expect(describeFor(TOKEN, TOKEN.slice(0, 7))).toContain('"attributes.sk-0123"')
    expect(describeFor(TOKEN, TOKEN.slice(-7))).toContain('"attributes.3456789"')
  })
})

describe('a report of faults', () => {
  function create() {
    const warn = vi.fn<(message: string) => void>()
    const told = createFaultReport()
    return {
      warn,
      tell: (name: string, expected = LIST) =>
        told({ field: 'attributes', name, expected }, TOKEN, { warn }),
    }
  }

  it('warns once for each field and expected type', () => {
    const { warn, tell } = create()
    for (const name of ['roles', 'teams', 'roles', 'teams']) tell(name)
    tell('roles', 'something else')
    const message = 'The endpoint sent an identity that was dropped: '
    expect(warn.mock.calls.flat()).toEqual([
      `${message}"attributes.roles" must be ${LIST}`,
      `${message}"attributes.teams" must be ${LIST}`,
      `${message}"attributes.roles" must be something else`,
    ])
  })

  it('warns of 16 fields at most, whatever names an endpoint invents', () => {
    const { warn, tell } = create()
    for (let index = 0; index < 1000; index += 1) tell(`name-${index}`)
    expect(warn).toHaveBeenCalledTimes(16)
  })
})
