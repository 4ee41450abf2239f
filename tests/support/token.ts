/** The token of the tests. */
export const TOKEN = 'good'
