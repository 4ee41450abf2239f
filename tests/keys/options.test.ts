import { describe, expect, it, vi } from 'vitest'
import { KeyFileError } from '../../src/keys/error.ts'
import { parseEndpointOptions, parseSource } from '../../src/keys/options.ts'

const SECRET = 's3cr3t-s3cr3t-s3'
const STORE = { find: (): undefined => undefined }

describe('a source', () => {
  it.each([{ file: 'keys.yaml' }, { text: 'keys: []' }, { text: '' }, { store: STORE }])(
    'may be %j',
    (source) => {
      expect(parseSource(source)).toEqual(source)
    },
  )
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
})
