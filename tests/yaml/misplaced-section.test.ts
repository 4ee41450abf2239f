import { isMap } from 'yaml'
import { describe, expect, it } from 'vitest'
import { parseFile } from '../../src/yaml/document.ts'
import { refuseMisplaced } from '../../src/yaml/misplaced-section.ts'
import { linesOf } from '../support/yaml-problems.ts'

const BELOW = 'did you mean "auth" below "server"? Write it there, as a mapping with an "endpoint"'

/** The keys that it refuses in a text, each with its place. */
function refused(text: string): string[] {
  const { tree, findings } = parseFile('f', text)
  if (!isMap(tree?.root)) throw new Error('no mapping')
  refuseMisplaced(tree.root, { tree, findings, environment: () => undefined })
  return findings.all().map(({ line, column, key }) => `${line}:${column} ${key}`)
}

describe('refuseMisplaced', () => {
  it('finds all that may be meant, beside the server and within it', () => {
    const text = [
      'auth: { url: x }',
      'sever: { auth: { endpoint: x } }',
      'server:',
      '  atuh: 1',
      '  endpoint: x',
      '  <<: { a: 1 }',
      '  tls: { auth: { endpoint: x }, Auth: { provider_config: x }, auth2: 1 }',
      'server.auth.endpoint: x',
    ].join('\n')
    expect(refused(text)).toEqual([
      '1:1 auth',
      '2:1 sever',
      '4:3 server.atuh',
      '5:3 server.endpoint',
      '6:3 server.<<',
      '7:10 server.tls.auth',
      '7:33 server.tls.Auth',
      '8:1 server.auth.endpoint',
    ])
  })

  it('refuses a key without a value too', () => {
    expect(refused('server: { endpoint }')).toEqual(['1:11 server.?'])
  })

  it('says each thing once', () => {
    expect(refused('server: { auth2: { auth: { endpoint: x } } }')).toEqual(['1:11 server.auth2'])
    expect(refused('server.auth: { auth: { endpoint: x } }')).toEqual(['1:1 server.auth'])
  })

  it.each([
    ['a: &a { endpoint: x }\nserver: {}\nsever: { auth: *a }', ['3:1 sever']],
    ['a: &a { auth: { endpoint: x } }\nserver: {}\nsever: *a', ['3:1 sever']],
    ['a: &a { auth: { endpoint: x } }\nserver: { tls: *a }', ['1:9 server.tls.auth']],
    ['a: &a { endpoint: x }\nserver: { tls: { auth: *a } }', ['2:18 server.tls.auth']],
    ['a: &a https://h/\nserver: { endpoint: *a }', ['2:11 server.endpoint']],
    ['a: &a { port: 1, atuh: 1 }\nserver: *a', ['1:18 server.atuh']],
  ])('looks behind aliases: %j', (text, problems) => {
    expect(refused(text)).toEqual(problems)
  })

  it('takes a merge for the section only where a key beside it would not win', () => {
    expect(refused('<<: { a: 1 }')).toEqual(['1:1 <<'])
    expect(refused('<<: { a: 1 }\nserver: {}')).toEqual([])
    expect(refused('sever: { "<< ": 1 }\nserver: {}')).toEqual(['1:1 sever'])
  })

  it.each([
    [
      'server: {}\nauth: https://u:hunter@h/?hunter\n',
      [`2:1 [auth] "auth" is not read: ${BELOW}`, '    auth: *****:***:****************', '    ^'],
    ],
    [
      '{ server: {}, auth:hunter }',
      [
        `1:15 [?] "?" is not read: ${BELOW}`,
        '    { server: {}, ****:****** }',
        '                  ^',
      ],
    ],
    [
      'server: { tls: { auth: { endpoint: hunter } } }',
      [
        '1:18 [server.tls.auth] "server.tls.auth" is not read: did you mean "server.auth"?',
        '    server: { tls: { auth: { endpoint: ****** } } }',
        '                     ^',
      ],
    ],
  ])('shows of %j keys alone', (text, lines) => {
    expect(linesOf(text)).toEqual(lines)
  })
})
