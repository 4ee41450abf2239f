import { parseList } from '../../../core/config/problems.ts'
import { ignore } from '../../../core/async.ts'
import { invalidSecret } from '../../../core/config/option-checks.ts'
import { hashKey } from '../../../keys/secret.ts'
import { drawKey, hashText } from './keyed-hash.ts'
import { defineVerifier } from '../../../verifiers/define-verifier.ts'
import { READS_TOKEN } from '../../../verifiers/options.ts'
import { providerType } from './provider.ts'
import type { FormOf } from '../../../core/config/form.ts'
import type { DefinedVerifier, Verdict } from '../../../core/verifier.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'

interface LocalKeys {
  /** `undefined` for an entry that came out empty: it keeps its number. */
  readonly apiKeys: readonly (string | undefined)[]
}

const TOKEN68 = /^[\w.~+/-]+=*$/

const API_KEYS: FormOf<LocalKeys['apiKeys']> = {
  kind: 'code',
  is: 'apiKeys',
  isSecret: true,
  isRequired: true,
  items: { kind: 'text', pattern: TOKEN68, isSecret: true },
  read: (value, path) => {
    if (!Array.isArray(value) || value.every((key) => key === undefined)) {
      throw invalidSecret(path, 'a list of at least one key')
    }
    const given: readonly unknown[] = value
    return parseList(given, path, (key, itemPath) => {
      if (key === undefined) return undefined
      if (typeof key !== 'string' || !TOKEN68.test(key)) {
        throw invalidSecret(itemPath, 'a key of letters, digits and -._~+/, with = at its end')
      }
      const isFirst = given.indexOf(key) === Number(itemPath.at(-1))
      if (!isFirst) throw invalidSecret(itemPath, 'left out: the list has the same key before it')
      return key
    })
  },
}

/** Keys that the file holds. */
export const LOCAL_KEYS: ProviderType = providerType<LocalKeys>({ apiKeys: API_KEYS }, make, {
  lacksTenant: () => 'keys have none. Set another mode',
})

function make({ apiKeys: keys }: Given<LocalKeys>, { quote, files }: Tools): Made | undefined {
  if (keys === undefined) return undefined
  return {
    part: { verifier: verifyKeys(keys, files !== undefined) },
    warnings: [
      `${quote('api_keys')} names a caller by the place of the key in the list, so never reorder it, and gives every key the roles admin and owner. Move the keys to a key file (with-auth keys), which has names, roles and ends`,
    ],
  }
}

/** Keys by their SHA-256, and the keyed hashes that tell whether a token is one of them. */
interface HashedKeys {
  readonly numbers: Promise<ReadonlyMap<string, number>>
  readonly accepts: (token: string) => boolean
}

const DENIED: Verdict = { outcome: 'deny', detail: 'unknown_token' }

function verifyKeys(given: LocalKeys['apiKeys'], isEager: boolean): DefinedVerifier {
  let keys = given
  let made: HashedKeys | undefined
  const hashed = (): HashedKeys => {
    made ??= hashKeys(keys)
    keys = []
    return made
  }
  // A text may be read on Workers, which draw a random value only during a request.
  if (isEager) hashed()
  return defineVerifier({
    ask: async ({ token }) => {
      const number = (await hashed().numbers).get(await hashKey(token))
      return number === undefined ? DENIED : allow(`key-${number}`)
    },
    reads: READS_TOKEN,
    local: true,
    label: 'keys',
    accepts: (token: string) => hashed().accepts(token),
  })
}

function allow(name: string): Verdict {
  const attributes = { roles: ['admin', 'owner'], teams: [name] }
  return { outcome: 'allow', principal: name, attributes }
}

function hashKeys(given: LocalKeys['apiKeys']): HashedKeys {
  const secret = drawKey()
  const markOf = (token: string): string => hashText(token, secret).join()
  const keys = given.flatMap((key, index) => (key === undefined ? [] : [{ key, index }]))
  const marks = new Set(keys.map(({ key }) => markOf(key)))
  const entries = keys.map(async ({ key, index }) => [await hashKey(key), index + 1] as const)
  const numbers = Promise.all(entries).then((all) => new Map(all))
  ignore(numbers)
  return { numbers, accepts: (token) => marks.has(markOf(token)) }
}
