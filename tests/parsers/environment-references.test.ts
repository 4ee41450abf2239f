import fc from 'fast-check'
import { expect, it } from 'vitest'
import { expandReferences, hasReference } from '../../src/yaml/references.ts'
import { words } from '../support/words.ts'
import { compare, SLOW, textOf, tooRare } from './strings.ts'

const VARIABLES = new Map([
  ['X', 'x'],
  ['SELF', '${env.SELF}'],
  ['OTHER', 'a}${env.X}$&$1'],
  ['EMPTY', ''],
])
const NAMES = words('X SELF OTHER EMPTY UNSET x X1 É __proto__')
const SYNTAX = [...words('${env. ${env. } } := :+ : = + :- $ { ${ ${X} env. ~'), ' ', '\n']
const references = fc
  .array(
    fc.tuple(
      fc.constantFrom(...NAMES),
      fc.constantFrom('', '', ':=d', ':+v', ':=', ':+', ':d', ':=${X'),
      fc.constantFrom('', 'a', '$'),
    ),
    { maxLength: 3 },
  )
  .map((all) =>
    all.map(([name, operator, behind]) => `\${env.${name}${operator}}${behind}`).join(''),
  )

it('references to the environment are replaced as in the reference parser', SLOW, () => {
  const texts = fc.oneof(textOf([...SYNTAX, ...NAMES]), references)
  const counts = compare(texts, (source) => {
    const expected = expand(source)
    const { text, problems } = expandReferences(source, (name) => VARIABLES.get(name))
    const changed = hasReference(source)
    return { found: { text, changed, wrong: problems.length }, expected, kind: kindOf(expected) }
  })
  expect(tooRare(counts, ['plain', 'wrong', 'replaced'])).toEqual([])
})

function kindOf({ changed, wrong }: { readonly changed: boolean; readonly wrong: number }): string {
  if (!changed) return 'plain'
  return wrong > 0 ? 'wrong' : 'replaced'
}

/**
 * Replaces `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}` once, each up to the first `}`. Any other
 * `${` is invalid, also within a default.
 */
function expand(source: string): { text: string; changed: boolean; wrong: number } {
  let text = ''
  let wrong = 0
  let rest = source
  for (;;) {
    const start = rest.indexOf('${')
    if (start < 0) return { text: text + rest, changed: source.includes('${'), wrong }
    const end = rest.indexOf('}', start)
    const value = end < 0 ? undefined : valueOf(rest.slice(start + 2, end))
    text += rest.slice(0, start) + (value ?? '')
    wrong += value === undefined ? 1 : 0
    rest = end < 0 ? '' : rest.slice(end + 1)
  }
}

function valueOf(inner: string): string | undefined {
  const [, name, operator, operand = ''] = /^env\.([A-Z\d_]+)(:=|:\+|$)(.*)$/s.exec(inner) ?? []
  if (name === undefined || inner.includes('${')) return undefined
  const value = VARIABLES.get(name) ?? ''
  if (operator === ':=') return value === '' ? operand : value
  if (operator === ':+') return value === '' ? '' : operand
  return value === '' ? undefined : value
}
