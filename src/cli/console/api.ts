// oxlint-disable-next-line typescript/triple-slash-reference -- tests are compiled with it too
/// <reference path="./text-imports.d.ts" />
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isRecord } from '../../core/endpoint/claim-path.ts'
import { AuthConfigError } from '../../core/errors.ts'
import { readJsonBody } from '../../keys/question.ts'
import { createKey, KeyFileError, reportKeys, revokeKey, rotateKey } from '../../keys.ts'
import { findRoleTypo, readAttributes } from '../commands/keys.ts'
import { asUsage, nameFlag, UsageError } from '../errors.ts'
// oxlint-disable-next-line import/default -- the text
import script from './browser/main.ts?text'
import { streamDecisions } from './decision-stream.ts'
import style from './page.css?text'
import { renderPage } from './page.tsx'
import type { Context } from 'hono'
import type { KeyReport, NewKey, RetiredKey, RotateOptions } from '../../keys.ts'
import type { Announce } from '../announcement.ts'
import type { OpenedKeys } from '../key-place.ts'
import type { WatchPlace } from '../watch/place.ts'
import type { SignIn } from './sign-in.ts'

export interface ConsoleParts {
  readonly keys: Pick<OpenedKeys, 'place' | 'name'>
  readonly signIn: SignIn
  /** Reads `--config` again, because an announcement stops its store. */
  readonly prepareAnnouncement: () => Promise<Announce>
  readonly revocation: RevocationNotice
  /** Where decisions are watched. Absent: nowhere. */
  readonly watch: WatchPlace | undefined
}

/** How long other machines may still accept a key that is revoked here. */
export interface RevocationNotice {
  /** `null` if they may accept it without end. */
  readonly acceptedForMs: number | null
  readonly text: string
}

/** A page of the keys. */
export interface KeyList {
  readonly place: string
  readonly keys: readonly KeyReport[]
  /** The id of the last key, if there may be more. */
  readonly next?: string
  /** Why the use of the keys is unknown. */
  readonly warning?: string
  readonly revocation: RevocationNotice
}

const PAGE_LIMIT = 1000
const ADVICES = { no_such_key: 'reload the page', not_active: 'reload the page' }

/** The names of the options in the form. */
const FIELDS = {
  'key.name': 'Name',
  'key.principal': 'Principal',
  'key.tenant': 'Tenant',
  'key.attributes': 'Attributes',
  'key.paths': 'Paths',
  'key.expiresIn': 'Works for',
  'options.expiresIn': 'The new key works for',
  'options.overlap': 'The old key works for',
}

/** The page and its API. The server must let only a person who has signed in reach `/api`. */
export function createApi({
  keys,
  signIn,
  prepareAnnouncement,
  revocation,
  watch,
}: ConsoleParts): Hono {
  const { place, name } = keys
  const use = <Value>(call: () => Promise<Value>): Promise<Value> =>
    asUsage(FIELDS, call).catch(nameFlag('--keys', name, ADVICES))
  /** Tells other machines, where `--config` names their store. */
  const announce = async (key: RetiredKey, done: string, prepared: Announce): Promise<void> =>
    prepared([key], `${key.id} ${done} in ${name}`)
  const page = renderPage(watch !== undefined)

  return new Hono()
    .get('/', (c) => c.html(page))
    .get('/console.css', (c) => c.body(style, 200, { 'content-type': 'text/css; charset=utf-8' }))
    .get('/console.js', (c) =>
      c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8' }),
    )
    .post('/session', async (c) => {
      const { code } = await readFields(c)
      const token = signIn.redeem(textOf(code) ?? '')
      if (token !== undefined) return c.json({ token })
      throw new HTTPException(403, { message: 'This link was used before, or is older than 60 s' })
    })
    .get('/api/keys', async (c) => {
      const after = c.req.query('after')
      const wanted = { limit: PAGE_LIMIT, ...(after === undefined ? {} : { after }) }
      const { keys: found, useError } = await use(() => reportKeys(place, wanted))
      const next = found.length === PAGE_LIMIT ? found.at(-1)?.id : undefined
      const list: KeyList = {
        place: name,
        keys: found,
        revocation,
        ...(next !== undefined && { next }),
        ...(useError && { warning: useError.message }),
      }
      return c.json(list)
    })
    .post('/api/keys', async (c) => {
      const { attributes, ...fields } = await readFields(c)
      const lines = listOf(attributes)
      const wanted = {
        ...fields,
        ...(lines && { attributes: readAttributes(lines, 'Attributes') }),
      }
      // `createKey` checks it.
      const created = await use(() => createKey(place, wanted as unknown as NewKey))
      return c.json({ ...created, advice: findRoleTypo(created) }, 201)
    })
    .post('/api/keys/:id/rotate', async (c) => {
      const fields: RotateOptions = await readFields(c)
      const prepared = await prepareAnnouncement()
      const {
        replaces,
        undo: _,
        ...created
      } = await use(() => rotateKey(place, c.req.param('id'), fields))
      const { sha256: __, ...old } = replaces
      const advice = await announce(replaces, 'is replaced', prepared).catch(messageOf)
      return c.json({ ...created, replaces: old, advice }, 201)
    })
    .post('/api/keys/:id/revoke', async (c) => {
      const prepared = await prepareAnnouncement()
      const revoked = await use(() => revokeKey(place, c.req.param('id')))
      await announce(revoked, 'is revoked', prepared)
      return c.json(revocation)
    })
    .get('/api/decisions', (c) => {
      if (watch === undefined) return c.notFound()
      // The guard has read the same header.
      const token = (c.req.header('authorization') ?? '').replace(/^bearer +/i, '')
      // A stream must not outlast its session.
      const stream = streamDecisions(watch, () => signIn.isSignedIn(token))
      return c.body(stream, 200, { 'content-type': 'application/x-ndjson' })
    })
    .notFound((c) => c.json({ error: { message: 'There is nothing here' } }, 404))
    .onError((error, c) => c.json({ error: { message: messageOf(error) } }, statusOf(error)))
}

async function readFields({ req }: Context): Promise<Record<string, unknown>> {
  const body = await readJsonBody(req.raw)
  if (!('json' in body)) throw new HTTPException(body[0], { message: body[1] })
  if (isRecord(body.json)) return body.json
  throw new HTTPException(400, { message: 'The body must be a JSON object' })
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function listOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.map(String) : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something failed'
}

function statusOf(error: unknown): 400 | 403 | 408 | 413 | 500 {
  if (error instanceof HTTPException) return error.status as 400
  return isOfCaller(error) ? 400 : 500
}

/** Whether the page asked for something that cannot be done, such as a change of a key that is gone. */
function isOfCaller(error: unknown): boolean {
  if (error instanceof UsageError || error instanceof AuthConfigError) return true
  const { cause = error } = error instanceof Error ? error : {}
  return cause instanceof KeyFileError && Object.hasOwn(ADVICES, cause.code)
}
