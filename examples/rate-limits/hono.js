// npm install hono hono-rate-limiter rate-limit-redis ioredis srvx with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx srvx hono.js
import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'
import { Redis } from 'ioredis'
import { RedisStore } from 'rate-limit-redis'
import { auth } from 'with-auth/hono'

const { REDIS_URL } = process.env
const redis = REDIS_URL && new Redis(REDIS_URL, { commandTimeout: 500, maxRetriesPerRequest: 1 })
const store = redis && new RedisStore({ prefix: 'limit:', sendCommand: redis.call.bind(redis) })

function keyGenerator(c) {
  const { principal, tenant = '' } = c.var.auth
  if (principal !== undefined) return `principal:${tenant}:${principal}`
  const token = c.req.header('authorization').replace(/^bearer +/i, '')
  return `token:${createHash('sha256').update(token).digest('hex')}`
}

const app = new Hono()
app.use(auth())
app.use(rateLimiter({ windowMs: 60_000, limit: 10, keyGenerator, ...(store && { store }) }))
app.get('/v1/notes', (c) => c.json({ principal: c.var.auth.principal }))

export default app
