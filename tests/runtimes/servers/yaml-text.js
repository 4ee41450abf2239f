import { withAuth } from 'with-auth'
import { parseConfig } from 'with-auth/yaml'

// Workers hand their environment over; the others have it in `process`.
const environmentOf = (env) => (env?.RUN_YAML === undefined ? process.env : env)

export default withAuth({ fetch: () => new Response('in') }, (env) => {
  const { RUN_YAML, AUTH_URL, SECRET } = environmentOf(env)
  return parseConfig(RUN_YAML, { path: 'run.yaml', env: { AUTH_URL, SECRET } })
})
