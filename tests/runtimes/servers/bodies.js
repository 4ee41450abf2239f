import { withAuth } from 'with-auth'

const ROUTES = {
  '/status': describe,
  '/events': sendEvent,
  '/first': answerFirst,
  '/echo': echo,
  '/endless': sendEndlessly,
  '/drain': drain,
}
const encoder = new TextEncoder()
// A clone would replace the body by one half of a tee.
const received = new WeakMap()
const guarded = withAuth(handler, { timeoutMs: 5000 })

export default {
  // Of Bun, whose own limit is 128 MB: it rejects larger bodies before any handler.
  maxRequestBodySize: 512 * 1024 * 1024,
  fetch(request, ...args) {
    received.set(request, request.body)
    return guarded.fetch(request, ...args)
  },
}

function handler(request) {
  const { pathname } = new URL(request.url)
  const id = request.headers.get('x-id')
  console.log(`HANDLER ${id}`)
  return ROUTES[pathname](request, id)
}

function describe(request) {
  return Response.json({ same: received.get(request) === request.body, bodyUsed: request.bodyUsed })
}

/** One event, then a long silence: a server that buffers would send nothing. */
function sendEvent() {
  let timer
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode('data: first\n\n')),
    pull: () => new Promise((resolve) => (timer = setTimeout(resolve, 60_000))),
    cancel: () => clearTimeout(timer),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

async function answerFirst(request) {
  const { value } = await request.body.getReader().read()
  return new Response(value)
}

function echo(request) {
  return new Response(request.body)
}

function sendEndlessly(request, id) {
  request.signal.addEventListener('abort', () => console.log(`ABORTED ${id}`))
  let count = 0
  const body = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      controller.enqueue(encoder.encode(`tick ${(count += 1)}\n`))
    },
    cancel: () => console.log(`CANCELLED ${id}`),
  })
  return new Response(body)
}

async function drain(request, id) {
  try {
    await request.body.pipeTo(new WritableStream({ write: () => console.log(`CHUNK ${id}`) }))
  } catch {
    console.log(`BROKEN ${id}`)
  }
  return new Response('drained')
}
