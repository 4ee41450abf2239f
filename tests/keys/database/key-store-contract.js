import assert from 'node:assert/strict'

/**
 * The contract of every place of keys. Each test gets a new place without keys, the functions of with-auth/keys, and the place as
 * these take it: a file by its path. The tests run on a file, on PostgreSQL, and on the SQLite of each runtime.
 */
export const KEY_TESTS = [
  ['returns a key with all its fields, by its hash and by its id', returnsKeys],
  ['returns a key with the least fields', returnsSmallKeys],
  ['adds no key with the id or the hash of another', rejectsDuplicates],
  ['adds no invalid key', rejectsInvalidKeys],
  ['never moves and never undoes a revocation', keepsRevocations],
  ['removes and prunes keys that have ended, and no other', prunesKeys],
  ['lists pages in the order of bytes', listsPages],
  ['stores every text as it is', keepsTexts],
  ['creates, rotates, revokes, removes and lists keys', editsKeys],
  ['revokes all keys of a principal, and no other', revokesPrincipals],
  ['shows no key that was given in place of an id', hidesUnknownIds],
  ['undoes a rotation, and not what others changed', undoesRotations],
  [
    'leaves no working key to a principal whose keys are revoked during a rotation',
    revokesDuringRotations,
  ],
  ['answers each question by the keys of this moment', answersQuestions],
]

/** The contract of a store, which others change at any time, and which may be anybody's. */
export const KEY_STORE_TESTS = [
  ...KEY_TESTS,
  ['revokes a key at once that is to be revoked later', revokesEarly],
  ['changes a key only if it is as expected', comparesBeforeUpdate],
  ['changes the rights of a key, and nothing to invalid ones', changesRights],
  ['imports all keys or none', importsAtomically],
  ['imports again without un-revoking a key', importsAgain],
  ['takes over an earlier end with an import', importsEarlierEnds],
  ['rejects the rotation of a key that is revoked during it', rotatesNoRevokedKey],
  ['rejects the rotation of a key whose rights change during it', rotatesNoChangedKey],
  ['adds up the checks of each day that several processes have counted', addsUpUse],
  ['keeps the last day of a key, and no other that is over for long', forgetsOldUse],
]

const hashOf = (digit) => String(digit).repeat(64)
const FULL = {
  id: 'full',
  name: "Alice's laptop",
  prefix: 'withauth_abcdef',
  principal: 'alice',
  tenant: 'acme',
  attributes: { roles: ['admin', 'ops'], teams: [] },
  paths: ['/v1', '/v2'],
  created: '2026-01-01T00:00:00Z',
  expires: '9999-12-31T23:59:59.123Z',
  revoked: '2026-01-02T03:04:05.678Z',
  successor: 'next',
  sha256: hashOf('a'),
}
const SMALL = { id: 'small', principal: 'bob', attributes: {}, sha256: hashOf('b') }

const FIRST_DAY = '2020-01-01'
const useOn = (day, checks, id = 'small', time = '12:00:00Z') => ({
  id,
  day,
  checks,
  lastUsed: `${day}T${time}`,
})
const readUse = async (store, ...ids) =>
  plain(await store.readUse(ids)).toSorted((one, other) =>
    `${one.id} ${one.day}` < `${other.id} ${other.day}` ? -1 : 1,
  )

async function addsUpUse(store) {
  await store.insert(FULL)
  await store.insert(SMALL)
  const today = new Date().toISOString().slice(0, 10)
  await store.addUse([useOn(today, 2), useOn(today, 1, 'full')])
  await Promise.all(
    Array.from({ length: 5 }, async () => store.addUse([useOn(today, 1), useOn(today, 1, 'full')])),
  )
  await store.addUse([useOn(today, 1, 'small', '00:00:01Z')])
  const full = useOn(today, 6, 'full')
  assert.deepEqual(await readUse(store, 'small', 'full', 'none'), [full, useOn(today, 8)])
  assert.deepEqual(await readUse(store, 'full'), [full])
  assert.deepEqual(await readUse(store), [])
  await store.addUse([])
}

async function forgetsOldUse(store, _, place) {
  await store.insert(SMALL)
  const uses = [useOn(FIRST_DAY, 1), useOn('2020-01-03', 3), useOn('2020-01-02', 2)]
  await store.addUse([...uses, useOn(FIRST_DAY, 1, 'removed')])
  assert.deepEqual(await readUse(place, 'small', 'removed'), [useOn('2020-01-03', 3)])
}

const plain = (value) => JSON.parse(JSON.stringify(value))
const codeOf = async (promise) => {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return error.code
  }
}

