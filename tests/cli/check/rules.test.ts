import { describe, expect, it } from 'vitest'
import { createKey } from '../../../src/keys.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { createCheck } from '../support/checked.ts'

/** `with-auth check --config` and the rules of a file. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

const ofKeys = (file: string, more = ''): string =>
  `provider_config:\n  type: api_keys\n  file: ${file}\n${more}`

async function rulesOf(text: string, more = ''): Promise<string> {
  await createKey(inFolder('keys.yaml'), { principal: 'a', attributes: { roles: ['user'] } }).catch(
    () => undefined,
  )
  const file = ofKeys(inFolder('keys.yaml'), `${more}route_policy:\n${text}`)
  const { printed, noted } = await check(file)
  expect(noted).toBe('')
  return printed.split('\n').slice(1, -2).join('\n')
}

const USER = 'when: user with user in roles'
const ofIssuer = (attribute: string): string =>
  `{ type: oauth2_token, issuer: ${attribute}, audience: a, jwks: { uri: "http://127.0.0.1:1/" }, claims_mapping: { x: ${attribute} } }`
const ofProxy = (more: string): string =>
  `provider_config: { type: upstream_header, principal_header: x-user, ${more} }`
const CIDRS = 'trusted_proxy_cidrs: [10.0.0.7]'
const SIGNED = 'trusted_proxy_signature_header: x-signature, trusted_proxy_secret: 0123456789abcdef'

/** The findings about rules, beside some files of keys. */
async function findingsOf(providers: string, rules: readonly object[]) {
  const [keys, others, bare] = ['keys.yaml', 'others.yaml', 'bare.yaml'].map(inFolder)
  await createKey(String(keys), { principal: 'a', attributes: { teams: ['a'], roles: ['c'] } })
  await createKey(String(others), { principal: 'b', attributes: { teams: ['b'] } })
  await createKey(String(others), { principal: 'c' })
  await createKey(String(bare), { principal: 'd' })
  const written = providers
    .replace('OTHER_KEYS', `{ type: api_keys, file: ${others} }`)
    .replace('BARE_KEYS', `{ type: api_keys, file: ${bare} }`)
    .replace('KEYS', `{ type: api_keys, file: ${keys} }`)
  const file = `${written}\nroute_policy: ${JSON.stringify(rules)}`
  const { printed } = await check(file, ['--json'])
  const { findings } = JSON.parse(printed) as { findings: { key: string }[] }
  return findings.filter(({ key }) => key.startsWith('server.auth.route_policy'))
}

