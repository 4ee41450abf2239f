/**
 * Verifiers: who is calling, by services that are no auth endpoint. Needs no package.
 *
 * @module with-auth/verifiers
 */
export {}
