import { jwt } from '../../src/jwt.ts'
import { getAuth, withAuth } from '../../src/index.ts'
import { parseConfig } from '../../src/yaml.ts'
import { at, readRecording } from './recording.ts'
import { startRecordedService } from './service.ts'
import type { Case } from './recording.ts'
import type { Answer } from './service.ts'

export interface Recording {
  readonly providers: {
    /** In seconds. */
    readonly now: number
    readonly set: object
    /** The keys of `provider_config`, by the name of the file. */
    readonly files: Readonly<Record<string, string>>
    readonly cases: readonly {
      readonly file: string
      readonly name: string
      readonly bearer: string | null
      /** The answers of the service, by path. `set` is the key set. */
      readonly answers: Readonly<Record<string, Answer | 'set'>>
      readonly real: {
        readonly status: number
        readonly app?: { readonly principal: string; readonly attributes: object | null }
      }
    }[]
  }
}

/** Tokens that the providers of Llama Stack decided about, with the same services behind ours. */
export async function replayProviders(): Promise<Case[]> {
  const { providers } = readRecording<Recording>('llama-stack')
  const set: Answer = { status: 200, body: JSON.stringify(providers.set) }
  let answers: Readonly<Record<string, Answer | 'set'>> = {}
  const service = await startRecordedService(({ url }) => {
    const answer = answers[url.replace(/\?.*$/, '')] ?? { status: 404 }
    return answer === 'set' ? set : answer
  })
  const cases = await at(providers.now * 1000, async () => {
    const found: Case[] = []
    for (const { file, name, bearer, answers: given, real } of providers.cases) {
      answers = given
      const keys = providers.files[file.replace(/ fresh$/, '')]?.replaceAll(
        'PORT',
        String(service.port),
      )
      const config = parseConfig(`server: { auth: { provider_config: { ${keys} } } }`, { jwt })
      const app = (request: Request): Response => Response.json(getAuth(request))
      const guarded = withAuth(app, { ...config, retry: false, onEvent: () => undefined })
      const headers = new Headers(bearer === null ? {} : { authorization: `Bearer ${bearer}` })
      const response = await guarded(new Request('http://h.test/v1/models', { headers }))
      const { principal, attributes } = (await response.json()) as Record<string, unknown>
      const ours = response.status === 200 ? shown({ principal, attributes }) : 'rejected'
      const recorded =
        real.app === undefined
          ? 'rejected'
          : shown({ principal: real.app.principal, attributes: real.app.attributes ?? {} })
      found.push({ of: `${file}: ${name}`, recorded, ours })
    }
    return found
  })
  await service.stop()
  return cases
}

function shown(identity: object): string {
  return JSON.stringify(identity)
}
