/** Handlers that do more than return the identity. */
export const PAGES = {
  '/echo': async (request) => new Response(await request.arrayBuffer()),
  '/large': () => new Response(`${'0123456789abcdef'.repeat(65_536)}END`),
  '/own-refusal': () => new Response('not yours', { status: 401, headers: { 'x-own': 'yes' } }),
  '/throws': () => {
    throw new Error('a bug in the handler')
  },
}
