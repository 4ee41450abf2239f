import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSignatureCheck, createSigner } from '../../../src/verifiers/upstream/signature.ts'
import { readText } from '../../support/project.ts'
import type { Statement } from '../../../src/verifiers/upstream/signature.ts'

const SECRET = '0123456789abcdef0123456789abcdef'
const OTHER = 'fedcba9876543210fedcba9876543210'
const SECONDS = 1_764_187_200
const STATEMENT: Statement = {
  method: 'POST',
  path: '/v1/chat/completions',
  principal: 'alice%20b',
  tenant: 'acme',
  attributes: '{"roles":["admin"]}',
  scopes: 'notes:read notes:write',
  client: 'notes-app',
}
const MAC = 'a0b2ed3bb0ee04366cc8a96b689b673db92dc329959133b014165b8249510b06'
const HEADER = `t=${SECONDS},v1=${MAC}`

/** The end of the signature at a time in seconds, or `undefined` if it is not good. */
async function check(
  header: string | undefined,
  statement: Statement = STATEMENT,
  at = SECONDS,
  options: { secrets?: readonly string[]; maxAgeSeconds?: number } = {},
): Promise<number | undefined> {
  const { secrets = [SECRET], maxAgeSeconds = 60 } = options
  const checkSignature = createSignatureCheck({ secrets, maxAgeSeconds }, () => at * 1000)
  return (await checkSignature(header, statement))?.endsAt
}

describe('a signature', () => {
  it('is the one of docs/gateway-reference.md', async () => {
    const [, section = ''] = readText('docs/gateway-reference.md').split('## Signature')
    const [, secret = ''] = /the secret `([^`]+)`/.exec(section) ?? []
    const [, text = ''] = /```text\n(.*?)\n```/s.exec(section) ?? []
    expect(section).toContain(`v1=${createHmac('sha256', secret).update(text).digest('hex')}`)
    const values = [SECRET, MAC, SECONDS, ...Object.values(STATEMENT)]
    expect(values.filter((value) => !section.includes(String(value)))).toEqual([])
    expect(await createSigner(SECRET, () => SECONDS * 1000 + 999)(STATEMENT)).toBe(HEADER)
    expect(await check(HEADER)).toBe((SECONDS + 60) * 1000)
  })

  it('signs each value with its length in bytes before it', async () => {
    const nobody = { principal: '', attributes: '', client: '' }
    const statement = { method: 'GET', path: '/ü', tenant: 'a', scopes: 'b c', ...nobody }
    const lines = ['10:1764187200', '3:GET', '3:/ü', '0:', '1:a', '0:', '3:b c', '0:']
    const text = `1\n${lines.join('\n')}`
    const mac = createHmac('sha256', SECRET).update(text).digest('hex')
    expect(await createSigner(SECRET, () => SECONDS * 1000)(statement)).toBe(
      `t=${SECONDS},v1=${mac}`,
    )
  })

  it('is good for as long as the option says', async () => {
    const options = { maxAgeSeconds: 3600 }
    expect(await check(HEADER, STATEMENT, SECONDS + 3599, options)).toBe((SECONDS + 3600) * 1000)
    expect(await check(HEADER, STATEMENT, SECONDS + 3600, options)).toBeUndefined()
  })

  it('is not good for a statement with the same text, if it had no lengths', async () => {
    const scopes = { scopes: 'notes:read notes:write\n9:notes-app', client: '' }
    const attributes = '{"roles":["admin"]}'
    const names = { principal: 'alice%20b\n4:acme', tenant: attributes, attributes: '' }
    expect(await check(HEADER, { ...STATEMENT, ...scopes })).toBeUndefined()
    expect(await check(HEADER, { ...STATEMENT, ...names })).toBeUndefined()
  })

  it.each([
    '',
    MAC,
    `v1=${MAC}`,
    `t=${SECONDS}`,
    `${HEADER}\n`,
    `${HEADER},v1=${MAC}`,
    `${HEADER}, ${HEADER}`,
    `v1=${MAC},t=${SECONDS}`,
    `t=${SECONDS},v1=${MAC.toUpperCase()}`,
    `t=0${SECONDS},v1=${MAC}`,
    `t=${SECONDS}.0,v1=${MAC}`,
    `t=${SECONDS},v0=${MAC}`,
    `t=${SECONDS},v1=${MAC}00`,
    `t=${'9'.repeat(400)},v1=${MAC}`,
    `t=${SECONDS + 1},v1=${MAC}`,
  ])('of another form is not good: %j', async (header) => {
    expect(await check(header)).toBeUndefined()
  })

  it('is good with any secret of the verifier, while the secrets are rotated', async () => {
    const sign = createSigner(OTHER, () => SECONDS * 1000)
    const header = await sign(STATEMENT)
    expect(await check(header)).toBeUndefined()
    expect(await check(header, STATEMENT, SECONDS, { secrets: [SECRET, OTHER] })).toBeDefined()
    expect(await check(HEADER, STATEMENT, SECONDS, { secrets: [OTHER, SECRET] })).toBeDefined()
    expect(await check(HEADER, STATEMENT, SECONDS, { secrets: [OTHER] })).toBeUndefined()
  })

  it('of one statement is never good for another', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', '1', ':', '\n', '0', '') })
    const names = { principal: text, tenant: text, attributes: text, scopes: text, client: text }
    const statement = fc.record({ method: text, path: text, ...names })
    await fc.assert(
      fc.asyncProperty(statement, statement, async (one, other) => {
        const header = await createSigner(SECRET, () => SECONDS * 1000)(one)
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect((await check(header, other)) !== undefined).toBe(isSame)
        expect(await check(header, one)).toBeDefined()
      }),
    )
  })
})
