import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandReferences, hasReference } from '../../src/yaml/references.ts'
import { runs } from '../support/nightly.ts'

const variables: Readonly<Record<string, string>> = {
  X: 'x',
  DOLLAR: '$&$1',
  LOOP: '${env.X}',
  SELF: '${env.SELF}',
  EMPTY: '',
}
const MALFORMED =
  'A reference to the environment must be ${env.NAME}, ${env.NAME:=default} or ${env.NAME:+value}, with a name of A-Z, 0-9 and _. If the value itself holds "${", set a variable to it'
const NESTED =
  'A default, or the value after ":+", cannot hold "${". Set a variable to the whole value'
const written = (form: string): string =>
  `A reference to the environment must be written ${form}. If the value itself holds "\${", set a variable to it`
const expand = (text: string) => expandReferences(text, (name) => variables[name])

describe('expandReferences', () => {
  it.each([
    ['plain', 'plain', false],
    ['$X $env.X $5 $ {X} {X} $$ {$} $', '$X $env.X $5 $ {X} {X} $$ {$} $', false],
    ['${env.NO:=$}{X}', '${X}', true],
    ['<${env.X}|${env.X}>', '<x|x>', true],
    ['${env.DOLLAR}', '$&$1', true],
    ['${env.LOOP}', '${env.X}', true],
    ['${env.SELF}', '${env.SELF}', true],
    ['${env.NO:=a}b}', 'ab}', true],
    ['${env.NO:=a:+=b}', 'a:+=b', true],
    ['${env.NO:=two\nlines}', 'two\nlines', true],
    ['${env.EMPTY:=d}', 'd', true],
    ['${env.X:+v}${env.EMPTY:+v}${env.NO:+v}', 'v', true],
    ['${env.X:+}', '', true],
  ])('makes of %j %j', (source, text, changed) => {
    expect(expand(source)).toEqual({ text, problems: [] })
    expect(hasReference(source)).toBe(changed)
  })

  it.each([
    [
      '${env.NO}',
      'Environment variable "NO" is not set, or empty: set it, write ${env.NO:=default}, or ${env.NO:+value} to leave the key out when it is not set',
    ],
    ['${ env.X }', MALFORMED],
    ['${hunter 2}', MALFORMED],
    ['Bearer ${GATEWAY_SECRET}', written('${env.GATEWAY_SECRET}'), 'Bearer '],
    ['$${X}$', written('${env.X}'), '$$'],
    ['${env.X:default}', written('${env.X:=default}')],
    ['${env.X:-hunter}', written('${env.X:=default}')],
    ['${X:=hunter}', written('${env.X:=default}')],
    ['${X-hunter}', written('${env.X:=default}')],
    ['${env.X+hunter}', written('${env.X:+value}')],
    ['${X:+hunter}', written('${env.X:+value}')],
    ['${X:?hunter}', written('${env.X}')],
    ['${X:d${Y}}', MALFORMED, '}'],
    ['${env.NO:=${env.X}}', NESTED, '}'],
    ['${env.X:=${env.X}}', NESTED, '}'],
    ['${env.NO:+a${b}', NESTED],
  ])('rejects %s, and says what to write', (source, problem, text = '') => {
    expect(expand(source)).toEqual({ text, problems: [problem] })
  })

  it.each([
    ['${GATEWAY_SECRET}', written('${env.GATEWAY_SECRET}')],
    ['Bearer ${X:-hunter}', written('${env.X:=default}')],
    ['hunter${HUNTER}', MALFORMED],
    ['Bearer hunter${HUNTER}2', MALFORMED],
  ])('shows no part of a secret: %s', (source, problem) => {
    expect(expandReferences(source, () => undefined, true).problems).toEqual([problem])
  })

  it.each(
    '${env.x} ${env.xX} ${env.xX:=d} ${env.x_X:d} ${env.X:=d ${env. ${ENV.X} ${5} ${X ${X*d} ${} ${'.split(
      ' ',
    ),
  )('rejects %s, and shows the valid forms', (source) => {
    expect(expand(source)).toEqual({ text: '', problems: [MALFORMED] })
  })

  it.each(['${env.X}', '${env.X:=d}', '${env.X:+v}'])(
    'rejects %s without permission to read the variable',
    (source) => {
      const denied = (): never => {
        throw new Error('no')
      }
      const problem =
        'Environment variable "X" cannot be read: permit that (on Deno, --allow-env=X)'
      expect(expandReferences(source, denied)).toMatchObject({ text: '', problems: [problem] })
    },
  )

  it('finds everything that is wrong in a value, and never leaves it as literal text', () => {
    const { text, problems } = expand('${env.NO}-${env.X:d}-${env.x}-${X}-${env.X')
    expect(text).toBe('----')
    expect(problems).toHaveLength(5)
  })

  it('leaves nothing that looks like a reference, whatever the text', () => {
    const unit = fc.constantFrom(
      '${env.',
      '${',
      '}',
      ':',
      '=',
      '+',
      'X',
      'NO',
      'a',
      '$',
      '{',
      '-',
      '\n',
    )
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (source) => {
        const { text, problems } = expand(source)
        const isComplete = problems.length === 0 && !/:[=+][^}]*\$/.test(source)
        expect(isComplete ? text : '').not.toContain('${')
      }),
      { numRuns: runs(2000) },
    )
  })

  it('takes linear time', () => {
    const long = '${env.'.repeat(50_000)
    expect(expand(long).problems).toHaveLength(1)
  })
})
