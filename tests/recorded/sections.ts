import { jwt } from '../../src/jwt.ts'
import { ConfigFileError, parseConfig } from '../../src/yaml.ts'
import { readRecording } from './recording.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { Case } from './recording.ts'

interface Recording {
  readonly sections: readonly {
    readonly name: string
    readonly yaml: string
    readonly env: Readonly<Record<string, string>>
    readonly real: {
      readonly ok: boolean
      readonly auth?: { readonly provider_config: { readonly endpoint?: string } | null } | null
    }
  }[]
}

/** Sections of `run.yaml` that the server read, refused or took for none, with the variables of its environment. */
export async function replaySections(): Promise<Case[]> {
  const { sections } = readRecording<Recording>('llama-stack')
  return sections.map(({ name, yaml, env, real }) => {
    const { ok, auth } = real
    const provider = auth?.provider_config
    const read = provider ? `read ${provider.endpoint ?? ''}` : 'open'
    return { of: `${name}: ${yaml}`, recorded: ok ? read : 'refused', ours: readBy(yaml, env) }
  })
}

function readBy(yaml: string, env: Readonly<Record<string, string>>): string {
  try {
    return shown(parseConfig(yaml, { env, jwt }))
  } catch (error) {
    if (error instanceof ConfigFileError) return 'refused'
    throw error
  }
}

// An endpoint whose tenants matter is a verifier.
function shown({ endpoint, verifier }: AuthConfig): string {
  const { describe } = verifier ?? {}
  return `read ${String(endpoint ?? Reflect.get(describe?.() ?? {}, 'endpoint') ?? '')}`
}