async function returnsKeys(store) {
  await store.insert(FULL)
  assert.deepEqual(plain(await store.find(hashOf('a'))), FULL)
  assert.deepEqual(plain(await store.get('full')), FULL)
  assert.equal(await store.find(hashOf('c')), undefined)
  assert.equal(await store.get('FULL'), undefined)
}

async function returnsSmallKeys(store) {
  await store.insert(SMALL)
  assert.deepEqual(plain(await store.get('small')), SMALL)
  const [created, expires] = ['1970-01-01T00:00:00Z', '2027-01-01T00:00:00Z']
  const odd = { ...SMALL, id: 'odd', sha256: hashOf('c'), created, revoked: true, expires }
  const attributes = JSON.parse('{ "__proto__": ["a"], "2": ["b\\n", "ü"] }')
  await store.insert({ ...odd, attributes })
  const read = await store.get('odd')
  assert.deepEqual(plain({ ...read, attributes: 0 }), { ...odd, attributes: 0 })
  assert.deepEqual(new Map(Object.entries(read.attributes)), new Map(Object.entries(attributes)))
}

async function rejectsDuplicates(store) {
  await store.insert(SMALL)
  for (const other of [{ id: 'other' }, { sha256: hashOf('d') }]) {
    const key = { ...SMALL, ...other }
    const isTold = ({ code, message }) => code === 'conflict' && message.includes(`: ${key.id}. `)
    await assert.rejects(async () => store.insert(key), isTold)
  }
  assert.deepEqual(plain(await store.list({ limit: 9 })), [SMALL])
}

async function rejectsInvalidKeys(store) {
  const invalid = [
    { sha256: 'abc' },
    { id: 'a b' },
    { principal: '' },
    { expires: 'never' },
    { paths: [] },
    { attributes: { roles: 'admin' } },
    { unknown: 1 },
  ]
  for (const fields of invalid) {
    assert.equal(await codeOf(store.insert({ ...SMALL, ...fields })), 'malformed')
    const importing = async () => store.insertAll([FULL, { ...SMALL, ...fields }])
    assert.equal(await codeOf(importing()), 'malformed')
  }
  assert.deepEqual(await store.list({ limit: 9 }), [])
}

async function keepsRevocations(store) {
  await store.insert(SMALL)
  const revoked = '2026-01-01T00:00:00Z'
  assert.deepEqual(plain(await store.update('small', { revoked })), { ...SMALL, revoked })
  await store.update('small', { revoked: '2025-01-01T00:00:00Z' })
  await store.update('small', { revoked: true, expires: '2030-01-01T00:00:00Z' })
  await store.update('small', { expires: null, successor: null })
  assert.deepEqual(plain(await store.get('small')), { ...SMALL, revoked })
  assert.equal(await store.update('none', { revoked }), undefined)
}

async function revokesEarly(store) {
  await store.insert({ ...SMALL, revoked: '9000-01-01', expires: '2027-01-01' })
  const { revoked, expires } = await store.get('small')
  assert.ok(Date.parse(revoked) <= Date.now())
  assert.equal(expires, '2027-01-01T00:00:00Z')
  await assert.rejects(async () => store.find(hashOf('A')), TypeError)
}

async function comparesBeforeUpdate(store) {
  await store.insert(FULL)
  const changes = { expires: null, successor: 'new' }
  for (const fields of [{ expires: '2030-01-01' }, { revoked: true }, { successor: 'x' }]) {
    assert.equal(await store.update('full', changes, { ...FULL, ...fields }), undefined)
  }
  const { expires: _, successor: __, revoked: ___, ...unlimited } = FULL
  assert.equal(await store.update('full', changes, unlimited), undefined)
  assert.deepEqual(plain(await store.get('full')), FULL)
  const { expires: ____, ...changed } = { ...FULL, successor: 'new' }
  assert.deepEqual(plain(await store.update('full', changes, FULL)), changed)
}

async function changesRights(store) {
  await store.insert(FULL)
  const attributes = { roles: ['user'] }
  await store.update('full', { attributes, paths: ['/v3'] })
  assert.deepEqual(plain(await store.get('full')), { ...FULL, attributes, paths: ['/v3'] })
  assert.equal(await codeOf(store.update('full', { paths: ['v3/*'] })), 'malformed')
  assert.equal(await codeOf(store.update('full', { attributes: { a: 1 } })), 'malformed')
  assert.deepEqual((await store.get('full')).paths, ['/v3'])
  await store.update('full', { paths: null })
  assert.equal((await store.get('full')).paths, undefined)
}

