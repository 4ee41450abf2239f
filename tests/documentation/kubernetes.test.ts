import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withAuth } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { loadConfig } from '../../src/yaml.ts'
import {
  ALLOWED,
  startKubernetes,
  tokenReview,
} from '../verifiers/kubernetes/kubernetes-service.ts'
import { get } from '../support/requests.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { at, readRecording } from '../recorded/recording.ts'
import { pageNamed } from './pages.ts'
import type { Kubernetes } from '../recorded/recordings.ts'

/** The rules and the options of `docs/servers/kubernetes.md` let in whom the page says. */

const { fences } = pageNamed('docs/servers/kubernetes.md')
const codeWith = (part: string): string =>
  fences.find(({ code }) => code.includes(part))?.code ?? ''
const pathOf = setupFolder()

/** A guard with the first file of the page, over an API server that takes each name as a token. */
async function guardOfPage() {
  const { apiServerUrl } = await startKubernetes(({ body }) => {
    const { spec } = JSON.parse(body) as { spec: { token: string } }
    const username = spec.token.replaceAll('~', ':')
    // An identity provider of the cluster names groups as it likes.
    const groups = ['system:serviceaccount:jobs:report', 'prod', 'system:serviceaccounts:prod']
    return tokenReview({ ...ALLOWED, user: { username, groups } })
  })
  writeFileSync(pathOf('token'), 'token-of-this-server')
  const here = `type: kubernetes\n      api_server_url: ${apiServerUrl}\n      reviewer_token_file: ${pathOf('token')}`
  writeFileSync(pathOf('run.yaml'), codeWith('route_policy').replace('type: kubernetes', here))
  const config = await loadConfig(pathOf('run.yaml'))
  expect(config.verifier?.warnings).toEqual([])
  const guarded = withAuth(() => new Response(), { ...config, onEvent: () => undefined })
  return async (username: string, path: string): Promise<number> =>
    (await guarded(get(path, username.replaceAll(':', '~')))).status
}

describe('docs/servers/kubernetes.md', () => {
  it.each([
    ['system:serviceaccount:prod:web', '/v1/files', 200],
    ['system:serviceaccount:jobs:report', '/v1/models', 200],
    ['system:serviceaccount:jobs:report', '/v1/models/a', 200],
    ['system:serviceaccount:jobs:report', '/v1/files', 403],
    ['system:serviceaccount:jobs:web', '/v1/models', 403],
    ['system:serviceaccount:prod2:web', '/v1/models', 403],
    ['system:serviceaccount:other:prod', '/v1/models', 403],
    ['prod', '/v1/models', 403],
    ['alice', '/v1/models', 403],
  ])('has rules that name a namespace and an account: %s, %s is %i', async (name, path, status) => {
    expect(await (await guardOfPage())(name, path)).toBe(status)
  })

  it('has options of jwt that give the namespace', async () => {
    const [, path = ''] = /attributes: \{ '(.*)': 'namespace' \}/.exec(codeWith('jwksUri')) ?? []
    const { recordedAt, jwks, cases } = readRecording<Kubernetes>('kubernetes')
    const verifier = jwt({
      issuer: 'https://kubernetes.default.svc.cluster.local',
      keys: JSON.parse(jwks.body ?? '') as { keys: [] },
      audience: 'my-api',
      attributes: { [path.replaceAll('\\\\', '\\')]: 'namespace' },
    })
    const asked = cases.filter(({ name }) => /for us$|in another namespace/.test(name))
    const found = await at(recordedAt, () =>
      Promise.all(
        asked.map(async ({ token }) => {
          const request = { path: '', headers: {}, params: {} }
          const verdict = await verifier.ask({ token, request }, new AbortController().signal)
          return verdict.outcome === 'allow' ? { ...verdict.attributes } : verdict
        }),
      ),
    )
    expect(found).toEqual([
      { namespace: ['prod'] },
      { namespace: ['prod'] },
      { namespace: ['staging'] },
    ])
  })
})
