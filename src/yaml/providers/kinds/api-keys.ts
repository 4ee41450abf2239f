import { misusedOption } from '../../../core/config/option-checks.ts'
import { providerType } from './provider.ts'
import type { Given, Made, ProviderType, Tools } from './provider.ts'

interface ApiKeys {
  readonly file: string
}

/** Keys of `with-auth keys`. OGX has no such provider. */
export const API_KEYS: ProviderType = providerType<ApiKeys>(
  {
    file: {
      kind: 'text',
      isRequired: true,
      expected: 'the path of a key file or of a SQLite file',
    },
  },
  make,
)

function make({ file }: Given<ApiKeys>, { files }: Tools): Made | undefined {
  if (file === undefined) return undefined
  if (files !== undefined) return { part: { verifier: files.verifierOfKeys(file) } }
  const expected =
    'left out for parseConfig: it names a file, and parseConfig reads none: use loadConfig, or keys({ text }) of with-auth/keys'
  throw misusedOption(['file'], expected)
}
