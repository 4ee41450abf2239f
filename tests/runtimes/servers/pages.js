/** Handlers that do more than return the identity. */
export const PAGES = {
  '/echo': async (request) => new Response(await request.arrayBuffer()),
  '/events': tellInTwoParts,
  '/large': () => new Response(`${'0123456789abcdef'.repeat(65_536)}END`),
  '/own-refusal': () => new Response('not yours', { status: 401, headers: { 'x-own': 'yes' } }),
  '/throws': () => {
    throw new Error('a bug in the handler')
  },
}

// The second part only when the client has the first.
function tellInTwoParts(request) {
  const { readable, writable } = new TransformStream()
  void tell(writable.getWriter(), request.headers.get('x-gate'))
  return new Response(readable, { headers: { 'content-type': 'text/event-stream' } })
}

async function tell(writer, gate) {
  const encoder = new TextEncoder()
  await writer.write(encoder.encode('data: one\n\n'))
  await fetch(gate)
  await writer.write(encoder.encode('data: two\n\n'))
  await writer.close()
}
