import { parseServiceUrl } from '../core/config/service-url.ts'
import { invalidSecret } from '../core/config/option-checks.ts'
import type { FormOf } from '../core/config/form.ts'

/** The URL that the paths of an API are appended to. Its own path is kept. */
export const BASE_URL: FormOf<string> = {
  kind: 'code',
  is: 'baseUrl',
  isText: true,
  isUrl: true,
  isRequired: true,
  read: (value, path) => {
    const url = parseServiceUrl(value, path, true)
    // A query may hold a secret.
    if (url.includes('?')) throw invalidSecret(path, 'a URL without a query')
    return url.endsWith('/') ? url.slice(0, -1) : url
  },
}
