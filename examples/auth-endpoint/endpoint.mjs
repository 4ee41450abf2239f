import { createHash } from 'node:crypto'
import { Hono } from 'hono'

// The SHA-256 of each key: printf %s "$KEY" | sha256sum
const users = new Map([
  ['c48a01f49fd0f2cc404bc3cbbc80e91457a3d41bb429a695243de4c61794155c', { principal: 'alice' }],
])

const app = new Hono()

app.post('/validate', async (c) => {
  const question = await c.req.json().catch(() => undefined)
  const key = question?.api_key
  if (typeof key !== 'string') return c.text('"api_key" must be a string', 400)
  const user = users.get(createHash('sha256').update(key).digest('hex'))
  if (user === undefined) return c.text('unknown key', 401)
  return c.json(user, 200, { 'cache-control': 'max-age=10' })
})

export default app
