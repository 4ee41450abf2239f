import fc from 'fast-check'
import { expect, it } from 'vitest'
import { expandReferences, hasReference } from '../../src/yaml/references.ts'
import { expand } from './references/environment.ts'
import { compare, SLOW, textOf, tooRare } from './strings.ts'

const VARIABLES = new Map([
  ['X', 'x'],
  ['SELF', '${env.SELF}'],
  ['OTHER', 'a}${env.X}$&$1'],
  ['EMPTY', ''],
])
const NAMES = ['X', 'SELF', 'OTHER', 'EMPTY', 'UNSET', 'x', 'X1', 'É', '__proto__']
const SYNTAX = [
  '${env.',
  '${env.',
  '}',
  '}',
  ':=',
  ':+',
  ':',
  '=',
  '+',
  ':-',
  '$',
  '{',
  '${',
  '${X}',
  'env.',
  ' ',
  '\n',
  '~',
]
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
    const expected = expand(source, VARIABLES)
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
