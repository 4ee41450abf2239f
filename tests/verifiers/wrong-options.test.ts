import {
  defineVerifier,
  endpointVerifier,
  firstOf,
  fromUpstream,
  githubToken,
  introspection,
  kubernetesToken,
} from '../../src/verifiers.ts'
import { group, SECRET, testRefusals } from '../support/refused-options.ts'
import { words } from '../support/words.ts'
import type { Verifier } from '../../src/index.ts'
import type { Row } from '../support/refused-options.ts'

/** Wrong options of verifiers that break a special rule. */

const HTTPS = 'must be an https URL (http only on loopback, or with "allowInsecureHttp")'
const LEFT_OUT = 'must be left out'
const deny: Verifier = () => ({ outcome: 'deny' })
const app = { id: 'api', secret: SECRET }
const OPAQUE = introspection({ url: 'https://a.example/', client: 'none' })
const PICKY = introspection({ url: 'https://b.example/', client: app, accepts: () => false })
const LISTS = defineVerifier({ ask: deny, reads: { params: 'lists' } })
const ALL = defineVerifier({ ask: deny, reads: { headers: 'all' } })
const COOKIE = defineVerifier({ ask: deny, reads: { headers: ['x-a', 'cookie'] } })
const PROOF = { header: 'x-proxy-secret', secret: SECRET }
const SIGNED = { signature: 'x-sig', secret: SECRET }
const proof = (value: unknown, option = 'proof', text = ''): Row => [{ proof: value }, option, text]
const network = (address: unknown, text = 'an address', index = 0): Row => [
  { proof: { addresses: index === 0 ? [address] : ['::1', address] } },
  `proof.addresses[${index}]`,
  text,
]
const EVERY = 'for every network write "proof.network"'
const groups = (form: object): object => ({ 'x-groups': { attribute: 'teams', ...form } })
const hooked = Object.assign(() => ({ outcome: 'deny' }), { local: true, id: 'x' })

