import fc from 'fast-check'

const method = fc.constantFrom<unknown>('GET', 'POST', 'get', 'M-SEARCH', 'A B', '', null, 5)
const sometimes = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(model, { requiredKeys: [] })
const url = fc.constantFrom<unknown>(
  'https://a.example/',
  'http://localhost:3000/mcp',
  'http://a.example/',
  'ftp://a.example/',
  'https://a.example/#f',
  5,
  null,
)
const scope = fc.constantFrom<unknown>('a:b', 'offline_access', 'a b', 'a"', '', 5, null, '${X}')
const listOrOne = <Value>(one: fc.Arbitrary<Value>) =>
  fc.oneof(one, fc.array(one, { maxLength: 2 }))
const pattern = fc.oneof(
  fc.string({
    unit: fc.constantFrom('/', 'a', 'é', '*', '%', '?', '#', '\\\\', ' '),
    maxLength: 4,
  }),
  fc.constantFrom<unknown>('/a', '/a', '/', '*', '/a*', 'regex:/a', 'regex:', '${X}', 5, null),
)
const condition = fc.constantFrom<unknown>(
  'user with a in b',
  'user with a not in b',
  ' user  with a\nin\tb \n',
  'user with a',
  'user is owner',
  '',
  5,
  null,
)
const routeScope = fc.record(
  { paths: listOrOne(pattern), methods: fc.array(method, { maxLength: 2 }), more: fc.constant(1) },
  { requiredKeys: [] },
)
const plainScope = fc.record({ paths: fc.constantFrom<unknown>('/a', ['/a', '*']) })
/** A rule of `route_policy`, now right, now wrong. */
export const routeRule: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ permit: routeScope }),
  sometimes({
    permit: plainScope,
    forbid: plainScope,
    when: listOrOne(condition),
    unless: listOrOne(condition),
  }),
  fc.record({ forbid: plainScope, description: fc.constantFrom<unknown>('x', 5, null) }),
)

/** `resource`, now right, now wrong. */
export const resource: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant(false),
  sometimes({
    identifier: url,
    authorization_servers: fc.array(url, { maxLength: 1 }),
    more: fc.constant(1),
  }),
  fc.record(
    {
      identifier: fc.constant('https://api.example.com/mcp'),
      authorization_servers: fc.constant(['https://login.example.com']),
      scopes: fc.oneof(
        fc.array(scope, { maxLength: 2 }),
        fc.constantFrom<unknown>(null, '', 'x', {}),
      ),
      require: fc.array(scope, { maxLength: 2 }),
      name: fc.constantFrom<unknown>('x', 5, null, []),
      documentation: url,
    },
    { requiredKeys: ['identifier', 'authorization_servers'] },
  ),
)
