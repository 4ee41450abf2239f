import { stringify } from 'yaml'
import { OPTIONS } from '../../core/config/options.ts'
import { resolveConfig } from '../../core/config/parse.ts'
import { dotted, nameMentioned } from '../../core/config/problems.ts'
import { startWarnings } from '../../core/response/authorization.ts'
import { ConfigFileError } from '../../yaml.ts'
import { loadFile, toTextOptions } from '../../yaml/parsed-file.ts'
import { keyOf } from '../../yaml/values.ts'
import { STORE_FORM } from '../../yaml/cache-section.ts'
import { peerAddressOf } from '../gateway/client-address.ts'
import { POLICY_OPTION, policyOptions } from '../gateway/config-file.ts'
import { requireOperand } from '../command-line.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import { nameFlag } from '../errors.ts'
import { escapeHidden } from '../shown-value.ts'
import { EXIT } from '../surroundings.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { Form } from '../../core/config/form.ts'
import type { DecisionStore } from '../../core/seams.ts'
import type { ResolvedConfig } from '../../core/config/parse.ts'
import type { ParsedFile } from '../../yaml/parsed-file.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

export const configCommand: Command = {
  name: 'config',
  usage: 'FILE [OPTIONS]',
  summary: 'validate server.auth of a run.yaml, and print it with all defaults',
  details:
    'Secrets are not printed. Environment variables are resolved as in the gateway. Prints the warnings of a provider and of the rules too.',
  examples: ['with-auth config run.yaml'],
  options: POLICY_OPTION,
  run,
}

async function run(line: CommandLine, { print }: Surroundings): Promise<number> {
  const file = requireOperand(line, 'FILE')
  const loading = loadFile(file, toTextOptions(policyOptions(line)))
  if (line.has('json')) await loading.catch((error) => printProblems(error, print))
  const { config = {}, sections, rules } = await loading.catch(nameFlag('FILE', file))
  const resolved = resolveConfig(config, peerAddressOf)
  const auth = showConfig(config, resolved, { sections, rules })
  const warnings = startWarnings(resolved)
  if (line.has('json')) {
    const shown = { server: { auth }, ...revocationBounds(resolved), warnings }
    print(escapeHidden(`${JSON.stringify(shown)}\n`))
    return EXIT.ok
  }
  const comments = [describeRevocation(resolved), ...warnings.map((text) => `Warning: ${text}`)]
  print(
    `${toYaml({ server: { auth } })}\n${comments.map((text) => `# ${escapeHidden(text)}\n`).join('')}`,
  )
  return EXIT.ok
}

function printProblems(error: unknown, print: Surroundings['print']): void {
  if (!(error instanceof ConfigFileError)) return
  const problems = error.problems.map(({ line, column, key, expected, received }) => ({
    line,
    column,
    option: key,
    expected: nameMentioned(expected, (path) =>
      JSON.stringify(dotted(path.map((part) => keyOf(String(part))))),
    ),
    received,
  }))
  print(escapeHidden(`${JSON.stringify({ problems })}\n`))
}

// YAML allows escapes only in double quotes.
function toYaml(value: unknown): string {
  const text = stringify(value)
  if (escapeHidden(text) === text) return text
  const quoted = stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' })
  return escapeHidden(quoted)
}

const REDACTED = '[redacted]'

/** Options that are shown in another way, or that only code can set. */
const APART = 'endpointHeaders fetch onEvent respond verifier'.split(' ')
/** A verifier that answers from memory ignores them. */
const OF_SERVICE = ['retry', 'circuitBreaker', 'concurrency']
const OF_UPSTREAM = ['credentials', 'context']

/**
 * A configuration with its defaults, in snake_case and without secrets.
 *
 * @param file The options of its store, and its rules.
 */
export function showConfig(
  config: AuthConfig,
  resolved: ResolvedConfig,
  { sections, rules }: Partial<Pick<ParsedFile, 'sections' | 'rules'>> = {},
): unknown {
  const { verifier, endpointHeaders, cache, resource } = resolved
  const { store, ...bounds } = cache ? cache.describe() : { store: undefined }
  const hidden = new Set([
    ...APART,
    ...(isLocal(verifier) ? OF_SERVICE : []),
    ...(verifier?.label === 'upstream' ? OF_UPSTREAM : []),
  ])
  const { clientAddress: _, ...context } = resolved.context
  const endpoint = resolved.endpoint?.replace(/\?.*/s, `?${REDACTED}`)
  const given = {
    ...resolved,
    context,
    endpoint,
    public: config.public ?? [],
    routePolicy: rules,
    cache: cache && bounds,
    resource: resource && withoutEmpty(resource.describe()),
  }
  const names = Object.keys(OPTIONS).filter((name) => !hidden.has(name))
  const headers = Object.keys(endpointHeaders).map((name) => [name, REDACTED])
  return {
    ...inSnakeCase(Object.fromEntries(names.map((name) => [name, Reflect.get(given, name)]))),
    tenant: false,
    ...(verifier === undefined ? { tenant_field: 'tenant' } : verifier.describe()),
    ...(store === undefined ? {} : inSnakeCase({ store: showStore(sections?.store, store) })),
    ...(headers.length === 0 ? {} : { endpoint_headers: Object.fromEntries(headers) }),
  }
}

function isLocal(verifier: ResolvedConfig['verifier']): boolean {
  return verifier !== undefined && verifier.members.every(({ local }) => local === true)
}

// An empty name, URL or list is none.
function withoutEmpty(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => !isEmpty(value)))
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.length === 0)
}

function showStore(
  section: unknown,
  { lostPushTtlMs }: Pick<DecisionStore, 'lostPushTtlMs'>,
): object {
  const given: unknown = { ...Object(section), lostPushTtlMs }
  const shown = Object.entries<Form>(STORE_FORM.fields).map(([name, form]) => {
    const value: unknown = Reflect.get(Object(given), name) ?? form.default
    return [name, form.isSecret === true && value !== undefined ? REDACTED : value]
  })
  return Object.fromEntries(shown)
}

function inSnakeCase(options: object): object {
  const entries = Object.entries(options)
  return Object.fromEntries(entries.map(([name, member]) => [keyOf(name), snakeCaseOf(member)]))
}

function snakeCaseOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCaseOf)
  return typeof value === 'object' && value !== null ? inSnakeCase(value) : value
}
