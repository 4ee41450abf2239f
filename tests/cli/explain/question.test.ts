import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/main.ts'
import { createRequest, listLeftOut } from '../../../src/cli/explain/question.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createExplain } from '../support/explained.ts'

/** The request that `with-auth explain` is asked about, as its flags name it. */

const inFolder = setupFolder()
const { run, explain } = createExplain(inFolder)
const RULES = 'endpoint: http://127.0.0.1:65000/\nroute_policy: [{ permit: { paths: "*" } }]'
const AS = ['--as', '{"principal":"al"}']

describe('a flag of with-auth explain with a wrong value', () => {
  const PATH = 'a path such as /v1/models, without "//" at its start, "#" and ".."'
  const HEADER = '--header must be NAME:VALUE, such as "x-tenant: acme" (it is not shown)'
  const FORM =
    '--as must be a JSON object with some of principal, attributes, scopes, clientId, tenant, claims, such as {"principal":"alice","attributes":{"roles":["user"]}} (its value is not shown)'
  it.each([
    [['--method', 'get'], '--method must be a method in upper case, received "get"'],
    [['--method', 'TRACE'], '--method must be a method in upper case, received "TRACE"'],
    [['--method', 'A B'], '--method must be a method in upper case, received "A B"'],
    [['--client-address', 'here'], '--client-address must be an IP address, received "here"'],
    [['--path', 'v1'], `--path must be ${PATH}, received "v1"`],
    [['--path', '//v1'], `--path must be ${PATH}, received "//v1"`],
    [['--path', '/v1', '--path', '/v1#a'], `--path must be ${PATH}, received "/v1#a"`],
    [['--path', '/v1 a'], `--path must be ${PATH}, received "/v1 a"`],
    [['--path', '/v1/../a'], `--path must be ${PATH}, received "/v1/../a"`],
    [['--header', 'no-colon'], HEADER],
    [['--header', 'a b: c'], HEADER],
    [['--header', ': c'], HEADER],
    [['--header', 'x: a\r\nb: c'], HEADER],
    [['--header', 'x: s\u00e9cret'], HEADER],
    [
      ['--header', 'Authorization: Bearer abc'],
      '--header must not be "authorization", which holds the token: give that on standard input',
    ],
    [['--as', '{"principal":"al"'], FORM],
    [['--as', '[]'], FORM],
    [['--as', '"al"'], FORM],
    [['--as', '{"name":"al"}'], FORM],
    [['--as', '{"principal":7}'], FORM],
  ])('%j', async (args, message) => {
    const { code, printed, noted } = await run(RULES, '', args)
    expect({ code, printed }).toEqual({ code: 2, printed: '' })
    expect(noted).toBe(`with-auth: ${message}\nRun "with-auth explain --help" for help.\n`)
  })

  it('is none at all: the flag that is missing', async () => {
    await run(RULES, '')
    const { code, noted } = await runLine(['explain', '--config', inFolder('run.yaml')], COMMANDS)
    expect([code, noted]).toEqual([
      2,
      'with-auth: --path PATH is missing\nRun "with-auth explain --help" for help.\n',
    ])
  })
})

it.each([
  [['--method', 'M-SEARCH'], 'M-SEARCH', '/v1/models'],
  [['--path', '/a?b=//c'], 'GET', '/a?b=//c'],
  [['--header', 'x-a:\t b:c \t'], 'GET', '/v1/models'],
  [['--client-address', '::1'], 'GET', '/v1/models'],
])('takes %j', async (args, method, path) => {
  expect(await explain(RULES, '', [...args, ...AS])).toMatchObject({ exit: 0, method, path })
})

it('asks with the token and the headers as they were given, without the blanks around them', async () => {
  const service = await startService(() => ({ json: {} }))
  const file = `endpoint: http://127.0.0.1:${service.port}/\ncontext: { headers: [x-a, x-b] }`
  await explain(file, ' some-token\n', ['--header', 'x-a:b: c', '--header', 'X-B: \td '])
  expect(service.calls[0]?.body).toContain('"x-a":"b: c","x-b":"d"')
  expect(service.calls[0]?.body).toContain('"some-token"')
})

describe('the request of a client', () => {
  const QUESTION = { method: 'GET', headers: [], address: undefined } as const
  type Credentials = Parameters<typeof createRequest>[3]['credentials']
  const headersOf = (credentials: Credentials, token: string, ...headers: [string, string][]) => {
    const asked = { credentials, namesCaller: false }
    const request = createRequest({ ...QUESTION, headers }, '/', token, asked)
    return Object.fromEntries(request.headers)
  }

  it.each<[Credentials, Record<string, string>]>([
    [['bearer'], { authorization: 'Bearer abc' }],
    [[{ header: 'X-Api-Key' }, 'bearer'], { 'x-api-key': 'abc' }],
    [[{ cookie: 'session' }], { cookie: 'session=abc' }],
    [[{ webSocketProtocol: 'token.' }], { 'sec-websocket-protocol': 'token.abc' }],
  ])('has the token in the first place of %j', (credentials, headers) => {
    expect(headersOf(credentials, 'abc')).toEqual(headers)
    expect(headersOf(credentials, '')).toEqual({})
  })

  it('has it behind the other cookies, and nowhere else beside another value', () => {
    expect(headersOf([{ cookie: 'session' }], 'abc', ['cookie', 'a=b'])).toEqual({
      cookie: 'a=b; session=abc',
    })
    const protocol: [string, string] = ['sec-websocket-protocol', 'chat']
    expect(() => headersOf([{ webSocketProtocol: 'token.' }], 'abc', protocol)).toThrow(
      /must not be "sec-websocket-protocol"/,
    )
  })

  it('has it once, whatever the case of its header', () => {
    const both = [{ header: 'X-Api-Key' }, 'bearer'] as const
    for (const name of ['x-api-key', 'authorization']) {
      expect(() => headersOf(both, 'abc', [name, 'b'])).toThrow(/must not be "/)
    }
  })

  it('may have a header of the token if a proxy names the caller', () => {
    const headers = [['authorization', 'Bearer abc']] as const
    const asked = { credentials: ['bearer'], namesCaller: true } as const
    const request = createRequest({ ...QUESTION, headers }, '/', '', asked)
    expect(request.headers.get('authorization')).toBe('Bearer abc')
  })

  it('lacks what an endpoint may decide by', () => {
    type Parts = Parameters<typeof listLeftOut>[2]
    const context = {
      headers: 'all',
      clientAddress: true,
      method: true,
      params: 'values',
      path: true,
    } as const
    const parts: Parts = { context, credentials: ['bearer'] }
    expect(listLeftOut(QUESTION, '/', parts)).toEqual([
      'the other headers of the client (--header)',
      'the address of the client (--client-address)',
      'a query (in --path)',
    ])
    const told = { ...QUESTION, address: '::1', headers: [['x-a', 'b']] } as const
    const some: Parts = {
      context: { ...context, headers: ['x-a', 'x-b', 'authorization'] },
      credentials: ['bearer'],
    }
    expect(listLeftOut(told, '/?a', some)).toEqual(['the header "x-b" (--header)'])
    const none: Parts = {
      context: { ...context, headers: [], clientAddress: false, params: 'none' },
      credentials: [],
    }
    expect(listLeftOut(QUESTION, '/', none)).toEqual([])
  })
})
