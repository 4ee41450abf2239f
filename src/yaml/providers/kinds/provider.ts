import { parseServiceUrl } from '../../../core/config/service-url.ts'
import { parseFields, readTable } from '../../../core/config/interpreter.ts'
import { Problems } from '../../../core/config/problems.ts'
import { isRecord } from '../../../core/endpoint/claim-path.ts'
import { withoutQuery } from '../../../verifiers/options.ts'
import { isUrl } from '../../origins.ts'
import { keyOf, partsOf } from '../../values.ts'
import { withAliases } from '../aliases.ts'
import type { AuthConfig } from '../../../core/auth-config.ts'
import type { Transport, Verifier } from '../../../core/verifier.ts'
import type { Fields, Form, Table } from '../../../core/config/form.ts'
import type { OptionPath } from '../../../core/config/problems.ts'
import type { EndpointVerifierOptions } from '../../../verifiers/endpoint-verifier.ts'
import type { Values } from '../../values.ts'
import type { Aliases } from '../aliases.ts'
import type { Names } from './renamed.ts'

/** Makes a verifier as `jwt` of with-auth/jwt does, which checks the options. */
export type MakeJwt = (options: never) => Verifier

/** Reads the files that a provider may name. `parseConfig` reads none. */
export interface Files {
  /** Sends requests to servers with certificates of the authorities in a file. Throws an `AuthConfigError` about `tlsCafile`. */
  readonly transportFor: (caFile: string) => Transport
  /** Knows the authority of the cluster that this process runs in, if the URL is one of its addresses. Warns if it cannot be used. */
  readonly podTransport: (
    url: string | undefined,
    warn: (message: string) => void,
  ) => Transport | undefined
  readonly podTokenFile: string
  /** Decides about the keys of a key file or a SQLite file. Throws an `AuthConfigError` about `file`. */
  readonly verifierOfKeys: (file: string) => Verifier
  readonly readText: (file: string) => string
}

/** Everything that a provider needs beside its own keys. */
export interface Tools {
  /** Whether a key is written down, right or wrong, or else has its default. */
  readonly has: (key: string) => boolean
  /** A key with its whole path, quoted for a warning. */
  readonly quote: (key: string) => string
  /** Whether it is written as `provider_type` and `config`. */
  readonly isOlder: boolean
  /** Whether rules say which callers may do what. Without one each may do everything. */
  readonly hasRules: boolean
  readonly allowInsecureHttp: boolean
  /** For the certificates of `tls_cafile`. */
  readonly fetch: Transport | undefined
  /** The transport of the provider, by default that of the runtime, as a watch sees it. */
  readonly watched: (fetch: Transport | undefined) => Transport | undefined
  readonly jwt: MakeJwt | undefined
  readonly files: Files | undefined
  /** The options of `server.auth` for an auth endpoint. */
  readonly forEndpoint: Pick<EndpointVerifierOptions, 'context' | 'identity'>
  /** Adds a problem of a key, or of the provider for an empty path. */
  readonly reject: (path: OptionPath, expected: string) => void
  /** Returns the result of `make`, or `undefined` after it threw an `AuthConfigError`, whose problems it adds. */
  readonly attempt: <Value>(make: () => Value) => Value | undefined
}

/** The keys of a provider. One with a problem is left out. */
export type Given<Keys> = { readonly [Name in keyof Keys]?: Keys[Name] | undefined }

/** The result of a provider. */
export interface Made {
  /** The part of a config that decides. */
  readonly part: AuthConfig & { readonly verifier: Verifier }
  readonly warnings?: readonly string[]
  /** The key for each option that the verifier speaks of while it works. */
  readonly names?: Names
  /** A warning of the verifier that names options of code. `warnings` has it with the keys of the file. */
  readonly rewords?: string
  /** Keys whose default the verifier decides. */
  readonly defaults?: object
}

/** A type of provider. */
export interface ProviderType {
  /** Its keys, the older ones included. */
  readonly fields: Fields
  readonly aliases: Aliases
  /** Advice for a file that needs a tenant, or `undefined` if the provider may give one. */
  readonly lacksTenant: (has: Tools['has']) => string | undefined
  /** Finds every problem. Returns `undefined` if there is one that leaves nothing to return. */
  readonly make: (values: Values, tools: Tools) => (Made & { readonly shown: object }) | undefined
}

interface More {
  readonly aliases?: Aliases
  readonly lacksTenant?: ProviderType['lacksTenant']
}

/** Describes a type of provider by the keys that it has, and by what is made of them. */
export function providerType<Keys extends object>(
  table: Table<Keys>,
  make: (keys: Given<Keys>, tools: Tools) => Made | undefined,
  more?: More,
): ProviderType
export function providerType(
  table: Fields,
  make: (keys: Values, tools: Tools) => Made | undefined,
  { aliases = {}, lacksTenant = () => undefined }: More = {},
): ProviderType {
  return {
    fields: withAliases(table, aliases),
    aliases,
    lacksTenant,
    make: (values, tools) => {
      const problems = new Problems()
      const given: Values = readTable<object>(table, values, [], problems, 'a mapping')
      // Has no prototype: a key that was left out must not come from Object.prototype.
      const parsed: Values = Object.create(null)
      Object.assign(parsed, parseFields<object>(table, given, [], problems))
      // One that could not be read has no default.
      const unread = Object.keys(table).filter(
        (name) => given[name] === undefined && tools.has(name),
      )
      for (const name of unread) delete parsed[name]
      tools.attempt(() => problems.throwIfAny())
      checkUrls(values, table, [], tools)
      const made = tools.attempt(() => make(parsed, tools))
      return made && { ...made, shown: describeAll({ ...parsed, ...made.defaults }, table) }
    },
  }
}

/** Another problem of a provider must not hide that tokens would travel in clear text. */
function checkUrls(values: Values, fields: Fields, path: OptionPath, tools: Tools): void {
  for (const [name, form] of Object.entries(fields)) {
    const value = values[name]
    const here = [...path, name]
    if (isUrl(form) && value !== undefined) {
      tools.attempt(() => parseServiceUrl(value, here, tools.allowInsecureHttp))
    }
    if (isRecord(value)) checkUrls(value, partsOf(form).fields ?? {}, here, tools)
  }
}

/** An object without its members that are `undefined`, which no option may be. */
export function present<Value extends object>(value: Value): Present<Value> {
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members) as Present<Value>
}

type Present<Value> = {
  [Name in keyof Value as undefined extends Value[Name] ? never : Name]: Value[Name]
} & {
  [Name in keyof Value as undefined extends Value[Name] ? Name : never]?: Exclude<
    Value[Name],
    undefined
  >
}

const REDACTED = '[redacted]'

/** Keys in snake_case and without secrets, as `with-auth config` prints them. */
function describeAll(values: Values, all: Fields): object {
  const members = Object.entries(all).filter(([name]) => values[name] !== undefined)
  return Object.fromEntries(
    members.map(([name, form]) => [keyOf(name), describe(values[name], form)]),
  )
}

function describe(value: unknown, form: Form): unknown {
  if (form.isSecret === true) return redact(value)
  if (isUrl(form)) return withoutQuery(String(value))
  const { fields } = partsOf(form)
  return fields === undefined || !isRecord(value) ? value : describeAll(value, fields)
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(() => REDACTED)
  if (!isRecord(value)) return REDACTED
  return Object.fromEntries(Object.keys(value).map((name) => [name, REDACTED]))
}
