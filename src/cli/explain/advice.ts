import type { DenyDetail } from '../../core/types.ts'

/** The meaning of a denial, the change that it asks for, and its usual cause with some servers. */
export interface Advice {
  /** The meaning of the detail, about the token. */
  readonly means: string
  readonly change: string
  /** The option of a file that decides about it: of the provider, but for `tenant`. */
  readonly key?: string
  readonly keycloak?: string
  readonly hydra?: string
  readonly kubernetes?: string
}

const NEW_TOKEN = 'Nothing: the client gets a new token.'

/** By the `detail` of a denial. `docs/messages.md` has the same sentences. Names of options stand in backticks. */
export const ADVICE: Readonly<Record<DenyDetail, Advice>> = {
  too_long: {
    means: 'It has more than 8,192 characters, so that it was not looked at.',
    change: 'Let the issuer put less into it, such as fewer roles.',
    keycloak: 'some 240 roles: turn off "Full scope allowed" of the client',
  },
  malformed: {
    means:
      'It is not a token of this kind, or a part of it cannot be read: it was cut off, or a claim has the wrong type.',
    change: 'Let the client send the whole access token. An opaque one needs `introspection`.',
    hydra: 'opaque by default: `STRATEGIES_ACCESS_TOKEN=jwt`, or `introspection`',
  },
  algorithm: {
    means: 'Its `alg` is not one of the allowed algorithms.',
    change:
      'Let the issuer sign with another one, or extend `algorithms`. `HS256` is never allowed.',
    key: 'algorithms',
    keycloak: 'a refresh token (`HS512`), or "Access token signature algorithm" of the client',
  },
  type: {
    means: 'It is a token for another use, such as an ID token or a refresh token.',
    change: 'Let the client send its access token. For another `typ` of the header set `types`.',
    key: 'types',
    keycloak: 'an ID token (`"typ": "ID"`)',
    hydra: 'of `introspection`: a refresh token',
  },
  unknown_key: {
    means: 'The issuer has no key with the `kid` that the token names.',
    change:
      'Is the token of this issuer, and are these its keys? After a rotation it passes by itself.',
    key: 'jwks',
    keycloak: 'a key of another realm, or of the curve Ed448',
    kubernetes: 'a token of another cluster',
  },
  signature: {
    means: 'Its signature does not fit the key: the token was changed, or another key signed it.',
    change: 'Nothing, if it is an attack. Else an issuer uses one `kid` for two keys.',
  },
  issuer: {
    means: 'Its `iss` is not the configured issuer.',
    change: 'Set `issuer` to the text of `iss`: slash, scheme, host and port count.',
    key: 'issuer',
    keycloak: 'the host name under which the client asked: set `KC_HOSTNAME`',
    hydra: '`URLS_SELF_ISSUER`',
    kubernetes: '`--service-account-issuer`',
  },
  audience: {
    means: 'Its `aud` names none of the configured audiences: it is for another API.',
    change: 'Let the issuer put your API into `aud`, or set `audience` to what is there.',
    key: 'audience',
    keycloak:
      '`account`: the client lacks an audience mapper; missing: a lightweight token, which needs `introspection`',
    hydra: '`[]`: the client asked for no `audience`, or the consent app did not grant it',
    kubernetes: "the API server's own: `kubectl create token --audience`, or a projected volume",
  },
  expired: { means: 'Its `exp` has passed, or it is older than allowed.', change: NEW_TOKEN },
  not_yet_valid: {
    means: 'Its `nbf` or `iat` is in the future: a clock may be wrong.',
    change: 'Set the clocks. `clockToleranceSeconds` bridges some seconds.',
    key: 'clockToleranceSeconds',
  },
  missing_claim: {
    means: 'It lacks a claim that is required, such as the one that names the principal.',
    change: 'Let the issuer send the claim, or name another one by `principal`.',
    key: 'principal',
    hydra: 'with `requiredClaims: ["client_id"]` an ID token',
  },
  bound: {
    means: 'It is bound to a key, and came as a Bearer token, as a stolen one would.',
    change: 'Let the issuer give out Bearer tokens: nothing here can check the proof.',
    keycloak: '"Require DPoP bound tokens" of the client, or a client that sent a proof',
  },
  inactive: {
    means: 'The provider says that it has ended, was revoked, or may not be used.',
    change: `${NEW_TOKEN} If it is so for every token, check the client that asks.`,
    key: 'introspection',
    keycloak: 'also for a client that is not in `aud`, and at another host name',
    hydra: 'also for an ID token',
  },
  unknown_token: {
    means: 'The service or the list that was asked does not know it.',
    change: 'Let the client send a token of this service.',
    kubernetes: 'also for a pod or an account that is gone',
  },
  no_verifier: {
    means: 'No verifier of `firstOf` accepts a token of this form.',
    change: 'Let the client send a token of one of them, or add a member.',
  },
  tenant: {
    means: 'It gives no tenant that is allowed, and `tenant` needs one.',
    change: 'Let the issuer send a tenant, or change `tenant`.',
    key: 'tenant',
  },
  proof: {
    means: 'The request has no valid secret or signature of the proxy that names the caller.',
    change: 'Set the same secret here and in the proxy.',
    key: 'trustedProxySecret',
  },
  address: {
    means: 'The request did not come from an address of `proof.addresses`.',
    change: 'Add the address of the proxy to `proof.addresses`, if it is one.',
    key: 'trustedProxyCidrs',
  },
  revoked: {
    means: 'It is an API key that was revoked.',
    change: 'Nothing, if it should not work. Else give the client a new key.',
  },
  path: {
    means: 'It is an API key that is limited to other paths.',
    change: 'Give the client a key for this path.',
  },
  unknown: {
    means:
      'It is not an API key of the file or the database: it was removed, or it is of another one.',
    change: 'Let the client send its whole key. `with-auth keys check` reads a key.',
  },
}
