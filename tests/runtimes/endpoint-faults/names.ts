import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { always, ok } from './answers.ts'
import { EXPIRED, KEY, OF_ANOTHER_HOST, RIGHT } from './certificates.ts'
import { row } from './row.ts'
import type { TlsOptions } from 'node:tls'
import type { Case, Expectation, Row } from './row.ts'

/** E21 and E22: TLS and DNS that fail. */

function secured(name: string, tls: TlsOptions, expected: Expectation): Case {
  return { name, fault: { ...always(ok()), tls: { key: KEY, ...tls } }, expected }
}

const OLD = { ciphers: 'DEFAULT@SECLEVEL=0' }

function elsewhere(name: string, url: string, expected: Expectation): Case {
  return { name, fault: {}, expected, options: { endpoint: url } }
}

export const NAME_ROWS: readonly Row[] = [
  row('E21', 'TLS that fails', [
    secured('a certificate that is right', { cert: RIGHT }, 'allow'),
    secured('a certificate that signed itself', { ...SELF_SIGNED }, 'unreachable'),
    secured('a certificate that is too old', { cert: EXPIRED }, 'unreachable'),
    secured('a certificate of another host', { cert: OF_ANOTHER_HOST }, 'unreachable'),
    secured(
      'TLS 1.0',
      { cert: RIGHT, minVersion: 'TLSv1', maxVersion: 'TLSv1', ...OLD },
      'unreachable',
    ),
    secured(
      'TLS 1.1',
      { cert: RIGHT, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...OLD },
      'unreachable',
    ),
    {
      name: 'plain HTTP on the TLS port',
      // As from a server that speaks no TLS: it answers whatever comes.
      fault: { onConnection: (socket) => socket.once('data', () => socket.end(ok())) },
      expected: 'unreachable',
      options: ({ endpoint }) => ({ endpoint: `https://localhost:${endpoint.port}/` }),
    },
    {
      ...secured('a plain question to the TLS port', { cert: RIGHT }, 'unreachable'),
      options: ({ endpoint }) => ({ endpoint: `http://localhost:${endpoint.port}/` }),
    },
  ]),
  row(
    'E22', // A resolver that fails in other ways (SERVFAIL, silence) would have to be the machine's own.
    'DNS',
    [
      elsewhere('a name that does not exist', 'https://auth.invalid/validate', [
        'unreachable',
        'timeout',
      ]),
      elsewhere('a label that is too long', `https://${'a'.repeat(64)}.invalid/`, [
        'unreachable',
        'timeout',
      ]),
      elsewhere('a name that is too long', `https://${'a.'.repeat(200)}invalid/`, [
        'unreachable',
        'timeout',
      ]),
      {
        name: 'a name for the loopback interface: nothing special',
        fault: always(ok()),
        expected: 'allow',
        options: ({ endpoint }) => ({ endpoint: `http://localhost:${endpoint.port}/` }),
      },
    ],
  ),
]
