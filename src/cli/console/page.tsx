/** @jsxImportSource hono/jsx */
import { html } from 'hono/html'
import { Dialogs } from './dialogs.tsx'
import type { HtmlEscapedString } from 'hono/utils/html'

/** The page without any data: its script gets them, and puts them in as text. */
export function renderPage(watches: boolean): HtmlEscapedString | Promise<HtmlEscapedString> {
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Keys · with-auth</title>
        <link rel="stylesheet" href="/console.css" />
        <script src="/console.js" defer></script>
      </head>
      <body>
        <header>
          <h1>with-auth</h1>
          <span id="place" class="value"></span>
        </header>
        <main>
          <p id="notice" role="status"></p>
          <noscript>The console needs JavaScript.</noscript>
          <div id="signed-in" hidden>
            <Keys />
            {watches && <Decisions />}
          </div>
        </main>
        <Dialogs />
      </body>
    </html>
  )
  return html`<!doctype html>${page}`
}

const COLUMNS = [
  ['label', 'Key'],
  ['principal', 'Principal'],
  ['status', 'Status'],
  ['created', 'Created'],
  ['expires', 'Expires'],
  ['lastUsed', 'Last use'],
  ['checks', 'Checks, 30 days'],
] as const

function Keys() {
  return (
    <section aria-labelledby="keys-title">
      <div class="bar">
        <h2 id="keys-title" tabindex={-1}>
          Keys
        </h2>
        <label>
          Search <input id="search" type="search" autocomplete="off" spellcheck={false} />
        </label>
        <label class="narrow">
          Sort <Sorting />
        </label>
        <button id="create" class="main">
          New key
        </button>
      </div>
      <p id="count" class="quiet" role="status"></p>
      <p id="warning" class="attention value"></p>
      <table>
        <thead>
          <tr>
            {COLUMNS.map(([name, title]) => (
              <th scope="col" data-sort={name}>
                <button>{title}</button>
              </th>
            ))}
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody id="keys"></tbody>
      </table>
      <p class="quiet">
        A check is a request that was decided by the key. A request that a cache answered is not
        counted. Days are those of UTC.
      </p>
      <button id="more" hidden>
        Load more keys
      </button>
      <KeyRow />
    </section>
  )
}

/** In place of the heads of columns, which a narrow screen does not show. */
function Sorting() {
  return (
    <select id="sorting">
      {COLUMNS.map(([name, title]) => (
        <option value={name}>{title}</option>
      ))}
    </select>
  )
}

function KeyRow() {
  return (
    <template id="key-row">
      <tr>
        <th scope="row" data-title="Key">
          <span data-field="name" class="value"></span> <code data-field="id"></code>{' '}
          <code data-field="prefix" class="quiet"></code>
        </th>
        <td data-title="Principal">
          <span data-field="principal" class="value"></span>{' '}
          <span data-field="rights" class="value quiet"></span>
        </td>
        <td data-title="Status">
          <span data-field="status" class="status"></span>{' '}
          <span data-field="attention" class="attention"></span>
        </td>
        <td data-title="Created" data-field="created"></td>
        <td data-title="Expires" data-field="expires"></td>
        <td data-title="Last use" data-field="lastUsed"></td>
        <td data-title="Checks" data-field="checks"></td>
        <td class="actions">
          <button data-action="rotate">Rotate</button>{' '}
          <button data-action="revoke" class="danger">
            Revoke
          </button>
        </td>
      </tr>
    </template>
  )
}

function Decisions() {
  return (
    <section aria-labelledby="decisions-title" id="decisions">
      <div class="bar">
        <h2 id="decisions-title">Live decisions</h2>
        <label>
          Key or principal <input id="by-key" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Path <input id="by-path" autocomplete="off" spellcheck={false} />
        </label>
        <label>
          Outcome{' '}
          <select id="by-outcome">
            <option value="">all</option>
            <option value="allow">allow</option>
            <option value="deny">deny</option>
            <option value="public">public</option>
          </select>
        </label>
        <button id="pause" aria-pressed="false">
          Pause
        </button>
      </div>
      <p id="feed" class="quiet" role="status"></p>
      <table>
        <thead>
          <tr>
            {['Time', 'Outcome', 'Principal', 'Request', 'Cause'].map((title) => (
              <th scope="col">{title}</th>
            ))}
          </tr>
        </thead>
        <tbody id="live"></tbody>
      </table>
      <template id="decision-row">
        <tr>
          <td data-title="Time" data-field="time"></td>
          <td data-title="Outcome" data-field="outcome" class="status"></td>
          <td data-title="Principal">
            <span data-field="principal" class="value"></span> <code data-field="keyId"></code>
          </td>
          <td data-title="Request">
            <code data-field="request" class="value"></code>
          </td>
          <td data-title="Cause" data-field="cause" class="value"></td>
        </tr>
      </template>
    </section>
  )
}
