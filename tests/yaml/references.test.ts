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
  'A reference to the environment is written ${env.NAME}, ${env.NAME:=default} or ${env.NAME:+value}, with a name of A-Z, 0-9 and _. Set a variable to text that holds "${" itself'
const NESTED =
  'A default, or the value behind ":+", cannot hold "${". Set a variable to the whole text'
const bare = (name: string): string =>
  `A reference to the environment begins with "env.": write \${env.${name}}`
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
    expect(expand(source)).toEqual({ text, changed, problems: [] })
  })

  it.each([
    [
      '${env.NO}',
      'Environment variable "NO" is not set, or empty: set it, write ${env.NO:=default}, or ${env.NO:+value} to leave the key out when it is not set',
    ],
    ['${env.X-d}', 'A default is written ${env.X:=default}, with ":=" and in no older form'],
    ['${env.x}', MALFORMED],
    ['${env.xX}', MALFORMED],
    ['${env.xX:=d}', MALFORMED],
    ['${env.x_X:d}', MALFORMED],
    ['${env.X:=d', MALFORMED],
    ['${env.', MALFORMED],
    ['${GATEWAY_SECRET}', bare('GATEWAY_SECRET')],
    ['Bearer ${X}', bare('X'), 'Bearer '],
    ['$${X}$', bare('X'), '$$'],
    ['${X:=d}', bare('X:=default')],
    ['${X:-d}', bare('X:=default')],
    ['${X:d}', bare('X:=default')],
    ['${X=d}', bare('X:=default')],
    ['${X-d}', bare('X:=default')],
    ['${X:-}', bare('X:=default')],
    ['${X:+v}', bare('X:+value')],
    ['${X+v}', bare('X:+value')],
    ['${X:?m}', bare('X')],
    ['${X?m}', bare('X')],
    ['${ENV.X}', MALFORMED],
    ['${Env.X}', MALFORMED],
    ['${ env.X }', MALFORMED],
    ['${x}', MALFORMED],
    ['${hunter 2}', MALFORMED],
    ['${5}', MALFORMED],
    ['${_}', MALFORMED],
    ['${X y}', MALFORMED],
    [`\${${'X'.repeat(81)}}`, MALFORMED],
    ['${X', MALFORMED],
    ['${}', MALFORMED],
    ['${', MALFORMED],
    ['${env.NO:=${env.X}}', NESTED, '}'],
    ['${env.X:=${env.X}}', NESTED, '}'],
    ['${env.NO:+a${b}', NESTED],
  ])('refuses %s, and says what is written', (source, problem, text = '') => {
    expect(expand(source)).toEqual({ text, changed: true, problems: [problem] })
  })

  it.each([
    ['${HUNTER2}', bare('NAME')],
    ['x${HUNTER2:-x}', bare('NAME:=default')],
    ['${HUNTER2+x}', bare('NAME:+value')],
  ])('names nothing of %s in a value that must not be shown', (source, problem) => {
    const { problems } = expandReferences(source, (name) => variables[name], true)
    expect(problems).toEqual([problem])
  })

  it.each(['${env.X}', '${env.X:=d}', '${env.X:+v}'])(
    'refuses %s where a variable must not be read, and takes nothing in its place',
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
        const { text, problems, changed } = expand(source)
        expect(changed).toBe(hasReference(source))
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
