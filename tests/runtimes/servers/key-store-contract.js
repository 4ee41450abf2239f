import assert from 'node:assert/strict'

/**
 * The contract of every store of keys. Each test gets an empty store and the functions of with-auth/keys. They run on PostgreSQL,
 * and on the SQLite of each runtime.
 */
export const KEY_STORE_TESTS = [
  ['returns a key with all its fields, by its hash and by its id', returnsKeys],
  ['returns a key with the least fields', returnsSmallKeys],
  ['adds no key with the id or the hash of another', rejectsDuplicates],
  ['adds no invalid key', rejectsInvalidKeys],
  ['never moves and never undoes a revocation', keepsRevocations],
  ['changes a key only if it is as expected', comparesBeforeUpdate],
  ['changes the rights of a key, and nothing to invalid ones', changesRights],
  ['removes and prunes keys that have ended, and no other', prunesKeys],
  ['lists pages in the order of bytes', listsPages],
  ['imports all keys or none', importsAtomically],
  ['imports again without un-revoking a key', importsAgain],
  ['takes over an earlier end with an import', importsEarlierEnds],
  ['stores SQL in a text as text', resistsInjection],
  ['creates, rotates, revokes, removes and lists keys', editsKeys],
  ['undoes a rotation, and not what others changed', undoesRotations],
  ['rejects the rotation of a key that is revoked during it', rotatesNoRevokedKey],
  ['rejects the rotation of a key whose rights change during it', rotatesNoChangedKey],
  ['removes the new key if a rotation fails', cleansFailedRotations],
  ['sends no key in place of an id or a principal', hidesPastedKeys],
  ['reports a store that did not revoke a key', checksRevocations],
  ['revokes all keys in stores that return short pages', revokesInOddStores],
  [
    'leaves no working key to a principal whose keys are revoked during a rotation',
    revokesDuringRotations,
  ],
  ['answers each question by the keys of this moment', answersQuestions],
]

const hashOf = (digit) => String(digit).repeat(64)
const FULL = {
  id: 'full',
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
  await assert.rejects(async () => store.find(hashOf('A')), TypeError)
}

async function returnsSmallKeys(store) {
  await store.insert(SMALL)
  assert.deepEqual(plain(await store.get('small')), SMALL)
  const odd = { ...SMALL, id: 'odd', sha256: hashOf('c'), revoked: true, expires: '2027-01-01' }
  const attributes = JSON.parse('{ "__proto__": ["a"], "2": ["b\\n", "ü"] }')
  await store.insert({ ...odd, attributes })
  const expires = '2027-01-01T00:00:00Z'
  const read = await store.get('odd')
  assert.deepEqual(plain({ ...read, attributes: 0 }), { ...odd, expires, attributes: 0 })
  assert.deepEqual(new Map(Object.entries(read.attributes)), new Map(Object.entries(attributes)))
}

