import { createKeyEndpoint } from 'with-auth/keys'

export default { fetch: createKeyEndpoint({ file: process.env.KEYS_FILE }, { maxAgeSeconds: 10 }) }
