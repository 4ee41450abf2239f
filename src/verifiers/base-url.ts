import { invalidSecret } from '../core/config/option-checks.ts'
import { serviceUrl } from './options.ts'
import type { Kind } from '../core/config/kinds.ts'

/** The URL that the paths of an API are appended to. Its own path is kept. */
export function baseUrl(byDefault: string): Kind<string | URL, string> {
  return {
    form: { ...serviceUrl.form, kind: 'baseUrl', default: byDefault },
    parse: (value = byDefault, path) => {
      const url = serviceUrl.parse(value, path)
      // A query may hold a secret.
      if (url.includes('?')) throw invalidSecret(path, 'a URL without a query')
      return url.endsWith('/') ? url.slice(0, -1) : url
    },
  }
}
