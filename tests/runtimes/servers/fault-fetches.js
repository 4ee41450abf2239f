const broken = () => {
  throw new Error('MARKER')
}
const response = (body, init) => new Response(body, { status: 200, ...init })
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const breaking = () =>
  new ReadableStream({
    pull: (controller) => controller.error(new Error('MARKER')),
  })

/** Faults of a user's own `fetch`. The options of a guard name one of them. */
export const FETCHES = {
  'throws at once': broken,
  'throws undefined at once': () => {
    throw undefined
  },
  'rejects with an error': async () => broken(),
  'rejects with undefined': () => Promise.reject(),
  'rejects with null': () => Promise.reject(null),
  'rejects when the deadline is over': (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => setTimeout(reject, 100, new Error('MARKER')))
    }),
  'answers when the deadline is over': (_url, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', () => setTimeout(() => resolve(response('{}')), 100))
    }),
  'never settles': () => new Promise(() => {}),
  'returns nothing': () => undefined,
  'resolves to nothing': async () => undefined,
  'resolves to null': async () => null,
  'resolves to true': async () => true,
  'resolves to 200': async () => 200,
  'resolves to an object that says ok': async () => ({ ok: true }),
  'resolves to a status that is a string': async () => ({ ...bare(), status: '200' }),
  'resolves to a status 200 without headers': async () => ({ status: 200, body: null }),
  'resolves to a status of its own type': async () => ({ ...bare(), status: Object(200) }),
  'resolves to an object whose status throws': async () =>
    Object.defineProperty(bare(), 'status', { get: broken }),
  'resolves to headers that throw': async () => ({ ...bare(), headers: { get: broken } }),
  'resolves to a thenable that throws': async () => ({ then: broken }),
  'resolves to what was redirected': async () => ({ ...bare(), redirected: true }),
  'resolves to a body that is locked': async () => {
    const locked = response('{"principal":"alice"}')
    locked.body.getReader()
    return locked
  },
  'resolves to a body that was read': async () => {
    const read = response('{"principal":"alice"}')
    await read.text()
    return read
  },
  'resolves to a body that breaks': async () => response(breaking()),
  'resolves to a body of text': async () => ({ ...bare(), body: '{"principal":"alice"}' }),
  'resolves to a body whose reader throws': async () => ({
    ...bare(),
    body: { getReader: broken },
  }),
  'resolves to a body that cannot be cancelled': async () => ({
    ...bare(),
    body: { [Symbol.asyncIterator]: () => ({ next: () => later(5000), return: broken }) },
  }),
  'resolves to a Response': async () => response('{"principal":"alice"}'),
}

function bare() {
  return { status: 200, headers: new Headers(), body: null }
}
