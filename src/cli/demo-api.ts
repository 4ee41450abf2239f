const WORDS = ['Hello', 'from', 'a', 'guarded', 'stream']
const PAUSE_MS = 200

/** The demo's server behind the gateway. It knows nothing of keys, and believes what the gateway tells it. */
export async function serveDemoApi(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/') return new Response('Everybody may read this.\n')
  if (pathname === '/v1/me') return Response.json(readIdentity(request.headers))
  if (pathname === '/v1/chat') return streamWords(request.signal)
  return new Response('Not found\n', { status: 404 })
}

function readIdentity(headers: Headers): unknown {
  const principal = decodeURIComponent(headers.get('x-auth-principal') ?? '')
  const attributes: unknown = JSON.parse(headers.get('x-auth-attributes') ?? '{}')
  return { principal, attributes }
}

function streamWords(signal: AbortSignal): Response {
  const words = WORDS[Symbol.iterator]()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = words.next()
      if (done === true || signal.aborted) return controller.close()
      controller.enqueue(encoder.encode(`data: ${value}\n\n`))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
