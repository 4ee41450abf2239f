import { shortHeaders } from '../../support/gateway-rows.ts'

/** Targets that run a forbidden handler of Express if they are sent to it directly. */
export const FORBIDDEN_ROWS: readonly (readonly [title: string, targets: readonly string[]])[] = [
  ['the path as it is written', ['/admin', '/admin/', '/admin/secret', '/admin/secret?x=1']],
  [
    'the path in another case (Authelia CVE-2026-48794)',
    ['/ADMIN', '/Admin/secret', '/aDMIN/secret', '/ADMIN/', '/ADMIN//secret', '/Admin/a%2fb'],
  ],
  [
    'the path behind a host, as `new URL(request.url, base)` reads it',
    [
      '//x/admin/secret',
      '//x/ADMIN/secret',
      '//x:80/admin',
      '//u@x/admin',
      '//x/y/../admin',
      '//x/%2e/admin',
      '///x/admin',
    ],
  ],
]

/** More header fields than a server on Node keeps. Those of the gateway must not be among the rest. */
export const MANY_HEADERS: readonly string[] = shortHeaders(990)
