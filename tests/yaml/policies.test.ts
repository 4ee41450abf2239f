import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { routePolicy } from '../../src/access.ts'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { loadConfig, parseConfig, watchConfig } from '../../src/yaml.ts'
import { decide } from '../support/decide.ts'
import { runs } from '../support/nightly.ts'
import { get } from '../support/requests.ts'
import { accessTo, problemsOf as problemsOfRules } from '../support/route-policy.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { TOKEN } from '../support/token.ts'
import { inAuth, linesOf, problemsOf } from './problems.ts'
import type { RouteRule } from '../../src/access.ts'
import type { LoadOptions, WatchedConfig } from '../../src/yaml.ts'

/** `route_policy`, `access_policy` and `resource` of `server.auth`. */

const ENV = { ROLE: 'admin', PATH_: '/v1', EMPTY: '', SECRET: 'regex:hunter2(' }
const inFolder = setupFolder()
let watched: WatchedConfig | undefined
afterEach(() => watched?.close())

const policy = (rules: string): string => inAuth(`route_policy: ${rules}`)

describe('route_policy', () => {
  it('becomes the option routePolicy, whose denials name the rule', async () => {
    const { endpoint: _, ...config } = parseConfig(
      policy(
        '[{ permit: { paths: "${env.PATH_}/models*", methods: [GET] } }, { forbid: { paths: [/v1/admin*] }, unless: "user with ${env.ROLE} in roles" }, { permit: { paths: "*" } }]',
      ),
      { env: ENV },
    )
    const ask = async (path: string, roles: string[]) => {
      const verifier = () => ({ outcome: 'allow', attributes: { roles } }) as const
      const { admitted, event } = await decide({ ...config, verifier }, get(path, TOKEN))
      return { admitted, rule: event.rule }
    }
    expect(await ask('/v1/models/a', [])).toEqual({ admitted: true })
    expect(await ask('/v1/admin/a', ['user'])).toEqual({ admitted: false, rule: 1 })
    expect(await ask('/v1/admin/a', ['admin'])).toEqual({ admitted: true })
  })

  it('stays beside an authorize of the code: both must permit', async () => {
    const { endpoint: _, ...file } = parseConfig(policy('[{ forbid: { paths: "*" } }]'))
    const verifier = () => ({ outcome: 'allow' }) as const
    const config = { ...file, verifier, authorize: () => true }
    expect((await decide(config, get('/v1', TOKEN))).event).toMatchObject({ rule: 0 })
  })

  it.each(['>', '|', '|+', '>-'])('takes a condition that is a block with %s', (style) => {
    const { routePolicy: permits } = parseConfig(
      policy(`
      - permit: { paths: "*" }
        when: ${style}
          user with admin
          in roles

        description: For admins.
`),
    )
    expect(permits?.(accessTo('/v1', { roles: ['admin'] }))).toBe(true)
    expect(permits?.(accessTo('/v1', { roles: ['user'] }))).toBe(false)
  })

  it('permits everything if it is empty', () => {
    expect(parseConfig(policy('[]')).routePolicy?.(accessTo('/v1'))).toBe(true)
  })

  it.each<[rules: string, ...lines: string[]]>([
    [
      '[{ permit: { paths: [/v1, v2] } }, { forbid: { paths: /b/ } }]',
      '4:45 "server.auth.route_policy[0].permit.paths[1]" must be a path that starts with "/", received "v2" | route_policy: [{ permit: { paths: [***, v2] } }, { forbid: { paths: *** } }]',
      '4:73 "server.auth.route_policy[1].forbid.paths" must be a path without "/" at the end, which is cut from requests, received "/b/": did you mean "/b"? | route_policy: [{ permit: { paths: [***, **] } }, { forbid: { paths: /b/ } }]',
    ],
    [
      '[{ permit: { paths: "*" }, when: user is owner }]',
      '4:52 "server.auth.route_policy[0].when" must be "user with VALUE in ATTRIBUTE" or "user with VALUE not in ATTRIBUTE": a path has no owner, so a condition about one decides nothing, received "user is owner" | route_policy: [{ permit: { paths: "*" }, when: user is owner }]',
    ],
    [
      '[{ permit: { path: "*" } }]',
      '4:32 Unknown option "server.auth.route_policy[0].permit.path": did you mean "paths"? | route_policy: [{ permit: { path: "*" } }]',
    ],
    // A value from the environment is not shown.
    [
      '[{ forbid: { paths: "${env.SECRET}" } }]',
      '4:39 "server.auth.route_policy[0].forbid.paths" must be a valid regular expression (its value comes from the environment and is not shown) | route_policy: [{ forbid: { paths: "${env.SECRET}" } }]',
    ],
  ])('rejects %s at its place', (rules, ...lines) => {
    expect(linesOf(policy(rules), ENV)).toEqual(lines)
  })

  it('says in YAML and in code the same', () => {
    const text = fc.constantFrom('/a', '/a*', '*', 'a', '', 'regex:(a', 'user with a in b', 'GET')
    const some = fc.oneof(text, fc.array(text, { maxLength: 2 }), fc.constant(null))
    const scope = fc.record(
      { paths: some, methods: fc.oneof(some, fc.constant(['GET'])) },
      { requiredKeys: [] },
    )
    const rule = fc.record(
      { permit: scope, forbid: scope, when: some, unless: some },
      { requiredKeys: [] },
    )
    let right = 0
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 2 }), (rules) => {
        const yaml = stringify({
          server: { auth: { endpoint: 'https://a.example/', route_policy: rules } },
        })
        const problems = problemsOf(yaml).map(({ key, expected }) => `${key} ${expected}`)
        const isRight = problemsOfRules(rules).length === 0
        expect({ rules, isRight: problems.length === 0 }).toEqual({ rules, isRight })
        if (!isRight) return
        right += 1
        const [inYaml, inCode] = [parseConfig(yaml).routePolicy, routePolicy(rules as RouteRule[])]
        for (const path of ['/a', '/b', '/a/b']) {
          for (const attributes of [{}, { b: [] }, { b: ['a'] }]) {
            const access = accessTo(path, attributes)
            expect(inYaml?.(access)).toBe(inCode(access))
          }
        }
      }),
      { numRuns: runs(5000) },
    )
    expect(right).toBeGreaterThan(0)
  })
})

