import { createForwardAuth } from '../../src/forward-auth.ts'
import { readRecording } from './recording.ts'
import type { Case } from './recording.ts'
import type { Others } from './recordings.ts'

/** Subrequests of the proxies. Their targets were passed on as told, but for those of Traefik, which ran without `--raw-targets`. */
export async function replaySubrequests(): Promise<Case[]> {
  const { subrequests } = readRecording<Others>('hydra-zitadel-oauth2-proxy')
  const proxies = ['nginx', 'caddy', 'haproxy', 'traefik'] as const
  const cases = proxies.map(async (proxy) => {
    const answer = createForwardAuth(
      {
        verifier: ({ token }) =>
          token === 'KEY' ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
        public: ['/healthz'],
        preflight: 'allow',
        onEvent: () => undefined,
      },
      { for: proxy, rawTargets: proxy !== 'traefik' },
    )
    return Promise.all(
      subrequests[proxy].map(async ({ method, url, lines, status }) => {
        const headers = lines.map(([name, value]): [string, string] => [name, value])
        const response = await answer(
          new Request(`http://127.0.0.1:8323${url}`, { method, headers }),
        )
        // A client that claims to be root is still alice.
        const name = response.headers.get('x-auth-principal')
        const ours = name === 'root' ? 'root' : String(response.status)
        return { of: `${proxy}: ${JSON.stringify(lines)}`, recorded: String(status), ours }
      }),
    )
  })
  return (await Promise.all(cases)).flat()
}