async function prunesKeys(store) {
  const keys = [
    { ...SMALL, id: 'active', expires: '9000-01-01' },
    { ...SMALL, id: 'eternal', sha256: hashOf('1') },
    { ...SMALL, id: 'ended', sha256: hashOf('2'), expires: '2026-01-01T00:00:00.001Z' },
    { ...SMALL, id: 'revoked', sha256: hashOf('3'), revoked: '2026-01-01', expires: '9000-01-01' },
    { ...SMALL, id: 'revoked-once', sha256: hashOf('4'), revoked: true },
  ]
  await store.insertAll(keys)
  const prune = async (before) => (await store.prune(before)).map(({ id }) => id).toSorted()
  assert.deepEqual(await prune(Date.UTC(2026, 0, 1) - 1), ['revoked-once'])
  assert.deepEqual(await prune(Date.UTC(2026, 0, 1)), ['revoked'])
  assert.deepEqual(await prune(Date.now()), ['ended'])
  assert.equal((await store.remove('active')).id, 'active')
  assert.equal(await store.remove('active'), undefined)
  assert.deepEqual(
    (await store.list({ limit: 9 })).map(({ id }) => id),
    ['eternal'],
  )
}

async function listsPages(store) {
  const ids = ['a', '-', 'B', '_', '.', 'A', 'b', '1', 'ab']
  const keys = ids.map((id, index) => ({
    ...SMALL,
    id,
    principal: index % 2 === 0 ? 'even' : 'odd',
    sha256: hashOf(index),
  }))
  await store.insertAll(keys)
  const list = async (page) => (await store.list(page)).map(({ id }) => id)
  const sorted = ['-', '.', '1', 'A', 'B', '_', 'a', 'ab', 'b']
  assert.deepEqual(await list({ limit: 100 }), sorted)
  assert.deepEqual(await list({ limit: 3 }), sorted.slice(0, 3))
  assert.deepEqual(await list({ limit: 4, after: '1' }), sorted.slice(3, 7))
  assert.deepEqual(await list({ limit: 4, after: '0' }), sorted.slice(2, 6))
  assert.deepEqual(await list({ limit: 2, after: 'A', principal: 'even' }), ['B', 'a'])
  assert.deepEqual(await list({ limit: 9, principal: 'Even' }), [])
}

async function importsAtomically(store) {
  await store.insert(SMALL)
  const others = [
    { ...SMALL, sha256: hashOf('d') },
    { ...SMALL, id: 'other' },
  ]
  for (const other of others) {
    const importing = async () => store.insertAll([FULL, other])
    await assert.rejects(importing, ({ code, message }) => {
      return code === 'conflict' && message.includes(other.id) && !message.includes(other.sha256)
    })
    assert.deepEqual(plain(await store.list({ limit: 9 })), [SMALL])
  }
}

async function importsAgain(store, api) {
  const keys = [FULL, SMALL]
  assert.deepEqual(plain(await store.insertAll(keys)), { imported: 2, present: 0 })
  assert.deepEqual(plain(await store.insertAll(keys)), { imported: 0, present: 2 })
  assert.deepEqual(plain(await store.get('full')), FULL)
  const { revoked } = await api.revokeKey(store, 'small')
  const third = { ...SMALL, id: 'third', sha256: hashOf('c') }
  const edited = { ...SMALL, principal: 'mallory' }
  assert.deepEqual(plain(await store.insertAll([edited, third])), { imported: 1, present: 1 })
  assert.deepEqual(plain(await store.get('small')), { ...SMALL, revoked })
  await store.insertAll([
    { ...third, revoked: true },
    { ...FULL, revoked: true },
  ])
  assert.equal((await store.get('third')).revoked, true)
  assert.equal((await store.get('full')).revoked, FULL.revoked)
  assert.deepEqual(plain(await store.insertAll([])), { imported: 0, present: 0 })
}

// A key that was rotated in the file, after an earlier import, must end here too.
async function importsEarlierEnds(store) {
  const [early, late] = ['2030-01-01T00:00:00Z', '2031-01-01T00:00:00Z']
  const endsAfter = async (present, imported) => {
    const key = (expires) => ({ ...SMALL, ...(expires && { expires }) })
    await store.remove('small')
    await store.insert(key(present))
    await store.insertAll([key(imported)])
    return (await store.get('small')).expires
  }
  assert.equal(await endsAfter(undefined, early), early)
  assert.equal(await endsAfter(late, early), early)
  assert.equal(await endsAfter(early, late), early)
  assert.equal(await endsAfter(early, undefined), early)
  assert.equal(await endsAfter(undefined, undefined), undefined)
}

