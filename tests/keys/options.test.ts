import { describe, expect, it, vi } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { KeyFileError } from '../../src/keys/error.ts'
import { parseEndpointOptions, parseSource } from '../../src/keys/options.ts'

const SECRET = 's3cr3t-s3cr3t-s3'
const EITHER = 'one of { file } and { text }, a string, or { store }'
const STORE = { find: (): undefined => undefined }
const SECRET_FORM = '"options.endpointSecret" must be 16 to 1024 visible ASCII characters'

describe('a source', () => {
  it.each([{ file: 'keys.yaml' }, { text: 'keys: []' }, { text: '' }, { store: STORE }])(
    'may be %j',
    (source) => {
      expect(parseSource(source)).toEqual(source)
    },
  )

  it.each<[unknown, string, string?]>([
    [undefined, 'received undefined'],
    ['keys.yaml', 'received "keys.yaml"'],
    [{}, EITHER],
    [{ file: '' }, EITHER],
    [{ file: 1 }, EITHER],
    [{ text: 1 }, EITHER],
    [{ store: {} }, EITHER],
    [{ store: 'keys.db' }, EITHER],
    [{ store: STORE, file: 'keys.yaml' }, EITHER],
    [{ file: undefined }, 'is a variable not set?', 'source.file'],
    [{ file: 'keys.yaml', text: SECRET }, EITHER],
    [{ path: 'keys.yaml' }, 'Unknown option "source.path"', 'source.path'],
  ])('may not be %j', (source, message, option = 'source') => {
    const parsing = (): unknown => parseSource(source)
    expect(parsing).toThrow(AuthConfigError)
    expect(parsing).toThrow(expect.objectContaining({ option }))
    expect(parsing).toThrow(message)
    expect(parsing).not.toThrow(SECRET)
  })
})

describe('the options', () => {
  it('have defaults', () => {
    const { onError, onWarning, ...rest } = parseEndpointOptions({})
    expect(rest).toEqual({ maxAgeSeconds: 30, endpointSecret: undefined })
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onError(new KeyFileError('not_found', 'There is no file'))
    expect(print).toHaveBeenCalledExactlyOnceWith('with-auth: There is no file')
    print.mockRestore()
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onWarning('a key expires')
    expect(warn).toHaveBeenCalledExactlyOnceWith('with-auth: a key expires')
    warn.mockRestore()
  })

  it('keep valid values', () => {
    const ignored = (): void => undefined
    const options = {
      maxAgeSeconds: 0,
      endpointSecret: SECRET,
      onError: ignored,
      onWarning: ignored,
    }
    expect(parseEndpointOptions(options)).toEqual(options)
  })

  it.each([
    [{ maxAgeSecond: 5 }, 'Unknown option "options.maxAgeSecond": did you mean "maxAgeSeconds"?'],
    [5, '"options" must be'],
    [{ maxAgeSeconds: -1 }, 'a whole number from 0 to 3600, received -1'],
    [{ maxAgeSeconds: 3601 }, 'from 0 to 3600'],
    [{ maxAgeSeconds: 1.5 }, 'from 0 to 3600'],
    [{ maxAgeSeconds: undefined }, 'is a variable not set?'],
    [{ endpointSecret: SECRET.slice(1) }, SECRET_FORM],
    [{ endpointSecret: `${SECRET} ` }, SECRET_FORM],
    [{ endpointSecret: ` ${SECRET}` }, SECRET_FORM],
    [{ endpointSecret: [SECRET] }, SECRET_FORM],
    [{ endpointSecret: SECRET.repeat(65) }, SECRET_FORM],
    [{ endpointSecret: '' }, SECRET_FORM],
    [{ endpointSecret: undefined }, 'is a variable not set?'],
    [{ onError: 'print' }, '"options.onError" must be a function'],
  ])('reject %j', (options, message) => {
    const parsing = (): unknown => parseEndpointOptions(options)
    expect(parsing).toThrow(AuthConfigError)
    expect(parsing).toThrow(message)
    expect(parsing).not.toThrow('s3cr3t')
    const [name] = Object.keys(options)
    const option = name === undefined ? 'options' : `options.${name}`
    expect(parsing).toThrow(expect.objectContaining({ option }))
  })
})
