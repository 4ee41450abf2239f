import { describe, expect, it } from 'vitest'
import { mayMean } from '../../src/yaml/misspelling.ts'

describe('mayMean', () => {
  it.each([
    ['aut', 'auth', 'a letter is missing'],
    ['authh', 'auth', 'a letter is twice'],
    ['oauth', 'auth', 'a letter stands before it'],
    ['ayth', 'auth', 'a letter is wrong'],
    ['atuh', 'auth', 'two letters are swapped'],
    ['authz_rules', 'auth', 'it begins with the name'],
    [' A-U_T.H ', 'auth', 'case and signs do not count'],
    ['authentification', 'auth', 'it begins with the name'],
    ['autentication', 'auth', 'a letter of the longer word is missing'],
    ['uathorization', 'auth', 'two letters of the longer word are swapped'],
    ['Server.Auth', 'auth', 'it is the whole path'],
    ['server_ath', 'auth', 'a letter of the whole path is missing'],
    ['server_auth_endpoint', 'auth', 'it begins with the whole path'],
    ['au', 'auth', 'it is the first half of the name'],
    ['ser', 'server', 'it is the first half of the name'],
    ['serv', 'server', 'it begins as the name does'],
    ['srvr', 'server', 'the vowels are missing'],
    ['srv', 'server', 'a letter of the name without vowels is missing'],
    ['ProviderConfig', 'provider_config', 'the signs of the name do not count either'],
  ])('takes %j for %j: %s', (key, name) => {
    expect(mayMean(key, name)).toBe(true)
  })

  it.each([
    ['path', 'auth'],
    ['out', 'auth'],
    ['cors', 'auth'],
    ['host', 'auth'],
    ['quota', 'auth'],
    ['service', 'server'],
    ['services', 'server'],
    ['observer', 'server'],
    ['thau', 'auth'],
    ['', 'auth'],
    ['a', 'auth'],
    ['se', 'server'],
    ['a', 'endpoint'],
    ['_', 'auth'],
    ['url', 'endpoint'],
    ['sreverr', 'server'],
    ['autentication', 'server'],
  ])('does not take %j for %j', (key, name) => {
    expect(mayMean(key, name)).toBe(false)
  })
})
