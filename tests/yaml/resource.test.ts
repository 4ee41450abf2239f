import { writeFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { parseConfig, watchConfig } from '../../src/yaml.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { inAuth, linesOf, problemsOf } from '../support/yaml-problems.ts'
import type { WatchedConfig } from '../../src/yaml.ts'

/** `server.auth.resource`, which becomes what `protectedResource` makes. */

const RESOURCE =
  'identifier: "https://api.example.com/mcp", authorization_servers: ["https://login.example.com"]'

const inFolder = setupFolder()
let watched: WatchedConfig | undefined
afterEach(() => watched?.close())

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

it('is checked at its place', () => {
  const [problem] = problemsOf(inAuth(`resource: { ${RESOURCE}, scopes: [offline_access] }`))
  expect(problem).toMatchObject({ key: 'server.auth.resource.scopes', line: 4 })
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
    { key: 'server.auth.resource', message: expect.stringContaining('must be left out') as string },
  ])
})

it.each([
  ['identifier: "https://api.example.com/v2"', { identifier: 'https://api.example.com/v2' }],
])('is made again when a watched file gets %s', async (line, changed) => {
  const file = inFolder('run.yaml')
  const [key = ''] = line.split(':')
  const others = RESOURCE.split(', ').filter((one) => !one.startsWith(key))
  writeFileSync(file, inAuth(`resource: { ${RESOURCE} }`))
  const onChange = vi.fn<(config: object) => void>()
  watched = await watchConfig(file, { onChange, onError: () => undefined, intervalMs: 10 })
  writeFileSync(file, inAuth(`resource: { ${[...others, line].join(', ')} }`))
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), { timeout: 5000 })
  const { resource } = watched.config
  expect(resource && resource.describe()).toMatchObject(changed)
})