testRefusals([
  group('defineVerifier', (options) => defineVerifier(options), {}, [
    ['hunter2', 'options', 'must be an object (its value is not shown)'],
    [{ ask: OPAQUE }, 'ask', 'must be a function, received an object of type Verifier'],
    [{ ask: deny, id: '' }, 'id', 'must be a string that is not empty, received ""'],
    [{ ask: deny, reads: 'x-a' }, 'reads', 'must be an object such as { headers: [] }'],
  ]),
  group('endpointVerifier', (options) => endpointVerifier(options), {}, [
    [{ endpoint: 'http://a.example/?k=hunter2' }, 'endpoint', `${HTTPS}, received "http:`],
  ]),
  group('firstOf', ({ of, ...options }: { of: Verifier[] }) => firstOf(of, options), {}, [
    [{ of: undefined }, 'verifiers', 'must be a non-empty list of verifiers'],
    [{ of: [] }, 'verifiers', 'must be a non-empty list of verifiers'],
    [{ of: OPAQUE }, 'verifiers', 'received an object of type Verifier'],
    [{ of: [PICKY, 'x'] }, 'verifiers[1]', 'a verifier that this copy of with-auth has made'],
    [
      { of: [hooked] },
      'verifiers[0]',
      'the function carries "local", "id": defineVerifier({ ask, local, id })',
    ],
    [{ of: [OPAQUE, PICKY] }, 'verifiers[0]', 'must be the last one, or have "accepts"'],
    [{ of: [OPAQUE, PICKY], fallThrough: false }, 'verifiers[0]', 'must be the last one'],
    [{ of: [deny, LISTS], fallThrough: true }, 'verifiers', 'must be such that all read "params"'],
    [{ of: [ALL, COOKIE], fallThrough: true }, 'verifiers', 'must be such that none reads all'],
    [{ of: [OPAQUE], retry: 5 }, 'retry'],
  ]),
  group('introspection', (options) => introspection(options), { client: 'none' }, [
    [{}, 'url', 'must be given, or "issuer", whose metadata name it'],
    [{ issuer: 'http://a.example' }, 'issuer', HTTPS],
    [{ issuer: 'urn:https:a' }, 'issuer', 'start discovery, received "urn:https:a": or give "url"'],
    [
      { url: 'https://a.example/', allowMissingAudience: true },
      'allowMissingAudience',
      'has no effect',
    ],
    [{ url: 'http://a.example/?k=hunter2' }, 'url', `${HTTPS}, received "http:`],
    ...[
      'hunter2',
      { id: 'api' },
      { ...app, secret: 'hunter2\uD800' },
      { ...app, bearer: 'hunter2' },
      { bearer: 'hunter2', method: 'post' },
      { bearer: 'hunter2\r\nx: y' },
    ].map((client): Row => [{ url: 'https://a.example/', client }, 'client', '{ bearer } or']),
    [{ client: { ...app, method: 'jwt' } }, 'client.method', '"basic" or "post"'],
    [{ attributes: 'sub' }, 'attributes', 'an object of claim paths and their attributes'],
    [{ attributes: { sub: 5 } }, 'attributes.sub'],
  ]),
  group('githubToken', (options) => githubToken(options), { allow: 'personal' }, [
    ...[undefined, SECRET].map((given): Row => [given, 'options']),
    ...[
      'all',
      SECRET,
      { clientId: 'a' },
      ...['', `${SECRET} `, ` ${SECRET}`].map((clientSecret) => ({ clientId: 'a', clientSecret })),
      { clientId: 'a:b', clientSecret: SECRET },
    ].map((allow): Row => [{ allow }, 'allow']),
    [{ allow: undefined }, 'allow'],
    [{ allow: { clientId: 'a', clientSecret: SECRET, scope: 'x' } }, 'allow.scope'],
    ...['http://a.example', 'a.example'].map((baseUrl): Row => [{ baseUrl }, 'baseUrl']),
    [{ baseUrl: `https://a.example/?key=${SECRET}` }, 'baseUrl', 'a URL without a query'],
    [{ token: SECRET }, 'token'],
  ]),
  group('kubernetesToken', (options) => kubernetesToken(options), {}, [
    [{}, 'audiences', 'without it a token that any pod has would be allowed'],
    [{ audiences: [], token: () => SECRET }, 'audiences'],
    [{ audiences: 'my-api' }, 'token', '"audiences" needs it'],
    [{ audiences: 'my-api', token: SECRET }, 'token'],
    [
      { audiences: 'my-api', token: () => SECRET, review: 'self' },
      'review',
      `${LEFT_OUT} beside "audiences"`,
    ],
    [{ review: 'token' }, 'review'],
    [{ review: 'self', token: () => SECRET }, 'token', `${LEFT_OUT} without "audiences"`],
    [{ review: 'self', apiServerUrl: 'http://kubernetes.default.svc' }, 'apiServerUrl'],
    [{ review: 'self', apiServerUrl: `https://user:${SECRET}@k8s` }, 'apiServerUrl'],
  ]),
  group(
    'fromUpstream',
    (options) => fromUpstream(options),
    { principalHeader: 'X-User', proof: PROOF },
    [
      ...[SECRET, undefined, null, 5].map((given): Row => [given, 'options']),
      ...[true, SECRET, {}, [], { secret: SECRET }].map((value) =>
        proof(value, 'proof', 'without a proof a client can name any caller'),
      ),
      ...[
        { ...PROOF, network: true },
        { ...PROOF, signature: 'x-sig' },
        { addresses: ['::1'], network: true },
      ].map((value) => proof(value)),
      proof({ network: false }, 'proof.network', 'true, or left out for another proof'),
      proof(
        { network: true, secret: SECRET },
        'proof.secret',
        `${LEFT_OUT} without "proof.header"`,
      ),
      proof({ header: 'x-a' }, 'proof.secret'),
      proof({ addresses: ['::1'], maxAgeSeconds: 60 }, 'proof.maxAgeSeconds'),
      proof({ ...PROOF, maxAgeSeconds: 60 }, 'proof.maxAgeSeconds', 'without "proof.signature"'),
      proof({ ...PROOF, unknown: true }, 'proof.unknown'),
      ...['authorization', 'Cookie', 'x proxy'].map((header) =>
        proof({ ...PROOF, header }, 'proof.header'),
      ),
      ...['hunter2-short', `${SECRET} `, 'hunter2'.repeat(147), 1e15, [], [SECRET, '']].map(
        (secret) => proof({ ...PROOF, secret }, 'proof.secret', '16 to 1024 visible ASCII'),
      ),
      ...[0, 3601, '60', null].map((maxAgeSeconds) =>
        proof({ ...SIGNED, maxAgeSeconds }, 'proof.maxAgeSeconds'),
      ),
      proof({ addresses: [] }, 'proof.addresses', 'a list of at least one address'),
      proof({ addresses: '10.0.0.0/8' }, 'proof.addresses', 'a list of at least one address'),
      network(5),
      network(['10.0.0.1']),
      network('010.0.0.1', 'an address', 1),
      ...words('10.0.0.0/08 10.0.0.0/33 proxy.internal').map((text) => network(text)),
      ...words('0.0.0.0/0 10.0.0.0/0 ::/0 ::ffff:0.0.0.0/96').map((text) => network(text, EVERY)),
      [{ principalHeader: 'authorization' }, 'principalHeader'],
      [{ tenantHeader: 'Sec-WebSocket-Protocol' }, 'tenantHeader'],
      [{ scopesHeader: 'authorization' }, 'scopesHeader'],
      [{ attributeHeaders: 'x-groups' }, 'attributeHeaders', 'an object of header names'],
      [{ attributeHeaders: { 'x groups': 'teams' } }, 'attributeHeaders'],
      [{ attributeHeaders: { 'x-groups': 5 } }, 'attributeHeaders.x-groups', 'json: true }'],
      ...[{}, { separator: ',', json: true }, { json: false }].map((form): Row => [
        { attributeHeaders: groups(form) },
        'attributeHeaders.x-groups',
      ]),
      ...['', 5].map((attribute): Row => [
        { attributeHeaders: groups({ attribute, separator: ',' }) },
        'attributeHeaders.x-groups.attribute',
        'the name of an attribute',
      ]),
      ...['\n', 5].map((separator): Row => [
        { attributeHeaders: groups({ separator }) },
        'attributeHeaders.x-groups.separator',
        '1 to 8 characters of printable ASCII',
      ]),
      // One header, two meanings.
      [{ tenantHeader: 'x_user' }, 'tenantHeader', 'another header than the other options name'],
      [{ attributesHeader: 'X.User' }, 'attributesHeader'],
      [{ scopesHeader: 'x-app', clientHeader: 'X_App' }, 'clientHeader'],
      [{ attributeHeaders: { X_USER: 'teams' } }, 'attributeHeaders'],
      [{ attributeHeaders: { 'X-Groups': 'teams', 'x-groups': 'roles' } }, 'attributeHeaders'],
      [{ principalHeader: 'x-proxy_secret' }, 'proof.header'],
      [{ proof: SIGNED, attributeHeaders: { 'x-a': 'b' } }, 'attributeHeaders', 'does not cover'],
    ],
  ),
])
