import { expect, it } from 'vitest'
import { escapeHidden, showFile, shown, showName, showValue } from '../../src/cli/shown-value.ts'

const HIDDEN = '(hidden because it may be a secret)'
const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'
const [MOST, MORE] = ['x'.repeat(24), 'x'.repeat(25)]
const HIDES: Readonly<Record<string, readonly string[]>> = {
  name: [KEY, 'sk-s3cret', '--sk-s3cret', '', 'a b', '-', '---x', MORE, 'a\u001B', '\nx'],
  value: [
    KEY,
    `a ${KEY}`,
    `https://h/${KEY}`,
    `http://${KEY}`,
    'sk-s3cret',
    'sk_live_4eC39',
    'a sk-s3cret',
    'key=sk-s3cret',
    MORE,
    `two ${MORE}`,
    'https://user:s3cret@h/',
    'https://user:s3/cret@h',
    'rediss://u:s3cret@h',
  ],
  file: [KEY, `/tmp/${KEY}`, `${KEY}.yaml`, 'sk-s3cret', MORE, 'postgres://u:s3cret@h/k.db'],
}
const SHOW = { name: showName, value: showValue, file: showFile, 'name of a principal': shown }

it.each(Object.entries(HIDES).flatMap(([kind, texts]) => texts.map((text) => [kind, text])))(
  'hides the %s %j',
  (kind, text) => {
    expect(SHOW[kind as keyof typeof SHOW](text ?? '')).toBe(HIDDEN)
  },
)

it.each<[keyof typeof SHOW, string, string]>([
  ['name', 'gatway', '"gatway"'],
  ['name', '--upstraem', '"--upstraem"'],
  ['name', '-x', '"-x"'],
  ['name', MOST, `"${MOST}"`],
  ['value', 'soon', '"soon"'],
  ['value', 'two words', '"two words"'],
  ['value', MOST, `"${MOST}"`],
  ['value', 'a\u0001\u001Bb', String.raw`"a\u0001\u001bb"`],
  ['value', '', '""'],
  ['value', '2020-01-01', '"2020-01-01"'],
  ['value', '/api-v1/', '"/api-v1/"'],
  ['value', 'http://h', '"http://h"'],
  ['value', 'http://h:8000/', '"http://h:8000/"'],
  ['value', 'https://long-name.of-a-host.example/v?k=s', '"https://long-name.of-a-host.example/…"'],
  ['value', 'HTTPS://h?k=s3cret', '"HTTPS://h/…"'],
  ['value', 'https://h/\n?k=s3cret', '"https://h/…"'],
  ...['/run/secrets/with-auth/a-key-of-the-service', './', '.', '..', 'keys'].map(
    (file): ['file', string, string] => ['file', file, file],
  ),
  ['file', 'a-long-name-of-a-file-with-keys.yaml', 'a-long-name-of-a-file-with-keys.yaml'],
  ['file', String.raw`C:\keys`, String.raw`C:\keys`],
  ['file', String.raw`C:\keys@work.yaml`, String.raw`C:\keys@work.yaml`],
  ['file', 'a.x\nwith-auth: b.yaml', String.raw`a.x\nwith-auth: b.yaml`],
  ['file', './a\n', String.raw`./a\n`],
  ['name of a principal', 'a b!~', 'a b!~'],
  ['name of a principal', 'a\u001B[31m', '"a\\u001b[31m"'],
  ['name of a principal', 'a\u202Eb', '"a?b"'],
])('shows the %s %j as %s', (kind, text, expected) => {
  expect(SHOW[kind](text)).toBe(expected)
})

it('escapes terminal control characters, but not line breaks and letters', () => {
  expect(escapeHidden('é\n\u0000\t\r\u001B\u007F\u0085\u00A0\u200B\u202E\u2028\uFEFF😀')).toBe(
    `é\n${String.raw`\u0000\u0009\u000d\u001b\u007f\u0085\u00a0\u200b\u202e\u2028\ufeff`}😀`,
  )
})