async function keepsTexts(store) {
  const text = "'; drop table withauth_keys; --"
  await store.insert({ ...SMALL, principal: text, attributes: { [text]: [text, '$1', '?1'] } })
  assert.equal(await store.get(text), undefined)
  assert.deepEqual(await store.list({ limit: 9, after: text, principal: "' or ''='" }), [])
  const [key] = await store.list({ limit: 9, principal: text })
  assert.deepEqual(plain(key.attributes), { [text]: [text, '$1', '?1'] })
}

async function editsKeys(store, api, place) {
  const made = await api.createKey(place, { principal: 'alice', expiresIn: '90d', paths: ['/v1'] })
  const { replaces, ...rotated } = await api.rotateKey(place, made.id, { overlap: '1h' })
  assert.equal(rotated.principal, 'alice')
  assert.deepEqual([replaces.id, replaces.successor], [made.id, rotated.id])
  assert.equal((await store.get(made.id)).expires, replaces.expires)
  const again = api.rotateKey(place, made.id)
  assert.equal(await codeOf(again), 'invalid_config')
  const revoked = await api.revokeKey(place, { key: rotated.key })
  assert.equal(revoked.status, 'revoked')
  assert.equal(revoked.sha256, (await store.get(rotated.id)).sha256)
  assert.equal((await api.revokeKey(place, rotated.id)).revoked, revoked.revoked)
  assert.equal(await codeOf(api.rotateKey(place, rotated.id)), 'not_active')
  for (const missing of [
    () => api.revokeKey(place, 'none'),
    () => api.revokeKey(place, { key: 'none' }),
    () => api.revokeKeys(place, { principal: 'none' }),
    () => api.removeKey(place, 'none'),
    () => api.rotateKey(place, 'none'),
  ]) {
    assert.equal(await codeOf(missing()), 'no_such_key')
  }
  const listed = await api.listKeys(place)
  assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set([made.id, rotated.id]))
  const secrets = [made.key, rotated.key, revoked.sha256, replaces.sha256]
  const shown = JSON.stringify(listed)
  assert.deepEqual(
    secrets.filter((secret) => shown.includes(secret)),
    [],
  )
  const lastId = listed.map(({ id }) => id).toSorted()[1]
  assert.deepEqual(await api.listKeys(place, { after: lastId }), [])
  const ended = [{ id: rotated.id, status: 'revoked' }]
  const idsOf = (keys) => keys.map(({ id, status }) => ({ id, status }))
  assert.deepEqual(idsOf(await api.pruneKeys(place, { older: '0', dryRun: true })), ended)
  assert.deepEqual(idsOf(await api.pruneKeys(place, { older: '0' })), ended)
  assert.equal((await api.removeKey(place, made.id)).status, 'active')
  assert.deepEqual(await api.listKeys(place), [])
}

async function revokesPrincipals(store, api, place) {
  const revoked = '2026-01-01T00:00:00Z'
  const keys = [
    { ...SMALL, id: 'a' },
    { ...SMALL, id: 'b', sha256: hashOf('1'), principal: 'carol' },
    { ...SMALL, id: 'c', sha256: hashOf('2'), revoked },
  ]
  await store.insertAll(keys)
  const ended = await api.revokeKeys(place, { principal: 'bob' })
  assert.deepEqual(
    ended.map(({ id, status }) => [id, status]),
    [
      ['a', 'revoked'],
      ['c', 'revoked'],
    ],
  )
  assert.deepEqual(
    [(await store.get('b')).revoked, (await store.get('c')).revoked],
    [undefined, revoked],
  )
}

async function hidesUnknownIds(store, api, place) {
  const { key } = await api.createKey(place, { principal: 'alice' })
  const hidden = /^There is no key with this id \(hidden because it may be a key\) in /
  for (const id of ['unknown', '', '__proto__', 'withauth_secret', key]) {
    for (const change of [api.revokeKey, api.rotateKey, api.removeKey]) {
      const isHidden = ({ code, message }) => code === 'no_such_key' && hidden.test(message)
      await assert.rejects(change(place, id), isHidden)
    }
  }
  const wrong = api.revokeKey(place, { key: `${key}x` })
  await assert.rejects(wrong, ({ message }) => message.startsWith('There is no such key in '))
  const nobody = api.revokeKeys(place, { principal: 'withauth_nobody' })
  await assert.rejects(nobody, ({ message }) =>
    message.startsWith('There is no key of this principal'),
  )
  assert.equal((await api.listKeys(place)).length, 1)
}

