/** The token that the endpoints of the tests allow. No output, event or error may hold it: see tests/secrets. */
export const TOKEN = 'goodK7vQ2xW9mZ4tR8pL'
