import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expandReferences, hasReference } from '../../src/yaml/environment-references.ts'

const variables: Readonly<Record<string, string>> = {
  X: 'x',
  DOLLAR: '$&$1',
  LOOP: '${env.X}',
  SELF: '${env.SELF}',
  EMPTY: '',
}
const expand = (text: string) => expandReferences(text, (name) => variables[name])

describe('expandReferences', () => {
  it.each([
    ['plain', 'plain', false],
    ['${X} $X ${ENV.X} $env.X', '${X} $X ${ENV.X} $env.X', false],
    ['<${env.X}|${env.X}>', '<x|x>', true],
    ['${env.DOLLAR}', '$&$1', true],
    ['${env.LOOP}', '${env.X}', true],
    ['${env.SELF}', '${env.SELF}', true],
    ['${env.NO:=${env.X}', '${env.X', true],
    ['${env.NO:=a}b}', 'ab}', true],
    ['${env.NO:=a:+=b}', 'a:+=b', true],
    ['${env.NO:=two\nlines}', 'two\nlines', true],
    ['${env.EMPTY:=d}', 'd', true],
    ['${env.X:+v}${env.EMPTY:+v}${env.NO:+v}', 'v', true],
    ['${env.X:+}', '', true],
  ])('makes of %j %j', (source, text, changed) => {
    expect(expand(source)).toEqual({ text, changed, problems: [] })
  })

  it('finds everything that is wrong in a value, and never leaves it as literal text', () => {
    const { text, problems } = expand('${env.NO}-${env.X:d}-${env.x}-${env.X')
    expect(text).toBe('---')
    expect(problems).toHaveLength(4)
  })

  it('leaves nothing that looks like a reference, whatever the text', () => {
    const unit = fc.constantFrom('${env.', '}', ':', '=', '+', 'X', 'NO', 'a', '$', '{', '-', '\n')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (source) => {
        const { text, problems, changed } = expand(source)
        expect(changed).toBe(hasReference(source))
        const isComplete = problems.length === 0 && !/:[=+][^}]*\$/.test(source)
        expect(isComplete ? text : '').not.toContain('${env.')
      }),
      { numRuns: 2000 },
    )
  })

  it('takes linear time', () => {
    const long = '${env.'.repeat(50_000)
    expect(expand(long).problems).toHaveLength(1)
  })
})
