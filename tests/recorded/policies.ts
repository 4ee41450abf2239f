import { withAuth } from '../../src/index.ts'
import { ConfigFileError, parseConfig } from '../../src/yaml.ts'
import { readRecording } from './recording.ts'
import type { Case, Serve } from './recording.ts'

interface Recording {
  readonly policies: readonly {
    readonly yaml: string
    readonly asked: readonly Asked[]
    readonly statuses: readonly number[] | 'refused'
  }[]
}

interface Asked {
  readonly target: string
  readonly method?: string
  /** The answer of the endpoint with status 200. */
  readonly answer: object | null
}

/** Files with a `route_policy`, and requests that OGX decided by them. */
export async function replayPolicies(_serve: Serve, every = 1): Promise<Case[]> {
  const { policies } = readRecording<Recording>('route-policies')
  const some = policies.filter((_, index) => index % every === 0)
  const cases = some.map(async ({ yaml, asked, statuses }): Promise<Case[]> => {
    const ours = await decideAll(yaml, asked)
    if (ours === undefined || statuses === 'refused') {
      return [{ of: yaml, recorded: shown(statuses), ours: shown(ours ?? 'refused') }]
    }
    return asked.map(({ method = 'GET', target, answer }, index) => ({
      of: `${method} ${target} ${JSON.stringify(answer)}\n${yaml}`,
      recorded: String(statuses[index]),
      ours: String(ours[index]),
    }))
  })
  return (await Promise.all(cases)).flat()
}

function shown(statuses: readonly number[] | 'refused'): string {
  return statuses === 'refused' ? 'refused' : 'read'
}

async function decideAll(
  yaml: string,
  asked: readonly Asked[],
): Promise<readonly number[] | undefined> {
  const config = readFile(yaml)
  if (config === undefined) return undefined
  const statuses: number[] = []
  for (const { target, method = 'GET', answer } of asked) {
    const fetch = () =>
      Promise.resolve(new Response(JSON.stringify(answer), { status: answer === null ? 401 : 200 }))
    const guarded = withAuth(() => new Response(), { ...config, fetch, onEvent: () => undefined })
    const headers = { authorization: 'Bearer my-token' }
    const response = await guarded(new Request(`http://h.test${target}`, { method, headers }))
    statuses.push(response.status)
  }
  return statuses
}

function readFile(yaml: string): ReturnType<typeof parseConfig> | undefined {
  try {
    return parseConfig(yaml)
  } catch (error) {
    if (error instanceof ConfigFileError) return undefined
    throw error
  }
}
