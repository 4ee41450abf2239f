/** In the place of `options.js`: verdicts depend on the token and the path, and are kept. */
export const options = { timeoutMs: 2000, context: { headers: [], params: 'none' }, cache: {} }