const EMPTY =
  'The value comes out empty, and without it more could be permitted. Set the variable, or remove the key'
const RESOURCE =
  'identifier: "https://api.example.com/mcp", authorization_servers: ["https://login.example.com"]'

describe('a value that comes out empty is not left out', () => {
  it.each<[lines: string, key: string]>([
    ['route_policy: "${env.NO:=}"', 'route_policy'],
    ['route_policy: ["${env.NO:=}"]', 'route_policy[0]'],
    ['route_policy: [{ permit: "${env.NO:=}" }]', 'route_policy[0].permit'],
    ['route_policy: [{ permit: { paths: "${env.EMPTY:=}" } }]', 'route_policy[0].permit.paths'],
    [
      'route_policy: [{ forbid: { paths: [/a, "${env.NO:=}"] } }]',
      'route_policy[0].forbid.paths[1]',
    ],
    [
      'route_policy: [{ permit: { paths: "*", methods: ["${env.NO:+GET}"] } }]',
      'route_policy[0].permit.methods[0]',
    ],
    ['route_policy: [{ permit: { paths: "*" }, when: "${env.NO:=}" }]', 'route_policy[0].when'],
    [
      'route_policy: [{ permit: { paths: "*" }, unless: ["${env.NO:+user with a in b}"] }]',
      'route_policy[0].unless[0]',
    ],
    ['resource: "${env.NO:=}"', 'resource'],
    [`resource: { ${RESOURCE}, require: ["\${env.NO:=}"] }`, 'resource.require[0]'],
    [`resource: { ${RESOURCE}, name: "\${env.NO:+x}" }`, 'resource.name'],
  ])('%s', (lines, key) => {
    const [problem, ...others] = problemsOf(inAuth(lines), ENV)
    expect(others.filter((one) => one.message.includes('comes out empty'))).toEqual([])
    expect(problem).toMatchObject({
      key: `server.auth.${key}`,
      message: `"server.auth.${key}": ${EMPTY}`,
      line: 4,
    })
    const [, , , line = ''] = inAuth(lines).split('\n')
    expect(problem?.column).toBe(line.search(/"\$\{/) + 1)
  })

  it('where no variable is set, that is the only problem', () => {
    const [problem, ...others] = problemsOf(
      policy('[{ permit: { paths: "*" }, when: "${env.NO}" }]'),
    )
    expect(others).toEqual([])
    expect(problem?.message).toContain('Environment variable "NO" is not set, or empty')
  })
})

it.each(['route_policy', 'access_policy'])(
  '%s one level too high is an error: the server would permit everything',
  (name) => {
    const auth = 'auth: { endpoint: "https://auth.example.test/" }'
    for (const [text, key] of [
      [`${name}: []\nserver: { ${auth} }`, name],
      [`server: { ${auth}, ${name}: [] }`, `server.${name}`],
    ] as const) {
      expect(linesOf(text)).toEqual([
        expect.stringContaining(`"${key}" is not read: move it to "server.auth.${name}"`),
      ])
    }
  },
)

it('a pattern with a question mark is shown, since it is not a URL with a secret', () => {
  const [line = ''] = linesOf(inAuth("route_policy: [{ permit: { paths: 'regex:/a?(' } }]"))
  expect(line).toContain('must be a valid regular expression, received "regex:/a?("')
  const [other = ''] = linesOf(
    inAuth("route_policy: [{ permit: { paths: 'https://h/?k=hunter' } }]"),
  )
  expect(other).not.toContain('hunter')
})

describe('access_policy', () => {
  const TEXT = inAuth('access_policy: []')
  const NOT_ENFORCED =
    '4:5 "server.auth.access_policy" must be left out: with-auth does not enforce it, since it needs the database of OGX. If your upstream does, with type: upstream_header in its own file, say so: with the option accessPolicy: \'upstream\' of loadConfig, parseConfig and watchConfig, or with the flag --upstream-enforces-access-policy'

  it.each(['[]', '~', '[{ permit: { actions: [read] } }]'])('%s is an error', (value) => {
    const [line = ''] = linesOf(inAuth(`access_policy: ${value}`))
    expect(line.startsWith(NOT_ENFORCED)).toBe(true)
  })

  it('is not read if the upstream enforces it', async () => {
    const options = { accessPolicy: 'upstream' } as const
    const text = inAuth('access_policy: [{ permit: { actions: ["${env.NOT_SET}"] } }]')
    const expected = { endpoint: 'https://auth.example.com/' }
    const file = inFolder('run.yaml')
    writeFileSync(file, text)
    expect(parseConfig(text, options)).toEqual(expected)
    expect(await loadConfig(file, options)).toEqual(expected)
    const ignore = (): void => undefined
    watched = await watchConfig(file, { ...options, onChange: ignore, onError: ignore })
    expect(watched.config).toEqual(expected)
    expect(parseConfig(inAuth(''), options)).toEqual(expected)
  })

  it.each([true, 'Upstream', '', null, undefined])('takes no accessPolicy %j', async (value) => {
    const options = { accessPolicy: value } as unknown as LoadOptions
    const file = inFolder('run.yaml')
    writeFileSync(file, TEXT)
    const message = /^"options\.accessPolicy" must be /
    expect(() => parseConfig(TEXT, options)).toThrow(message)
    await expect(loadConfig(file, options)).rejects.toThrow(message)
  })
})

// `server.auth.resource` becomes what `protectedResource` makes.
describe('resource', () => {
  it('is read with all keys and references', () => {
    const more =
      'scopes: ["mcp:read"], require: ["${env.SCOPE}"], name: 5, documentation: "https://docs.example.com/"'
    const config = parseConfig(inAuth(`resource: { ${RESOURCE}, ${more} }`), {
      env: { SCOPE: 'mcp:call' },
    })
    const { resource } = resolveConfig(config)
    expect(resource && resource.describe()).toEqual({
      identifier: 'https://api.example.com/mcp',
      authorizationServers: ['https://login.example.com'],
      scopes: ['mcp:read'],
      require: ['mcp:call'],
      name: '5',
      documentation: 'https://docs.example.com/',
    })
    expect(resolveConfig(parseConfig(inAuth('resource: false'))).resource).toBe(false)
  })

  it.each<[string, ...string[]]>([
    ['resource: true', '4:15 "server.auth.resource" must be an object or false, received true'],
    [
      'resource: { identifier: "https://a.example" }',
      '4:15 "server.auth.resource.authorization_servers" must be a list of at least one issuer, received undefined',
      '4:29 "server.auth.resource.identifier" must be written as clients compare it, received "https://a.example": did you mean "https://a.example/"?',
    ],
    [
      `resource: { ${RESOURCE} }\ncredentials: { header: x-key }`,
      '5:18 "server.auth.credentials" must be "bearer", or a list with it, beside "resource"',
    ],
    // All problems at once.
    [
      `resource: { ${RESOURCE}, require: [] }\ncredentials: { header: x-key }`,
      '4:123 "server.auth.resource.require" must be a list of at least one scope, received an array',
      '5:18 "server.auth.credentials" must be "bearer", or a list with it, beside "resource"',
    ],
  ])('%s is an error', (lines, ...expected) => {
    expect(linesOf(inAuth(lines)).map((line) => line.split(' | ')[0])).toEqual(expected)
  })

  it('beside a provider that reads no Bearer token is one problem, and not also those within it', () => {
    const provider =
      'provider_config: { type: upstream_header, principal_header: x-a, trusted_network: true }'
    expect(problemsOf(`server: { auth: { ${provider}, resource: {} } }`)).toMatchObject([
      {
        key: 'server.auth.resource',
        message: expect.stringContaining('must be left out') as string,
      },
    ])
  })

  it('is made again when a watched file gets another one', async () => {
    const file = inFolder('run.yaml')
    const identifier = 'https://api.example.com/v2'
    writeFileSync(file, inAuth(`resource: { ${RESOURCE} }`))
    const onChange = vi.fn<(config: object) => void>()
    watched = await watchConfig(file, { onChange, onError: () => undefined, intervalMs: 10 })
    writeFileSync(file, inAuth(`resource: { ${RESOURCE.replace('/mcp', '/v2')} }`))
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), { timeout: 5000 })
    const { resource } = watched.config
    expect(resource && resource.describe()).toMatchObject({ identifier })
  })
})
