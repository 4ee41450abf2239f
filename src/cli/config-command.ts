import { stringify } from 'yaml'
import { resolveConfig } from '../core/config/parse.ts'
import { loadConfig } from '../yaml.ts'
import { requireOperand } from './command.ts'
import { nameFlag } from './file-flag.ts'
import { describeRevocation, revokedKeyWorksForMs } from './revocation.ts'
import { showConfig } from './shown-config.ts'
import { escapeHidden } from './shown-value.ts'
import { EXIT } from './surroundings.ts'
import type { CommandLine } from './command-line.ts'
import type { Command } from './command.ts'
import type { Surroundings } from './surroundings.ts'

export const configCommand: Command = {
  name: 'config',
  usage: 'FILE',
  summary: 'check server.auth of a run.yaml, and print it with all defaults',
  details:
    'Secrets are not printed. Variables are taken from the environment, as the gateway takes them.',
  examples: ['with-auth config run.yaml'],
  options: {},
  run,
}

async function run(line: CommandLine, { print }: Surroundings): Promise<number> {
  const file = requireOperand(line, 'FILE')
  const config = await loadConfig(file).catch(nameFlag('FILE', file))
  const resolved = resolveConfig(config)
  const auth = showConfig(config, resolved)
  const sentence = describeRevocation(resolved)
  const forMs = revokedKeyWorksForMs(resolved)
  print(
    line.has('json')
      ? escapeHidden(`${JSON.stringify({ server: { auth }, revokedKeyWorksForMs: forMs })}\n`)
      : `${toYaml({ server: { auth } })}\n# ${sentence}\n`,
  )
  return EXIT.ok
}

// YAML knows escapes in double quotes only.
function toYaml(value: unknown): string {
  const text = stringify(value)
  if (escapeHidden(text) === text) return text
  const quoted = stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
  return escapeHidden(quoted)
}
