import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { Denials } from '../../src/core/response/denial.ts'
import { createFailure } from '../../src/forward-auth/failure.ts'
import { resolveForwardAuth } from '../../src/forward-auth/options.ts'
import { resolveGateway } from '../../src/gateway/options.ts'
import { createRefusal } from '../../src/gateway/refusal.ts'
import { memoryCache } from '../../src/index.ts'
import { parseEndpointOptions } from '../../src/keys/options.ts'
import { readOptionsOfType, readUnion } from '../../scripts/docs/documented-types.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { readText, sorted } from '../support/project.ts'
import type { ForwardAuthFailureCode } from '../../src/forward-auth.ts'
import type { GatewayFailureCode } from '../../src/gateway.ts'
import type { DenialReason } from '../../src/index.ts'

/** Tables and sections of the documentation that the code decides. */

it('the comments of the options state the actual defaults', () => {
  const inForce = { AuthConfig: resolveConfig({}), MemoryCacheOptions: memoryCache().describe() }
  const comparable = Object.entries(inForce).flatMap(([type, values]) =>
    readOptionsOfType(type).flatMap(({ name, defaultText = 'false' }) => {
      const actual = valueIn(values, name)
      return actual === undefined ? [] : [{ name, stated: defaultText, actual }]
    }),
  )
  expect(comparable.length).toBeGreaterThan(20)
  expect(comparable.filter(({ stated, actual }) => stated !== actual)).toEqual([])
})

describe.each([
  [
    'docs/gateway-reference.md',
    'gateway option',
    'GatewayOptions',
    resolveGateway({ upstream: 'http://127.0.0.1' }),
  ],
  [
    'docs/forward-auth.md',
    'forward auth option',
    'ForwardAuthOptions',
    resolveForwardAuth({ for: 'nginx' }),
  ],
  ['docs/keys.md', 'option', 'KeyEndpointOptions', parseEndpointOptions({})],
] as const)('the table of options in %s', (file, head, type, inForce) => {
  const rows = readTable(readText(file), head).map(([name = '', byDefault = '']) => ({
    name: withoutBackticks(name),
    byDefault: withoutBackticks(byDefault),
  }))

  it('has each option once, in the order of the type', () => {
    expect(rows.map(({ name }) => name)).toEqual(readOptionsOfType(type).map(({ name }) => name))
  })

  it('has the actual defaults', () => {
    const comparable = rows.filter(({ name }) => valueIn(inForce, name) !== undefined)
    expect(comparable).not.toEqual([])
    const wrong = comparable.filter(
      ({ name, byDefault }) => byDefault.replace('_', '') !== valueIn(inForce, name),
    )
    expect(wrong).toEqual([])
  })
})

it('the table of answers in docs/forward-auth.md has each code of forward auth, and its status', () => {
  const rows = readTable(readText('docs/forward-auth.md'), 'subrequest').map(
    ([, code = '', status = '']) => [withoutBackticks(code), status],
  )
  const wanted = readUnion('ForwardAuthFailureCode').map((code) => {
    const { status } = createFailure(code as ForwardAuthFailureCode, [])
    return [code, String(status)]
  })
  expect(wanted).toHaveLength(5)
  expect(rows).toEqual(expect.arrayContaining(wanted))
})

describe('docs/errors.md', () => {
  const page = readText('docs/errors.md')
  const reasons = readUnion('DenialReason')
  const codes = readUnion('GatewayFailureCode')
  const rows = readTable(page, 'what happened').map((cells) => {
    const [, code = '', message = '', , status = '', status503 = ''] = cells
    return { code: withoutBackticks(code), message, status, status503 }
  })
  const gatewayRows = readTable(page, 'what the gateway finds').map(
    ([, code = '', status = '']) => ({ code: withoutBackticks(code), status }),
  )

  it('has each reason and each code of the gateway once in its table', () => {
    expect(sorted(rows.map(({ code }) => code))).toEqual(sorted(reasons))
    expect(sorted(gatewayRows.map(({ code }) => code))).toEqual(sorted(codes))
  })

  it.each(rows)('has the response for $code', ({ code, message, status, status503 }) => {
    const [byDefault, unavailable] = ([401, 503] as const).map((unavailableStatus) => {
      const { denial, init } = new Denials({ unavailableStatus }).create(code as DenialReason)
      const again = 'retry-after' in init.headers ? ', Retry-After' : ''
      return { status: `${denial.status}${again}`, message: denial.message }
    })
    expect(byDefault).toEqual({ status, message })
    expect(unavailable?.status).toBe(withoutBackticks(status503))
    expect(page).toContain(unavailable?.message)
  })

  it.each(gatewayRows)('has the status of the gateway for $code', ({ code, status }) => {
    expect(status).toBe(String(createRefusal(code as GatewayFailureCode, 'GET').status))
  })

  it.each([...rows, ...gatewayRows])(
    'has a section for $code, with its status',
    ({ code, ...row }) => {
      const sections = readSections(page).filter(({ title }) => title === `\`${code}\``)
      expect(sections).toHaveLength(1)
      const statuses = Object.values(row).flatMap((cell) => /^\d{3}\b/.exec(cell) ?? [])
      expect(statuses.filter((status) => !sections[0]?.text.includes(status))).toEqual([])
    },
  )
})

interface Section {
  readonly title: string
  readonly text: string
}

/** The sections of the second level. */
function readSections(markdown: string): Section[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n')
      return { title, text: lines.join('\n') }
    })
}

/** The value of an option as TypeScript. `undefined` for a list or a function, which cannot be compared. */
function valueIn(config: object, option: string): string | undefined {
  const found = option
    .split('.')
    .reduce<unknown>((parent, name) => Reflect.get(Object(parent), name), config)
  if (typeof found === 'string') return `'${found}'`
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
}