async function rejectsDuplicates(store) {
  await store.insert(SMALL)
  assert.equal(await codeOf(store.insert({ ...SMALL, id: 'other' })), 'conflict')
  assert.equal(await codeOf(store.insert({ ...SMALL, sha256: hashOf('d') })), 'conflict')
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
  await store.insert({ ...SMALL, id: 'late', sha256: hashOf('e'), revoked: '9000-01-01' })
  assert.ok(Date.parse((await store.get('late')).revoked) <= Date.now())
  assert.equal(await store.update('none', { revoked }), undefined)
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

async function resistsInjection(store) {
  const text = "'; drop table withauth_keys; --"
  await store.insert({ ...SMALL, principal: text, attributes: { [text]: [text, '$1', '?1'] } })
  assert.equal(await store.get(text), undefined)
  assert.deepEqual(await store.list({ limit: 9, after: text, principal: "' or ''='" }), [])
  const [key] = await store.list({ limit: 9, principal: text })
  assert.deepEqual(plain(key.attributes), { [text]: [text, '$1', '?1'] })
}

async function editsKeys(store, api) {
  const made = await api.createKey(store, { principal: 'alice', expiresIn: '90d', paths: ['/v1'] })
  const { replaces, ...rotated } = await api.rotateKey(store, made.id, { overlap: '1h' })
  assert.equal(rotated.principal, 'alice')
  assert.deepEqual([replaces.id, replaces.successor], [made.id, rotated.id])
  const again = api.rotateKey(store, made.id)
  assert.equal(await codeOf(again), 'invalid_config')
  const revoked = await api.revokeKey(store, { key: rotated.key })
  assert.equal(revoked.status, 'revoked')
  assert.equal(revoked.sha256, (await store.get(rotated.id)).sha256)
  assert.equal(await codeOf(api.rotateKey(store, rotated.id)), 'not_active')
  const hers = await api.revokeKeys(store, { principal: 'alice' })
  assert.deepEqual(
    hers.map(({ status }) => status),
    ['revoked', 'revoked'],
  )
  for (const missing of [
    () => api.revokeKey(store, 'none'),
    () => api.revokeKey(store, { key: 'none' }),
    () => api.revokeKeys(store, { principal: 'none' }),
    () => api.removeKey(store, 'none'),
    () => api.rotateKey(store, 'none'),
  ]) {
    assert.equal(await codeOf(missing()), 'no_such_key')
  }
  const listed = await api.listKeys(store)
  assert.deepEqual(new Set(listed.map(({ id }) => id)), new Set([made.id, rotated.id]))
  assert.equal(JSON.stringify(listed).includes(revoked.sha256), false)
  assert.deepEqual(await api.listKeys(store, { after: listed[1].id }), [])
  assert.equal((await api.pruneKeys(store, { older: '0', dryRun: true })).length, 2)
  await api.removeKey(store, made.id)
  assert.deepEqual(
    (await api.pruneKeys(store, { older: '0' })).map(({ id }) => id),
    [rotated.id],
  )
}

async function undoesRotations(store, api) {
  const { id } = await api.createKey(store, { principal: 'alice' })
  const before = plain(await store.get(id))
  await (await api.rotateKey(store, id)).undo()
  assert.deepEqual(plain(await store.list({ limit: 9 })), [before])
  const { undo } = await api.rotateKey(store, id)
  const revoked = '2026-01-01T00:00:00Z'
  await store.update(id, { revoked })
  await undo()
  const left = await store.list({ limit: 9 })
  assert.deepEqual(
    left.map((key) => [key.id, key.revoked]),
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

async function cleansFailedRotations(store, api) {
  await store.insert(SMALL)
  const update = () => Promise.reject(new TypeError('the update failed'))
  const failing = { ...store, update }
  await assert.rejects(api.rotateKey(failing, 'small'), { message: 'the update failed' })
  assert.deepEqual(plain(await store.list({ limit: 9 })), [SMALL])
  const remove = () => Promise.reject(new TypeError('the removal failed'))
  const rotation = api.rotateKey({ ...failing, remove }, 'small')
  await assert.rejects(rotation, { message: 'the update failed' })
}

// Databases write statements with their values into logs.
async function hidesPastedKeys(store, api) {
  const { key } = await api.createKey(store, { principal: 'alice' })
  const sent = []
  const names = ['get', 'update', 'remove', 'list', 'revokeAll']
  const watched = names.map((name) => [
    name,
    (...args) => {
      sent.push(args)
      return store[name](...args)
    },
  ])
  const spy = { ...store, ...Object.fromEntries(watched) }
  for (const wanted of [key, `${key}x`, 'an id', '']) {
    assert.equal(await codeOf(api.revokeKey(spy, wanted)), 'no_such_key')
    assert.equal(await codeOf(api.removeKey(spy, wanted)), 'no_such_key')
    assert.equal(await codeOf(api.rotateKey(spy, wanted)), 'no_such_key')
  }
  assert.equal(await codeOf(api.revokeKeys(spy, { principal: key })), 'no_such_key')
  assert.equal(await codeOf(api.listKeys(spy, { principal: key })), 'no_such_key')
  assert.equal(await codeOf(api.listKeys(spy, { after: key })), 'no_such_key')
  assert.deepEqual(sent, [])
}

async function checksRevocations(store, api) {
  await store.insertAll([SMALL, FULL])
  for (const key of [SMALL, FULL]) {
    const odd = { ...store, update: () => key }
    assert.equal(await codeOf(api.revokeKey(odd, 'small')), 'database')
  }
  assert.equal(await codeOf(api.rotateKey({ ...store, get: () => FULL }, 'small')), 'malformed')
  const odd = { ...store, find: () => FULL }
  assert.equal(await codeOf(api.revokeKey(odd, { key: 'unknown' })), 'malformed')
}

async function revokesInOddStores(store, api) {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const others = ids.map((id, index) => ({ ...SMALL, id, sha256: hashOf(index) }))
  await store.insertAll([...others, { ...FULL, revoked: undefined }])
  const { revokeAll: _, ...simple } = store
  const list = ({ after, limit }) => store.list({ after, limit: Math.min(limit, 2) })
  const capped = { ...simple, list }
  const revoked = await api.revokeKeys(capped, { principal: 'bob' })
  assert.deepEqual(
    revoked.map(({ id, status }) => [id, status]),
    ids.map((id) => [id, 'revoked']),
  )
  assert.equal((await store.get('full')).revoked, undefined)
  const endless = { ...simple, list: () => store.list({ limit: 2 }) }
  assert.equal(await codeOf(api.revokeKeys(endless, { principal: 'bob' })), 'database')
  const update = async (id, ...rest) => {
    if (id === 'full') throw new TypeError('an invalid row')
    return store.update(id, ...rest)
  }
  await store.insert({ ...SMALL, id: 'z', principal: 'alice', sha256: hashOf(9) })
  const failing = api.revokeKeys({ ...simple, update }, { principal: 'alice' })
  await assert.rejects(failing, { message: 'an invalid row' })
  assert.notEqual((await store.get('z')).revoked, undefined)
}

async function revokesDuringRotations(store, api) {
  const ids = Array.from({ length: 20 }, (_, index) => `k${index}`)
  await store.insertAll(
    ids.map((id, index) => ({ ...SMALL, id, sha256: String(index).padStart(64, '0') })),
  )
  const rotations = ids.map((id) => api.rotateKey(store, id))
  const revocation = api.revokeKeys(store, { principal: 'bob' })
  await Promise.allSettled(rotations)
  await revocation
  const left = await store.list({ limit: 1000, principal: 'bob' })
  assert.equal(left.length >= ids.length, true)
  assert.deepEqual(
    left.filter((key) => key.revoked === undefined),
    [],
  )
}

async function answersQuestions(store, api) {
  const endpoint = api.createKeyEndpoint({ store }, { maxAgeSeconds: 10 })
  const ask = async (key, path = '/v1') => {
    const body = JSON.stringify({ api_key: key, request: { path, headers: {}, params: {} } })
    const response = await endpoint(new Request('http://x/', { method: 'POST', body }))
    return [response.status, await response.json()]
  }
  const attributes = { roles: ['admin'] }
  const { id, key } = await api.createKey(store, { principal: 'a', attributes, paths: ['/v1'] })
  assert.deepEqual(await ask(key), [200, { principal: 'a', attributes }])
  assert.equal((await ask(key, '/v1x'))[0], 401)
  assert.equal((await ask(`${key}x`))[0], 401)
  await store.update(id, { expires: '2020-01-01' })
  assert.equal((await ask(key))[0], 401)
  await store.update(id, { expires: null })
  assert.equal((await ask(key))[0], 200)
  await api.revokeKey(store, id)
  assert.equal((await ask(key))[0], 401)
}
