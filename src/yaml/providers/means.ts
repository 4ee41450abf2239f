import { misusedOption } from '../../core/config/option-checks.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { UnreadableFileError } from '../../files/system.ts'
import { readTextFile } from '../../files/text-file.ts'
import { sha256 } from '../../verifiers/id/sha256.ts'
import { isOwnAddress, variable } from '../../verifiers/kubernetes/own-address.ts'
import type { Transport, Verifier } from '../../core/verifier.ts'
import type * as KeysApi from '../../keys.ts'
import type { KeyPlace } from '../../keys.ts'
import type { AuthSection } from '../auth-section.ts'
import type { Files } from './kinds/provider.ts'
import type { Means } from './make.ts'
import type { Provider } from './section.ts'

type NodeTransport = (options: { readonly ca: () => string }) => Transport

const MOST_PEM = 2 ** 20
const MOST_TOKEN = 2 ** 16
const NEEDS_UNDICI =
  'used on Node with the package "undici" 7.28 or later: npm install undici@7. Elsewhere let the process trust the authority, such as by NODE_EXTRA_CA_CERTS'
const NO_AUTHORITY = 'The authority of this cluster is not known, so no caller may get in'
/** Where Kubernetes puts the service account of a pod. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** Makes the verifier of API keys that a file names, in place of `keys`. */
export type OpenKeys = (place: KeyPlace) => Verifier

/** For a file: loads what its providers need, and nothing else. */
export async function loadMeans(
  section: AuthSection,
  openKeys?: OpenKeys,
  account: string = ACCOUNT,
): Promise<Means> {
  const providers = section.deciders?.providers ?? []
  const { jwt } = providers.some(checksTokensHere) ? await import('../../jwt.ts') : {}
  const { nodeTransport } = providers.some(mayNeedAuthority) ? await import('../../node.ts') : {}
  const hasKeys = providers.some(({ name }) => name === 'api_keys')
  const api = hasKeys ? await import('../../keys.ts') : undefined
  const verifierOfKeys = (file: string): Verifier => verifyKeys(file, api ?? notLoaded(), openKeys)
  return { jwt, files: createFiles(nodeTransport, verifierOfKeys, account) }
}

function checksTokensHere({ name, values }: Provider): boolean {
  return name === 'oauth2_token' && values['introspection'] === undefined
}

function mayNeedAuthority({ name, values }: Provider): boolean {
  return name === 'kubernetes' || values['tlsCafile'] !== undefined
}

function notLoaded(): never {
  throw new TypeError('What the provider needs is not loaded')
}

function verifyKeys(
  file: string,
  { KeyFileError, keys, sqliteKeys }: typeof KeysApi,
  open: OpenKeys = (place) => keys(typeof place === 'string' ? { file: place } : { store: place }),
): Verifier {
  try {
    // By the name: whoever opens a SQLite file that this process uses already drops its locks.
    return open(/\.(?:db|sqlite3?)$/i.test(file) ? sqliteKeys(file) : file)
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    const reason = error.message.replaceAll('\n', '; ')
    throw misusedOption(['file'], `a file of keys that can be read: ${reason}`)
  }
}

function createFiles(
  nodeTransport: NodeTransport | undefined,
  verifierOfKeys: Files['verifierOfKeys'],
  account: string,
): Files {
  const connect = (file: string): Transport => {
    if (nodeTransport === undefined) return notLoaded()
    const ca = (): string => readTextFile(file, MOST_PEM)
    // The error of `nodeTransport` would not say why a file cannot be read.
    const id = `ca ${sha256(ca())}`
    return Object.assign(nodeTransport({ ca }), { id })
  }
  return {
    transportFor: (file) => asCaFile(() => connect(file)),
    // For no other server: whoever runs the cluster could pretend to be that one.
    podTransport: (url, warn) =>
      url !== undefined && isOwnAddress(url)
        ? ifPossible(`${account}/ca.crt`, connect, warn)
        : undefined,
    podTokenFile: `${account}/token`,
    verifierOfKeys,
    readText: (file) => readTextFile(file, MOST_TOKEN),
  }
}

function asCaFile<Value>(make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    throw misusedOption(['tlsCafile'], expectedOf(error))
  }
}

function expectedOf(error: unknown): string {
  if (error instanceof UnreadableFileError) return `a file that can be read: ${error.message}`
  if (!(error instanceof AuthConfigError)) throw error
  return error.option.startsWith('nodeTransport') ? 'a file of certificates in PEM' : NEEDS_UNDICI
}

/** Outside of a pod the runtime's own `fetch` is used, and also in one where it may know the authority in another way. */
function ifPossible(
  file: string,
  connect: (file: string) => Transport,
  warn: (message: string) => void,
): Transport | undefined {
  try {
    return connect(file)
  } catch (error) {
    if (error instanceof UnreadableFileError) return undefined
    const mayBeTrusted = variable('NODE_EXTRA_CA_CERTS') !== undefined
    if (!mayBeTrusted) warn(`${NO_AUTHORITY}: "${file}" must be ${expectedOf(error)}`)
    return undefined
  }
}
