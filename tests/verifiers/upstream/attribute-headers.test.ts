import { describe, expect, it } from 'vitest'
import { fromUpstream } from '../../../src/verifiers/upstream/from-upstream.ts'
import { startGuarded } from '../../support/guarded-server.ts'
import type { UpstreamOptions } from '../../../src/verifiers/upstream/options.ts'

const SECRET = 'a-secret-of-the-proxy'
const PROOF = ['X-Proxy-Secret', SECRET] as const
const ALICE = ['X-User', 'alice'] as const

/** The characters as which a header carries a text in UTF-8. */
const latin1Of = (text: string): string => Buffer.from(text).toString('latin1')

function start(attributeHeaders: UpstreamOptions['attributeHeaders'] = {}) {
  const proof = { header: 'x-proxy-secret', secret: SECRET }
  const named = { principalHeader: 'x-user', attributesHeader: 'x-attributes' }
  return startGuarded(fromUpstream({ ...named, proof, attributeHeaders }))
}

describe('an identity', () => {
  it('has attributes of single headers, joined with the others', async () => {
    const { ask } = await start({
      'X-Groups': { attribute: 'teams', json: true },
      'x-role': 'roles',
      'x-list': { attribute: 'teams', separator: ',' },
    })
    const attributes = ['X-Attributes', '{"teams":["red"]}'] as const
    const { body } = await ask([
      ALICE,
      PROOF,
      attributes,
      ['x-groups', '["blue","all"]'],
      ['x-role', latin1Of('Größe 7')],
      ['x-list', ' a b, c,,d ,'],
    ])
    const teams = ['red', 'blue', 'all', 'a b', 'c', 'd']
    expect(body.attributes).toEqual({ teams, roles: ['Größe 7'] })
  })

  it.each([
    ['one text', 'teams', '["admin"]', ['["admin"]']],
    ['one text', 'teams', '"admin"', ['"admin"']],
    ['a list', { attribute: 'teams', separator: '|' }, '["admin"]|b,c', ['["admin"]', 'b,c']],
    ['a list', { attribute: 'teams', separator: ',' }, '"admin"', ['"admin"']],
    ['JSON', { attribute: 'teams', json: true }, '"admin"', ['admin']],
  ] as const)(
    'has an attribute in the form that is said, which is never guessed: %s',
    async (_, form, sent, teams) => {
      const { ask } = await start({ 'x-groups': form })
      expect((await ask([ALICE, PROOF, ['x-groups', sent]])).body.attributes).toEqual({ teams })
    },
  )

  it.each([
    [
      'teams',
      'dev,admin',
      'has a comma: if it is a list, write { attribute, separator: "," } in place of the name of the attribute',
    ],
    ['teams', 'caf\u00e9', 'is not UTF-8'],
    [
      { attribute: 'teams', json: true },
      'admin',
      'is neither a JSON list of texts nor a JSON text',
    ],
    [{ attribute: 'teams', json: true }, '[1]', 'is neither a JSON list of texts nor a JSON text'],
  ] as const)('whose attribute is %j and %j is refused', async (form, sent, why) => {
    const { ask, decision, events } = await start({ 'x-groups': form })
    expect((await ask([ALICE, PROOF, ['x-groups', sent]])).status).toBe(401)
    const message = `The header "x-groups" ${why}`
    expect(decision()).toMatchObject({ detail: 'malformed', cause: message })
    expect(events).toContainEqual({ type: 'warning', message })
  })

  it('is described with these forms', () => {
    const attributeHeaders = {
      'x-a': 'a',
      'x-b': { attribute: 'b', separator: ',' },
      'x-c': { attribute: 'c', json: true },
    } as const
    const proof = { network: true } as const
    const { verifier } = fromUpstream({ principalHeader: 'x-user', proof, attributeHeaders })
    expect(verifier.describe?.()).toMatchObject({ attributeHeaders })
  })
})
