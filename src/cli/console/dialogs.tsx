/** @jsxImportSource hono/jsx */
import type { JSX } from 'hono/jsx/jsx-runtime'

export function Dialogs(): JSX.Element {
  return (
    <>
      <dialog id="create-dialog" aria-labelledby="create-title">
        <form>
          <h2 id="create-title">New key</h2>
          <Field name="principal" title="Principal" hint="who calls with it" isRequired />
          <Field name="name" title="Name" hint="a label for people" />
          <Field name="tenant" title="Tenant" />
          <Lines name="attributes" title="Attributes" hint="one on each line: roles=admin" />
          <Lines name="paths" title="Paths" hint="one on each line: /v1; none: every path" />
          <Field
            name="expiresIn"
            title="Works for"
            hint="such as 90d; empty: until it is revoked"
          />
          <Buttons action="Create" />
        </form>
      </dialog>
      <dialog id="rotate-dialog" aria-labelledby="rotate-title">
        <form>
          <h2 id="rotate-title">Rotate the key</h2>
          <p data-field="key" class="value"></p>
          <p>A new key takes its place, for the same principal.</p>
          <Field
            name="overlap"
            title="The old key works for"
            value="24h"
            hint="0 ends it at once"
          />
          <Field
            name="expiresIn"
            title="The new key works for"
            hint="such as 90d; empty: as long as the old one was made for"
          />
          <Buttons action="Rotate" />
        </form>
      </dialog>
      <dialog id="revoke-dialog" aria-labelledby="revoke-title">
        <form>
          <h2 id="revoke-title">Revoke the key?</h2>
          <p data-field="key" class="value"></p>
          <p>This cannot be undone. Other machines may accept the key for a while:</p>
          <p data-field="revocation"></p>
          <Buttons action="Revoke" isDanger />
        </form>
      </dialog>
      <dialog id="key-dialog" aria-labelledby="key-title">
        <form method="dialog">
          <h2 id="key-title">Copy the key now</h2>
          <p>It is not shown again: only its hash is stored.</p>
          <label>
            <span data-field="owner" class="value"></span>
            <textarea name="key" rows={3} readonly autocomplete="off" spellcheck={false}></textarea>
          </label>
          <p data-field="advice" class="attention value"></p>
          <p data-field="copied" role="status"></p>
          <div class="buttons">
            <button type="button" id="copy" class="main">
              Copy
            </button>
            <button>Done</button>
          </div>
        </form>
      </dialog>
    </>
  )
}

interface FieldProps {
  readonly name: string
  readonly title: string
  readonly hint?: string
  readonly value?: string
  readonly isRequired?: boolean
}

function Field({ name, title, hint, value, isRequired = false }: FieldProps) {
  return (
    <label>
      {title} <Hint text={hint} />
      <input
        name={name}
        value={value}
        required={isRequired}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  )
}

function Lines({ name, title, hint }: FieldProps) {
  return (
    <label>
      {title} <Hint text={hint} />
      <textarea name={name} rows={2} autocomplete="off" spellcheck={false}></textarea>
    </label>
  )
}

function Hint({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : <small>{text}</small>
}

function Buttons({ action, isDanger = false }: { action: string; isDanger?: boolean }) {
  return (
    <>
      <p class="error value" role="alert"></p>
      <div class="buttons">
        <button type="button" data-action="cancel">
          Cancel
        </button>
        <button class={isDanger ? 'danger main' : 'main'}>{action}</button>
      </div>
    </>
  )
}
