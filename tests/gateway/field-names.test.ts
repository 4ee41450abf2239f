import { describe, expect, it } from 'vitest'
import { foldName } from '../../src/core/config/option-checks.ts'
import {
  isRemovedFromRequest,
  isRemovedFromResponse,
  mayCarryIdentity,
  namesInConnection,
} from '../../src/gateway/field-names.ts'
import { words } from '../support/words.ts'

// From RFC 9110 §7.6.1 and §11.7, RFC 9113 §3.1, and older practice.
const HOP_BY_HOP = words(`
  connection http2-settings keep-alive proxy-authenticate proxy-authentication-info proxy-authorization
  proxy-connection te trailer transfer-encoding upgrade`)
const OF_THE_CALL = words('accept-encoding content-length expect host')
/** Proxies and content networks describe the client in these. A client can claim anything. */
const ABOUT_THE_CLIENT = words(`
  ali-cdn-real-ip cdn-src-ip cf-connecting-ip cf-connecting-ipv6 cf-pseudo-ipv4 cf-visitor client-cert
  client-cert-chain client-ip do-connecting-ip fastly-client-ip fly-client-ip fly-forwarded-proto forwarded
  front-end-https incap-client-ip proxy-client-ip remote-addr remote-user ssl-client-verify true-client-ip via
  wl-proxy-client-ip wl-proxy-ssl x-azure-clientip x-azure-socketip x-client-ip x-cluster-client-ip
  x-envoy-external-address x-forwarded x-forwarded-for x-forwarded-prefix x-host x-nf-client-connection-ip
  x-original-for x-original-forwarded-for x-original-host x-originating-ip x-proxyuser-ip x-real-ip x-remote-group
  x-remote-ip x-scheme x-ssl-client-cert x-true-client-ip x-url-scheme x-vercel-forwarded-for`)
/** Servers take another path, method or internal redirect from these. */
const ABOUT_THE_TARGET = words(`
  path-info proxy script-name x-accel-mapping x-envoy-original-path x-http-destinationurl x-http-host-override
  x-http-method x-http-method-override x-method-override x-middleware-rewrite x-middleware-subrequest
  x-original-method x-original-uri x-original-url x-override-url x-rewrite-url x-script-name x-sendfile-type`)

describe('a header name', () => {
  it.each(
    words(`
    X-Auth-Principal x_auth_principal X.Auth.Principal x_auth-principal x~auth|principal
  `),
  )('%s equals its other spellings (CVE-2025-64484, CVE-2026-54763, CVE-2026-52845)', (name) => {
    expect(foldName(name)).toBe('x-auth-principal')
  })

  it('is removed from a request if it describes the hop, the client or the target', () => {
    const removed = [...HOP_BY_HOP, ...OF_THE_CALL, ...ABOUT_THE_CLIENT, ...ABOUT_THE_TARGET]
    expect(removed.filter((name) => !isRemovedFromRequest(name))).toEqual([])
    const kept =
      words(`accept content-type cookie user-agent x-forwarder x-envoyer x-original remote x-hostname
      scheme if-none-match origin my-remote-user not-x-forwarded-for`)
    expect(kept.filter(isRemovedFromRequest)).toEqual([])
  })

  it('may carry the identity if it is kept, or names the user', () => {
    const names = words(`remote-user x-remote-user remote-groups x-remote-extra-ip x-user
      remote-address-book x-remote-host-group remote-ip-label remote-portal`)
    expect(names.filter((name) => !mayCarryIdentity(name))).toEqual([])
    const facts = words(`remote-addr x-remote-ip remote-host x-remote-port x-forwarded-user
      x-forwarded-remote-user`)
    expect(facts.filter(mayCarryIdentity)).toEqual([])
  })

  it('is removed from a response if it describes the hop', () => {
    const removed = [...HOP_BY_HOP, 'alt-svc']
    expect(removed.filter((name) => !isRemovedFromResponse(name))).toEqual([])
    const kept = words('content-length set-cookie www-authenticate location via date')
    expect(kept.filter(isRemovedFromResponse)).toEqual([])
  })
})

it('reads the names in Connection', () => {
  const connection = 'close, X-User ,, keep-Alive'
  expect(namesInConnection(connection)).toEqual(new Set(['close', 'x-user', '', 'keep-alive']))
  expect(namesInConnection(null)).toEqual(new Set())
})
