import { afterEach, expect, it, vi } from 'vitest'
import { endpointFromEnvironment } from '../../src/core/environment.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

it('takes AUTH_ENDPOINT of the first argument before that of the process', () => {
  vi.stubEnv('AUTH_ENDPOINT', 'https://process.example.test')
  expect(endpointFromEnvironment([{ AUTH_ENDPOINT: 'https://env.example.test' }])).toBe(
    'https://env.example.test',
  )
  expect(endpointFromEnvironment([{}, { AUTH_ENDPOINT: 'https://second.example.test' }])).toBe(
    'https://process.example.test',
  )
})

it.each([[[]], [[undefined]], [[null]], [['AUTH_ENDPOINT']], [[5]]])(
  'takes that of the process where the arguments are %j',
  (args) => {
    vi.stubEnv('AUTH_ENDPOINT', 'https://process.example.test')
    expect(endpointFromEnvironment(args)).toBe('https://process.example.test')
  },
)

it('finds nothing where there is no process', () => {
  vi.stubGlobal('process', undefined)
  expect(endpointFromEnvironment([])).toBeUndefined()
})
