import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { resolveTransportOptions } from '../../src/node/transport-options.ts'
import { AuthConfigError } from '../../src/index.ts'
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

  it.each([
    [{ cas: cert }, '.cas', 'did you mean "ca"?'],
    [{ connections: 0 }, '.connections', 'a whole number from 1 to 10000, received 0'],
    [{ dispatcher: {} }, '.dispatcher', 'a dispatcher of undici'],
    [{ dispatcher: { dispatch: true } }, '.dispatcher', 'a dispatcher of undici'],
    [
      { dispatcher, ca: cert },
      '.ca',
      '"nodeTransport.ca" must be left out beside "nodeTransport.dispatcher", which decides it',
    ],
    [key, '', 'called with an object of options'],
    [null, '', 'called with an object of options'],
  ])('rejects %o', (options, option, message) => {
    let error: unknown
    try {
      resolveTransportOptions(options)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error).toMatchObject({ option: `nodeTransport${option}` })
    const shown = inspect(error, { depth: null, showHidden: true })
    expect(shown).toContain(message)
    expect(shown).not.toContain('PRIVATE KEY')
  })
})
