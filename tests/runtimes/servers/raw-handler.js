/** The config, but for the endpoint: each request is one question, whatever happened before. */
export const OPTIONS = {
  public: ['/healthz', '/public/*', '/'],
  timeoutMs: 20_000,
  retry: false,
  circuitBreaker: false,
}

/** Prints that a handler was called: in ASCII and in one line, so that it can be found in whatever else is printed. */
export function serve(request, route) {
  const { method, url, headers } = request
  const [authorization, variant, fence] = ['authorization', 'x-variant', 'x-fence'].map((name) =>
    headers.get(name),
  )
  const inherited = Object.keys(Object.prototype)
  const call = { method, url, route, authorization, variant, fence, inherited }
  const line = JSON.stringify(call).replace(/[^\x20-\x7e]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  console.log(`HANDLER ${line}`)
  return new Response('handled')
}
