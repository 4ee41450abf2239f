// Like a function URL of AWS Lambda: requests become events in format 2.0, and results become responses.
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { handler } from './lambda.ts'

async function invoke(incoming, outgoing) {
  const { pathname, search } = new URL(incoming.url, 'http://localhost')
  const { cookie, ...headers } = incoming.headers
  const result = await handler({
    version: '2.0',
    routeKey: '$default',
    rawPath: pathname,
    rawQueryString: search.slice(1),
    cookies: cookie?.split('; '),
    headers,
    requestContext: {
      domainName: headers.host,
      http: { method: incoming.method, path: pathname, protocol: 'HTTP/1.1' },
    },
    body: (await buffer(incoming)).toString('base64'),
    isBase64Encoded: true,
  })
  outgoing.writeHead(result.statusCode, result.headers)
  outgoing.end(Buffer.from(result.body, result.isBase64Encoded ? 'base64' : 'utf8'))
}

createServer((incoming, outgoing) => void invoke(incoming, outgoing)).listen(0, '127.0.0.1')
