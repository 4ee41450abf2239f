import { parseOptions } from '../core/config/interpreter.ts'
import { misusedOption } from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { parseVerifier } from '../core/config/verifier.ts'
import { askBy } from './adapt.ts'
import { redefine } from './define-verifier.ts'
import { parseVerifierOptions } from './options.ts'
import { normaliseTenant, TENANT_FORM } from './tenant-name.ts'
import type { CheckedVerifier, Verify } from '../core/endpoint/checked-verifier.ts'
import type { AllowVerdict, ParsedVerdict } from '../core/endpoint/verdict.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { Validate } from '../core/config/interpreter.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { DefinedVerifier, Verifier } from '../core/verifier.ts'

/** The options of {@link tenancy}. */
export interface TenancyOptions {
  /**
   * `'multi'` denies a caller without a tenant, unless `default` gives it one. `'single'` gives every caller `default`, and looks
   * at no other.
   *
   * @default 'multi'
   */
  readonly mode?: 'multi' | 'single'
  /** The tenant of a caller without one. Required with `'single'`. */
  readonly default?: string
}

/** The name of a tenant in its one form. */
export const TENANT_NAME: FormOf<string | undefined> = {
  kind: 'text',
  pattern: /^(?:[a-z\d][a-z\d_-]{0,127})?$/,
  expected: TENANT_FORM,
}

const TABLE: Table<Required<TenancyOptions>> = {
  mode: { kind: 'choice', choices: ['multi', 'single'], default: 'multi' },
  default: { ...TENANT_NAME, default: '' },
}

/** The path of the tenant in the body of an endpoint, or nothing. */
export const TENANT_FIELD: FormOf<string | undefined> = {
  kind: 'text',
  expected: 'a path such as "tenant" or "organization.id"',
}

/** The options of {@link tenancy} in a file, or `false`. */
export const TENANT_OPTION: FormOf<false | Required<TenancyOptions>> = {
  kind: 'code',
  is: 'group',
  default: false,
  also: [false],
  fields: TABLE,
  read: (value, path) =>
    parseOptions(TABLE, value, path, requireDefault(path), 'an object or false'),
}

/**
 * Requires a tenant of every caller that a verifier allows, or gives every caller the same one. A tenant is trimmed and lower-cased,
 * and then must be 1 to 128 letters, digits, `-` and `_`, the first a letter or a digit. Any other is denied. Without `tenancy`
 * the tenant of a verifier is passed on as it is.
 *
 * @throws AuthConfigError for a verifier or options that cannot be used.
 *
 * @example
 * ```ts
 * import { getAuth, withAuth } from 'with-auth'
 * import { endpointVerifier, tenancy } from 'with-auth/verifiers'
 *
 * const endpoint = 'https://auth.example.com/validate'
 *
 * export default withAuth((request: Request) => Response.json(getAuth(request).tenant), {
 *   verifier: tenancy(endpointVerifier({ endpoint, tenantField: 'organization.id' }), { mode: 'multi' }),
 * })
 * ```
 */
export function tenancy(verifier: Verifier, options: TenancyOptions = {}): DefinedVerifier {
  const problems = new Problems()
  const inner = problems.attempt(() => parseVerifier(verifier, ['verifier']))
  const parsed = problems.attempt(() => parseVerifierOptions(TABLE, options, requireDefault([])))
  problems.throwIfAny()
  // Without a problem both have been parsed.
  return withTenancy(inner as CheckedVerifier, parsed as Required<TenancyOptions>)
}

function requireDefault(path: OptionPath): Validate<Required<TenancyOptions>> {
  return (options, _given, problems) => {
    if (options.mode !== 'single' || options.default !== '') return
    const mode = [...path, 'mode'].join('.')
    problems.add(misusedOption([...path, 'default'], `given beside \`${mode}\` "single"`))
  }
}

/** Makes the verifier of {@link tenancy}. */
export function withTenancy(
  inner: CheckedVerifier,
  options: Required<TenancyOptions>,
): CheckedVerifier {
  const { mode, default: byDefault } = options
  const tenant = mode === 'single' ? 'ignored' : 'required'
  const verify: Verify = async (question, signal, run) => {
    const verdict = await inner.verify(question, signal, { ...run, tenant })
    return verdict.outcome === 'deny' ? verdict : requireTenant(verdict, options)
  }
  const shown = byDefault === '' ? { mode } : options
  return redefine(inner, {
    verify,
    ask: askBy(verify),
    id: inner.id === undefined ? undefined : JSON.stringify(['tenancy', mode, byDefault, inner.id]),
    describe: () => ({ ...inner.describe(), tenancy: shown }),
  })
}

function requireTenant(
  verdict: AllowVerdict,
  { mode, default: byDefault }: Required<TenancyOptions>,
): ParsedVerdict {
  const { auth, maxAgeMs } = verdict
  const found = mode === 'single' ? byDefault : (auth.tenant ?? byDefault)
  const tenant = normaliseTenant(found)
  if (tenant !== undefined) {
    return { ...verdict, auth: Object.freeze({ __proto__: null, ...auth, tenant }) }
  }
  return { outcome: 'deny', isLasting: true, detail: 'tenant', maxAgeMs }
}
