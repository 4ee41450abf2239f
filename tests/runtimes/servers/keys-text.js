import { createKeyEndpoint } from 'with-auth/keys'

let endpoint

export default {
  // Workers hand their environment over; the others have it in `process`.
  fetch(request, env) {
    const text = env?.KEYS_TEXT ?? process.env.KEYS_TEXT
    endpoint ??= createKeyEndpoint(
      { text },
      { maxAgeSeconds: 10, endpointSecret: 's3cr3t-s3cr3t-s3' },
    )
    return endpoint(request)
  },
}
