import { describe, expect, it } from 'vitest'
import { readAuthSection } from '../../src/yaml/auth-section.ts'
import { parseFile } from '../../src/yaml/document.ts'

function read(text: string, allowMissing = false) {
  const { tree, findings } = parseFile('f', text)
  if (tree === undefined) throw new Error('no YAML')
  const settings = readAuthSection({ tree, findings, environment: () => undefined }, allowMissing)
  const problems = findings.all().map(({ line, column, key }) => `${line}:${column} ${key}`)
  return { endpoint: settings?.get('endpoint'), problems }
}

describe('readAuthSection', () => {
  it('finds the endpoint, with the key where it stands', () => {
    expect(read('server: { auth: { endpoint: x } }').endpoint).toMatchObject({
      key: 'server.auth.endpoint',
      place: { start: 28, end: 29 },
    })
    const ogx = 'server: { auth: { provider_config: { endpoint: x, type: custom } } }'
    expect(read(ogx).endpoint?.key).toBe('server.auth.provider_config.endpoint')
  })

  it('finds it behind aliases, and where an explicit key stands beside a merge', () => {
    expect(read('a: &a { endpoint: x }\nserver: { auth: *a }').endpoint).toBeDefined()
    expect(read('a: &a { b: 1 }\nserver: { <<: *a, auth: { endpoint: x } }').endpoint).toBeDefined()
  })

  it.each([
    ['[a]', '1:1 '],
    ['server: [a]', '1:1 server'],
    ['server: { auth: [] }', '1:11 server.auth'],
    ['server: { port: 1 }', '1:1 server.auth'],
    ['server: { auth: { endpoint: } }', undefined],
    ['server: { auth: { identity: x } }', '1:11 server.auth.endpoint'],
    ['server: { auth: { provider_config: x } }', '1:19 server.auth.provider_config'],
    ['server: { auth: { provider_config: {} } }', '1:19 server.auth.provider_config.type'],
    [
      'server: { auth: { provider_config: { type: jwks, a: b } } }',
      '1:44 server.auth.provider_config.type',
    ],
    [
      'server: { auth: { provider_config: { type: custom } } }',
      '1:19 server.auth.provider_config.endpoint',
    ],
    ['server: { auth: { endpoint: "${env.NO:=}" } }', '1:19 server.auth.endpoint'],
    ['server: { auth: { endpoint: "${env.NO}" } }', '1:29 server.auth.endpoint'],
    [
      'server: { auth: { endpoint: x, provider_config: { type: custom } } }',
      '1:32 server.auth.provider_config.endpoint',
    ],
  ])('refuses %s at its place', (text, problem) => {
    expect(read(text).problems[0]).toBe(problem)
  })
})
