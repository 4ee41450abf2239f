/** Logs in at oidc-provider as a user would, by its forms, and agrees to what it asks. Returns the URL to return to. */
export async function logIn(authorizationUrl: URL, user = 'alice'): Promise<URL> {
  const browser = new Browser()
  let next = authorizationUrl
  for (let steps = 0; steps < 12; steps += 1) {
    const { location, form } = await browser.open(next)
    if (form !== undefined) {
      next = await browser.submit(next, { ...form, login: user, password: 'any' })
    } else if (location?.pathname === '/callback') {
      return location
    } else if (location !== undefined) {
      next = location
    }
  }
  throw new Error(`The login does not end: it is at ${next.href}`)
}

/** As little of a browser as a login needs: cookies, redirects and forms. */
class Browser {
  readonly #cookies = new Map<string, string>()

  async open(url: URL): Promise<{ location?: URL; form?: Record<string, string> }> {
    const response = await this.#send(url, {})
    const location = locationOf(response, url)
    if (location !== undefined) return { location }
    const page = await response.text()
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
    if (response.ok && prompt !== undefined) return { form: { prompt } }
    throw new Error(`The login failed: ${response.status} ${page.replace(/<[^>]*>|\s+/g, ' ')}`)
  }

  async submit(url: URL, form: Record<string, string>): Promise<URL> {
    const response = await this.#send(url, { method: 'POST', body: new URLSearchParams(form) })
    return locationOf(response, url) ?? url
  }

  async #send(url: URL, init: RequestInit): Promise<Response> {
    const cookie = Array.from(this.#cookies, ([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '') this.#cookies.delete(name)
      else this.#cookies.set(name, value)
    }
    return response
  }
}

function locationOf(response: Response, base: URL): URL | undefined {
  const location = response.headers.get('location')
  return location === null ? undefined : new URL(location, base)
}
