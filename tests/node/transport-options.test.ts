import { describe, expect, it } from 'vitest'
import { resolveTransportOptions } from '../../src/node/transport-options.ts'
import { SELF_SIGNED } from '../support/self-signed-certificate.ts'

const { cert, key } = SELF_SIGNED
const dispatcher = { dispatch: () => true }

describe('resolveTransportOptions', () => {
  it('has a default for each option', () => {
    expect(resolveTransportOptions({})).toStrictEqual({ connectTimeoutMs: 5000 })
  })

  it('accepts certificates and limits', () => {
    const options = { ca: cert, cert, key, connections: 8, connectTimeoutMs: 100 }
    expect(resolveTransportOptions(options)).toMatchObject({
      connections: 8,
      connectTimeoutMs: 100,
      secureContexts: expect.any(Function) as unknown,
    })
  })

  it('accepts a dispatcher unchanged', () => {
    const source = resolveTransportOptions({ dispatcher })
    expect('given' in source && source.given).toBe(dispatcher)
  })
})
