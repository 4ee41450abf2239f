/**
 * In place of `issuer`: accepts every issuer whose tokens the keys can verify. Only a file can ask for it, since OGX checks no
 * issuer by default; code must name one.
 */
export const ANY_ISSUER: unique symbol = Symbol('any issuer')
