import { rejectInsecure } from '../../core/config/service-url.ts'
import { startWarnings } from '../../core/response/authorization.ts'
import { warning } from './finding.ts'
import { providersOf } from './file.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { OpenedFile } from './file.ts'
import type { Finding } from './finding.ts'

const INSECURE = /allow_?insecure_?http/i
/** The options that are asked at, of providers or of `server.auth`. */
const ASKED: readonly OptionPath[] = [
  ['endpoint'],
  ['jwks', 'uri'],
  ['introspection', 'url'],
  ['apiServerUrl'],
  ['githubApiBaseUrl'],
]

/** Warnings that the gateway would write at its start, each at its line, and URLs without TLS. */
export function checkWarnings(file: OpenedFile): readonly Finding[] {
  const insecure = findInsecure(file)
  const told = startWarnings(file.resolved)
    // The line of the URL says it better.
    .filter((text) => insecure.length === 0 || !INSECURE.test(text))
    .map((text) => warning(file.at(pathIn(text)), `${text}.`))
  return [...told, ...insecure]
}

function findInsecure({ section, at, ...file }: OpenedFile): readonly Finding[] {
  const { options } = section
  const ofProviders = providersOf({ section, at, ...file }).flatMap(({ values, path }) => {
    const all = values['discovery'] === true ? [...ASKED, ['issuer']] : ASKED
    return all.map((one) => ({ path: [...path, ...one], url: readAt(values, one) }))
  })
  const asked = [{ path: ['endpoint'], url: options['endpoint'] }, ...ofProviders]
  const found = asked.filter(({ url }) => isInsecure(url))
  const store = readAt(options, ['store', 'url'])
  const ofStore = String(store).replace(/^redis:\/\/(?:[^/]*@)?/, 'http://')
  return [
    ...found.map(({ path }) => {
      return warning(
        at(path),
        `"${at(path).key}" leads to another machine without TLS: anyone on the network between can read tokens and change answers.`,
        'Use https.',
      )
    }),
    ...(isInsecure(ofStore)
      ? [
          warning(
            at(['store', 'url']),
            'The store is on another machine, and reached without TLS: anyone on the network between can read its password and stop revocations.',
            'Use rediss://.',
          ),
        ]
      : []),
  ]
}

function isInsecure(url: unknown): boolean {
  if (typeof url !== 'string' || !/^http:/i.test(url)) return false
  try {
    rejectInsecure(url, [])
    return false
  } catch {
    return true
  }
}

function readAt(values: unknown, path: OptionPath): unknown {
  return path.reduce<unknown>((value, name) => Reflect.get(Object(value), name), values)
}

/** The option that a warning names, as a path: `["providers", "0", "claimsMapping"]`. */
function pathIn(text: string): OptionPath {
  const [, rule] = /^Rule (\d+) of the route policy/.exec(text) ?? []
  if (rule !== undefined) return ['routePolicy', rule]
  const [, key = ''] = /"server\.auth\.([\w.[\]]+)"/.exec(text) ?? []
  const parts = key.match(/\w+/g) ?? []
  return parts.map((part) => (part === 'provider_config' ? part : optionOf(part)))
}

function optionOf(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