async function undoesRotations(store, api, place) {
  const { id } = await api.createKey(place, { principal: 'alice', expiresIn: '90d' })
  const before = plain(await store.get(id))
  await (await api.rotateKey(place, id)).undo()
  assert.deepEqual(plain(await store.list({ limit: 9 })), [before])
  const first = await api.rotateKey(place, id, { overlap: '2h' })
  const second = await api.rotateKey(place, id, { overlap: '1h', expiresIn: '1d' })
  await first.undo()
  const { successor, expires } = await store.get(id)
  assert.deepEqual(
    { successor, expires },
    { successor: second.id, expires: second.replaces.expires },
  )
  const edited = '2026-01-02T00:00:00Z'
  await store.update(id, { expires: edited })
  await second.undo()
  const revoked = '2026-01-01T00:00:00Z'
  const third = await api.rotateKey(place, id, { expiresIn: '1d' }).catch(({ code }) => ({ code }))
  assert.deepEqual(third, { code: 'not_active' })
  await store.update(id, { expires: null })
  const { undo } = await api.rotateKey(place, id, { expiresIn: '1d' })
  await store.update(id, { revoked })
  await undo()
  await undo()
  assert.deepEqual(
    (await store.list({ limit: 9 })).map((key) => [key.id, key.revoked]),
    [[id, revoked]],
  )
}

async function rotatesNoRevokedKey(store, api) {
  await store.insert(SMALL)
  const insert = async (key) => {
    await store.insert(key)
    await api.revokeKey(store, 'small')
  }
  assert.equal(await codeOf(api.rotateKey({ ...store, insert }, 'small')), 'locked')
  const left = await api.listKeys(store)
  assert.deepEqual(
    left.map(({ id, status }) => [id, status]),
    [['small', 'revoked']],
  )
}

async function rotatesNoChangedKey(store, api) {
  const changes = [{ paths: ['/v1'] }, { attributes: { roles: ['user'] } }, { tenant: 'other' }]
  for (const change of changes) {
    const before = { ...FULL, revoked: undefined, expires: undefined, paths: undefined }
    await store.insert(before)
    const insert = async (key) => {
      await store.insert(key)
      await store.remove('full')
      await store.insert({ ...before, ...change })
    }
    assert.equal(await codeOf(api.rotateKey({ ...store, insert }, 'full')), 'invalid_config')
    const rotation = api.rotateKey({ ...store, insert }, 'full', { expiresIn: '1d' })
    assert.equal(await codeOf(rotation), 'locked')
    assert.deepEqual(plain(await store.list({ limit: 9 })), [plain({ ...before, ...change })])
    await store.remove('full')
  }
}

async function revokesDuringRotations(store, api, place) {
  const ids = Array.from({ length: 20 }, (_, index) => `k${index}`)
  await store.insertAll(
    ids.map((id, index) => ({ ...SMALL, id, sha256: String(index).padStart(64, '0') })),
  )
  const rotations = ids.map((id) => api.rotateKey(place, id))
  const revocation = api.revokeKeys(place, { principal: 'bob' })
  await Promise.allSettled(rotations)
  await revocation
  const left = await store.list({ limit: 1000, principal: 'bob' })
  assert.equal(left.length >= ids.length, true)
  assert.deepEqual(
    left.filter((key) => key.revoked === undefined),
    [],
  )
}

async function answersQuestions(store, api, place) {
  const endpoint = api.createKeyEndpoint(typeof place === 'string' ? { file: place } : { store }, {
    maxAgeSeconds: 10,
  })
  const ask = async (key, path = '/v1') => {
    const body = JSON.stringify({ api_key: key, request: { path, headers: {}, params: {} } })
    const response = await endpoint(new Request('http://x/', { method: 'POST', body }))
    return [response.status, await response.json()]
  }
  const attributes = { roles: ['admin'] }
  const { id, key } = await api.createKey(place, { principal: 'a', attributes, paths: ['/v1'] })
  assert.deepEqual(await ask(key), [200, { principal: 'a', attributes }])
  assert.equal((await ask(key, '/v1x'))[0], 401)
  assert.equal((await ask(`${key}x`))[0], 401)
  await store.update(id, { expires: '2020-01-01' })
  assert.equal((await ask(key))[0], 401)
  await store.update(id, { expires: null })
  assert.equal((await ask(key))[0], 200)
  await api.revokeKey(place, id)
  assert.equal((await ask(key))[0], 401)
}
