// npm install express with-auth && npm pkg set type=module && AUTH_ENDPOINT=https://auth.example.com/validate node express.js
import express from 'express'
import { auth } from 'with-auth/express'

const app = express()
const notes = []

// Before any body parser.
app.use(auth())
app.use(express.json())

app.get('/v1/notes', (req, res) => res.json({ principal: req.auth?.principal, notes }))
app.post('/v1/notes', (req, res) => {
  notes.push(req.body.text)
  res.json({ principal: req.auth?.principal, notes })
})

app.listen(process.env.PORT ?? 3000)
