/** A GET for a path of the guarded server, with an optional token. */
export function get(path: string, token?: string, headers: Record<string, string> = {}): Request {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return new Request(`https://api.example.test${path}`, {
    headers: { ...authorization, ...headers },
  })
}

/**
 * A Request with exactly these URL and header values. Some servers create such a Request from raw bytes, while
 * `new Request` would reject or repair them.
 */
export function raw(url: string, headers: Record<string, string> = {}, method = 'GET'): Request {
  const request = new Request('https://api.example.test/', {
    method: method === 'TRACE' ? 'GET' : method,
  })
  const fields = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
  const rawHeaders = {
    get: (name: string) => fields.get(name.toLowerCase()) ?? null,
    has: (name: string) => fields.has(name.toLowerCase()),
    forEach: (visit: (value: string, name: string) => void) => fields.forEach(visit),
  }
  return Object.defineProperties(request, {
    url: { value: url },
    method: { value: method },
    headers: { value: rawHeaders },
  })
}

/** A Request as Bun makes it for a route: it inherits `params`. */
export function routed(
  path: string,
  params: Readonly<Record<string, string>> = {},
  token?: string,
  method = 'GET',
): Request {
  class BunRequest extends Request {
    get params(): typeof params {
      return params
    }
  }
  return new BunRequest(get(path, token), { method })
}
