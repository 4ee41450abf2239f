// The auth endpoint, on the fastest runtime. It accepts the contract's POST and a proxy's GET with the client's header.
// `?delay=` is in milliseconds. `?body=none` omits the identity. `GET /calls` returns the number of calls.
const IDENTITY = '{"principal":"ada","attributes":{"roles":["admin"]}}'
let calls = 0

async function tokenOf(request) {
  if (request.method === 'POST') return (await request.json()).api_key
  return request.headers.get('authorization')?.replace('Bearer ', '')
}

async function answer(request) {
  const { pathname, search } = new URL(request.url)
  if (pathname === '/calls') return new Response(String(calls))
  calls += 1
  const token = await tokenOf(request)
  const delay = /delay=(\d+)/.exec(search)
  if (delay !== null) await Bun.sleep(Number(delay[1]))
  if (!token?.startsWith('sk-good-')) return new Response('', { status: 401 })
  const body = search.includes('body=none') ? '' : IDENTITY
  return new Response(body, { headers: { 'content-type': 'application/json' } })
}

const server = Bun.serve({ fetch: answer, hostname: '127.0.0.1', port: 0 })
console.log(`Listening on ${server.url}`)
