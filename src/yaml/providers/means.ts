import { misusedOption } from '../../core/config/option-checks.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { readTextFile } from '../../files/text-file.ts'
import type { Transport } from '../../core/auth-config.ts'
import type { AuthSection } from '../auth-section.ts'
import type { Means } from './make.ts'
import type { MakeJwt } from './provider.ts'
import type { Provider } from './section.ts'

type NodeTransport = (options: { readonly ca: string }) => Transport

const CA_FILE = ['tlsCafile']
const MOST_PEM = 2 ** 20

/** For a text: nothing is loaded, and no file is read. */
export function meansOfText(jwt: MakeJwt | undefined): Means {
  const transportFor = (): never => {
    const expected =
      'left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig'
    throw misusedOption(CA_FILE, expected)
  }
  return { jwt, transportFor, isEager: false }
}

/** For a file: loads what its providers need, and nothing else. */
export async function loadMeans(section: AuthSection | undefined): Promise<Means> {
  const providers = section?.deciders?.providers ?? []
  const isJwt = providers.some(checksTokensHere)
  const hasCa = providers.some(({ setting }) => setting.children?.has('tlsCafile'))
  const { jwt } = isJwt ? await import('../../jwt.ts') : {}
  const { nodeTransport } = hasCa ? await import('../../node.ts') : {}
  const transportFor = (file: string): Transport => connectBy(nodeTransport, file)
  return { jwt, transportFor, isEager: true }
}

function checksTokensHere({ name, setting }: Provider): boolean {
  return name === 'oauth2_token' && setting.children?.has('introspection') !== true
}

function connectBy(nodeTransport: NodeTransport | undefined, file: string): Transport {
  const ca = readCertificates(file)
  try {
    if (nodeTransport !== undefined) return nodeTransport({ ca })
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    const isFileWrong = error.option.startsWith('nodeTransport')
    throw misusedOption(
      CA_FILE,
      isFileWrong ? 'a file with certificates in PEM' : `left out here: ${error.message}`,
    )
  }
  throw new TypeError('nodeTransport is not loaded')
}

function readCertificates(file: string): string {
  try {
    return readTextFile(file, MOST_PEM)
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    throw misusedOption(CA_FILE, `a file that can be read: ${why}`)
  }
}
