import { describe, expect, it, vi } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { checkKeyEndpointOptions, checkSource } from '../../src/keys/options.ts'
import { KeyFileError } from '../../src/keys/error.ts'

const SECRET = 's3cr3t-s3cr3t-s3'

describe('a source', () => {
  it.each([{ file: 'keys.yaml' }, { text: 'keys: []' }, { text: '' }])('may be %j', (source) => {
    expect(checkSource(source)).toEqual(source)
  })

  it.each<[unknown, string, string?]>([
    [undefined, 'received undefined'],
    ['keys.yaml', 'received "keys.yaml"'],
    [{}, '{ file } or { text }, one of them'],
    [{ file: '' }, '{ file } or { text }'],
    [{ file: 1 }, '{ file } or { text }'],
    [{ text: 1 }, '{ file } or { text }'],
    [{ file: undefined }, 'is a variable not set?', 'source.file'],
    [{ file: 'keys.yaml', text: SECRET }, '{ file } or { text }, one of them'],
    [{ path: 'keys.yaml' }, 'Unknown option "source.path"', 'source.path'],
  ])('may not be %j', (source, message, option = 'source') => {
    const checking = (): unknown => checkSource(source)
    expect(checking).toThrow(AuthConfigError)
    expect(checking).toThrow(expect.objectContaining({ option }))
    expect(checking).toThrow(message)
    expect(checking).not.toThrow(SECRET)
  })
})

describe('the options', () => {
  it('have defaults', () => {
    const { onError, ...rest } = checkKeyEndpointOptions({})
    expect(rest).toEqual({ maxAgeSeconds: 30, endpointSecret: undefined })
    const print = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    onError(new KeyFileError('not_found', 'There is no file'))
    expect(print).toHaveBeenCalledExactlyOnceWith('with-auth: There is no file')
    print.mockRestore()
  })

  it('are taken', () => {
    const options = { maxAgeSeconds: 0, endpointSecret: SECRET, onError: () => undefined }
    expect(checkKeyEndpointOptions(options)).toEqual(options)
  })

  it.each([
    [{ maxAgeSecond: 5 }, 'Unknown option "options.maxAgeSecond": did you mean "maxAgeSeconds"?'],
    [5, '"options" must be'],
    [{ maxAgeSeconds: -1 }, 'a whole number from 0 to 3600, received -1'],
    [{ maxAgeSeconds: 3601 }, 'from 0 to 3600'],
    [{ maxAgeSeconds: 1.5 }, 'from 0 to 3600'],
    [{ maxAgeSeconds: undefined }, 'is a variable not set?'],
    [{ endpointSecret: SECRET.slice(1) }, '16 to 1024 visible ASCII characters'],
    [{ endpointSecret: `${SECRET} ` }, '16 to 1024 visible ASCII characters'],
    [{ endpointSecret: ` ${SECRET}` }, '16 to 1024 visible ASCII characters'],
    [{ endpointSecret: [SECRET] }, '16 to 1024 visible ASCII characters'],
    [{ endpointSecret: SECRET.repeat(65) }, '16 to 1024 visible ASCII characters'],
    [{ endpointSecret: '' }, '"options.endpointSecret" must be 16 to 1024'],
    [{ endpointSecret: undefined }, 'is a variable not set?'],
    [{ onError: 'print' }, '"options.onError" must be a function'],
  ])('are refused: %j', (options, message) => {
    const checking = (): unknown => checkKeyEndpointOptions(options)
    expect(checking).toThrow(AuthConfigError)
    expect(checking).toThrow(message)
    expect(checking).not.toThrow('s3cr3t')
    const [name] = Object.keys(options)
    const option = name === undefined ? 'options' : `options.${name}`
    expect(checking).toThrow(expect.objectContaining({ option }))
  })
})
