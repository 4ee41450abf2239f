// npm install express express-rate-limit rate-limit-redis ioredis with-auth && AUTH_ENDPOINT=https://auth.example.com/validate node express.js
import { createHash } from 'node:crypto'
import express from 'express'
import { rateLimit } from 'express-rate-limit'
import { Redis } from 'ioredis'
import { RedisStore } from 'rate-limit-redis'
import { auth } from 'with-auth/express'

const { REDIS_URL, PORT = 3000 } = process.env
const redis = REDIS_URL && new Redis(REDIS_URL, { commandTimeout: 500, maxRetriesPerRequest: 1 })
const store = redis && new RedisStore({ prefix: 'limit:', sendCommand: redis.call.bind(redis) })

function keyGenerator({ auth: { principal, tenant = '' }, headers }) {
  if (principal !== undefined) return `principal:${tenant}:${principal}`
  const token = headers.authorization.replace(/^bearer +/i, '')
  return `token:${createHash('sha256').update(token).digest('hex')}`
}

const app = express()
app.use(auth())
app.use(rateLimit({ windowMs: 60_000, limit: 10, keyGenerator, ...(store && { store }) }))
app.get('/v1/notes', (req, res) => res.json({ principal: req.auth.principal }))
app.listen(PORT)
