/**
 * In place of `issuer` of `jwt`: accepts every issuer whose tokens the keys can verify. Only a file can ask for it, since OGX checks no
 * issuer by default; code must name one. Here, since the folder of `jwt` loads jose.
 */
export const ANY_ISSUER: unique symbol = Symbol('any issuer')