describe('rules', () => {
  it.each([
    ['permit: { paths: "/v1/*" }', 'forbid: { paths: /v1/admin* }'],
    ['forbid: { paths: "*" }', 'permit: { paths: /v1/*, methods: [GET] }'],
    ['permit: { paths: [/v1/*, /v2] }', 'permit: { paths: [/v2, /v1/a], methods: [POST] }'],
    ['permit: { paths: "*", methods: [GET] }', 'permit: { paths: "/a*", methods: [HEAD] }'],
    ['permit: { paths: "regex:/a+" }', 'forbid: { paths: "regex:/a+" }'],
    ['permit: { paths: "*" }', 'forbid: { paths: "regex:/a+" }'],
    ['permit: { paths: "/*" }', 'forbid: { paths: ["*", "regex:/a+"] }'],
    [`forbid: { paths: /b* }, ${USER}`, `forbid: { paths: /b/a }, ${USER}`],
    [
      `permit: { paths: "*" }, ${USER}`,
      'permit: { paths: "/b*" }, when: [user with user in roles, user with a in roles]',
    ],
  ])('{ %s } shadows { %s }', async (first, second) => {
    const says = await rulesOf(`- { ${first} }\n- { ${second} }`)
    const [verb, other] = [first, second].map((rule) => rule.slice(0, 'permit'.length))
    // One that is in vain does no harm if it decides as the first one does.
    const isSame = verb === other
    const [level, change] = isSame
      ? ['warning', 'Remove it, or move it before rule 0.']
      : ['error', 'Move it before rule 0.']
    expect(says).toContain(
      `: ${level}: Rule 1 never decides about the paths that it names: rule 0 ${verb}s them before.\n    ${change}`,
    )
  })

  it.each([
    ['permit: { paths: "/v1/*", methods: [GET] }', 'forbid: { paths: /v1/admin* }'],
    [`permit: { paths: "/v1*" }, ${USER}`, `forbid: { paths: /v1/admin* }, ${USER}`],
    [`permit: { paths: "/v1*" }, ${USER}`, 'permit: { paths: /v1/admin* }'],
    ['permit: { paths: "/v1/a*" }', 'permit: { paths: /v1* }'],
    ['permit: { paths: "regex:/a*" }', 'permit: { paths: "regex:/ab" }'],
    ['permit: { paths: /v1 }', 'permit: { paths: /v2* }'],
    ['permit: { paths: /v1* }', 'permit: { paths: [/v1/a*, /v2*] }'],
    ['permit: { paths: "*", methods: [GET] }', 'permit: { paths: "/a*", methods: [GET, POST] }'],
    [
      'permit: { paths: "/a*" }, unless: user with user in roles',
      `permit: { paths: "/a*" }, ${USER}`,
    ],
  ])('{ %s } does not shadow { %s }', async (first, second) => {
    expect(await rulesOf(`- { ${first} }\n- { ${second} }`)).not.toContain('never decides')
  })

  it.each<[providers: string, attributes: string, level?: string, says?: string, change?: string]>([
    ['endpoint: http://127.0.0.1:1/', 'teams'],
    ['providers: [{ type: custom, endpoint: "http://127.0.0.1:1/" }]', 'teams'],
    [`providers: [${ofIssuer('teams')}, ${ofIssuer('groups')}]`, 'groups'],
    [`providers: [${ofIssuer('teams')}, KEYS]`, 'teams'],
    [`providers: [KEYS, ${ofIssuer('teams')}]`, 'teams'],
    [
      'providers: [KEYS, OTHER_KEYS]',
      'teams',
      'warning',
      'asks for "x" in "teams", which no key has.',
    ],
    [
      'providers: [KEYS]',
      'rolls',
      'warning',
      'asks for the attribute "rolls", which no caller has: it never applies.',
      'Use one that callers have: "teams", "roles".',
    ],
    [
      'providers: [BARE_KEYS]',
      'roles',
      'warning',
      'asks for the attribute "roles", which no caller has: it never applies.',
      'Give callers attributes.',
    ],
    [
      'provider_config: { type: kubernetes, api_server_url: "http://127.0.0.1:1" }',
      'roles, namespace, serviceaccount, teams',
      'error',
      'asks for the attribute "teams", which no caller has: it never applies.',
      'Use one that callers have: "roles", "namespace", "serviceaccount".',
    ],
    [
      ofProxy(
        `${CIDRS}, attribute_headers: { x-groups: teams, x-roles: { attribute: roles, json: true } }`,
      ),
      'teams, roles, teamz',
      'error',
      'asks for the attribute "teamz", which no caller has: it never applies.',
      'Use one that callers have: "teams", "roles".',
    ],
    [ofProxy(`${CIDRS}, attributes_header: x-attributes`), 'teams'],
    [ofProxy(SIGNED), 'teams'],
  ])('of { %s } when a rule asks for x in %s', async (providers, attributes, ...expected) => {
    const [level, says, change] = expected
    const finding = { level, says: `Rule 0 ${says}`, ...(change && { change }) }
    const conditions = attributes.split(', ').map((name) => `user with x in ${name}`)
    const rules = [
      { permit: { paths: '/a' }, when: conditions },
      // One finding shows that the file was read.
      { permit: { paths: '/b*' } },
      { permit: { paths: '/b*' } },
    ]
    const found = await findingsOf(providers, rules)
    expect(found).toMatchObject([
      ...(level === undefined ? [] : [finding]),
      { says: expect.stringContaining('Rule 2 never decides') as string },
    ])
  })

  it('that ask for what some keys have', async () => {
    const conditions = [
      '  user with  a in   teams ',
      'user with b in teams',
      'user with c in roles',
      // White space that Python knows and JavaScript does not.
      'user\u001Fwith a\u0085in teams',
    ]
    const rules = [{ permit: { paths: '/a' }, when: conditions }]
    expect(await findingsOf('providers: [KEYS, OTHER_KEYS]', rules)).toEqual([])
  })

  it('that forbid tell that they spare no caller', async () => {
    const says = await rulesOf(`- forbid: { paths: /b* }
  unless: user with admin in rolls`)
    expect(says)
      .toBe(`run.yaml:7: warning: Rule 0 asks for the attribute "rolls", which no caller has: it spares no caller.
    Use one that callers have: "roles".`)
  })

  it('permit a path to all, and "public" does not have it', async () => {
    const text = '- permit: { paths: [/healthz, /v1/models] }\n- permit: { paths: /v1/* }'
    const tells = (paths: string, word: string): string =>
      `Rule 0 permits ${paths} to every caller, and a request without a token gets 401: "public" does not have the ${word}.`
    expect(await rulesOf(text)).toBe(
      `run.yaml:7: warning: ${tells('/healthz, /v1/models', 'paths')}\n    Add it to "public", if no token should be needed.`,
    )
    expect(await rulesOf(text, 'public: [/healthz]\n')).toBe(
      `run.yaml:8: ok: ${tells('/v1/models', 'path')}`,
    )
    expect(await rulesOf(text, 'public: [/healthz, /v1/models]\n')).toBe('')
    expect(await rulesOf('- permit: { paths: [/a, /b, /c, /regex:d] }')).toBe(
      `run.yaml:7: ok: ${tells('/a, /b, /c, /regex:d', 'paths')}`,
    )
    expect(await rulesOf('- permit: { paths: [/a, /b, /c, /d, /e] }')).toBe(
      `run.yaml:7: ok: ${tells('/a, /b, /c, /d, and others', 'paths')}`,
    )
    expect(
      await rulesOf('- { permit: { paths: /version }, unless: user with user in roles }'),
    ).toBe('')
  })
})
