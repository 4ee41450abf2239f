const TOKEN = 'with-auth console'

/** The session has ended, or there was none. */
export class SignedOutError extends Error {}

export function isSignedIn(): boolean {
  return sessionStorage.getItem(TOKEN) !== null
}

/** Begins a session by the code of a link. */
export async function signIn(code: string): Promise<void> {
  sessionStorage.removeItem(TOKEN)
  const { token } = await read<{ token: string }>(await send('/session', { code }))
  sessionStorage.setItem(TOKEN, token)
}

/** Gets something, or changes something by a body. Throws the message of the server. */
export async function call<Answer>(path: string, body?: object): Promise<Answer> {
  return read<Answer>(await send(path, body))
}

/** Gets what goes on, line by line. */
export async function* follow<Entry>(path: string): AsyncGenerator<Entry, void> {
  const response = await send(path)
  if (!response.ok || response.body === null) await read(response)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    const lines = `${rest}${part.value}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Entry
  }
}

function send(path: string, body?: object): Promise<Response> {
  const token = sessionStorage.getItem(TOKEN)
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  return fetch(path, { headers, ...init }).catch(() => {
    throw new Error('The console does not answer. Was the command stopped?')
  })
}

async function read<Answer>(response: Response): Promise<Answer> {
  const json = (await response.json()) as Answer & { error?: { message?: string } }
  if (response.ok) return json
  if (response.status === 401) {
    sessionStorage.removeItem(TOKEN)
    throw new SignedOutError()
  }
  throw new Error(json.error?.message ?? `The console answered ${response.status}`)
}
