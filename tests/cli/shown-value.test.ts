import { expect, it } from 'vitest'
import { escapeHidden, showFile, shown, showName, showValue } from '../../src/cli/shown-value.ts'
import { words } from '../support/words.ts'

const HIDDEN = '(hidden because it may be a secret)'
const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'

it.each(['gatway', '--upstraem', '-x', 'q'.repeat(24)])('shows the name %s', (name) => {
  expect(showName(name)).toBe(`"${name}"`)
})

it.each([
  KEY,
  'sk-s3cret',
  '--sk-s3cret',
  '',
  'a b',
  '-',
  '---x',
  'q'.repeat(25),
  'a\u001B',
  '\nx',
])('hides the name %j', (name) => {
  expect(showName(name)).toBe(HIDDEN)
})

it.each([
  ['soon', '"soon"'],
  ['two words', '"two words"'],
  ['x'.repeat(24), `"${'x'.repeat(24)}"`],
  ['a\u0001\u001Bb', String.raw`"a\u0001\u001bb"`],
  ['', '""'],
  ['2020-01-01', '"2020-01-01"'],
  ['/api-v1/', '"/api-v1/"'],
  ['http://h', '"http://h"'],
  ['http://h:8000/', '"http://h:8000/"'],
  [
    'https://long-name.of-a-host.example.com/v1?k=s3cret',
    '"https://long-name.of-a-host.example.com/…"',
  ],
  ['HTTPS://h?k=s3cret', '"HTTPS://h/…"'],
  ['https://h/\n?k=s3cret', '"https://h/…"'],
])('shows the value %j as %s', (value, text) => {
  expect(showValue(value)).toBe(text)
})

it.each([
  KEY,
  `a ${KEY}`,
  `https://h/${KEY}`,
  `http://${KEY}`,
  'sk-s3cret',
  'sk_live_4eC39',
  'a sk-s3cret',
  'key=sk-s3cret',
  'x'.repeat(25),
  `two ${'x'.repeat(25)}`,
  'https://user:s3cret@h/',
  'https://user:s3/cret@h',
  'rediss://u:s3cret@h',
])('hides the value %j', (value) => {
  expect(showValue(value)).toBe(HIDDEN)
})

it.each([
  ...words(`
    keys.yaml /run/secrets/with-auth/a-key-of-the-service ./ . .. keys
    a-long-name-of-a-file-with-keys.yaml
  `),
  String.raw`C:\keys`,
  String.raw`C:\keys@work.yaml`,
])('shows the file %s', (file) => {
  expect(showFile(file)).toBe(file)
})

it.each([
  KEY,
  `/tmp/${KEY}`,
  `${KEY}.yaml`,
  'sk-s3cret',
  'x'.repeat(25),
  'postgres://u:s3cret@h/k.db',
])('hides the file %s', (file) => {
  expect(showFile(file)).toBe(HIDDEN)
})

it.each([
  ['a.x\nwith-auth: b.yaml', String.raw`a.x\nwith-auth: b.yaml`],
  ['./a\n', String.raw`./a\n`],
  ['a\nb', String.raw`a\nb`],
])('shows the file %j on one line', (file, text) => {
  expect(showFile(file)).toBe(text)
})

it('escapes terminal control characters, but not line breaks and letters', () => {
  expect(escapeHidden('é\n\u0000\t\r\u001B\u007F\u0085\u00A0\u200B\u202E\u2028\uFEFF😀')).toBe(
    `é\n${String.raw`\u0000\u0009\u000d\u001b\u007f\u0085\u00a0\u200b\u202e\u2028\ufeff`}😀`,
  )
})

it.each([
  ['alice', 'alice'],
  ['a b!~', 'a b!~'],
  ['a\u001B[31m', '"a\\u001b[31m"'],
  ['a\u202Eb', '"a?b"'],
])('shows %j as %s', (name, text) => {
  expect(shown(name)).toBe(text)
})
