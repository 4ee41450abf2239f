import { expect, it } from 'vitest'
import { checkCommand } from '../../src/cli/check-command.ts'
import { configCommand } from '../../src/cli/config-command.ts'
import { demoCommand } from '../../src/cli/demo-command.ts'
import { endpointCommand } from '../../src/cli/endpoint-command.ts'
import { gatewayCommand } from '../../src/cli/gateway-command.ts'
import { keysCommands } from '../../src/cli/keys-commands.ts'
import { main } from '../../src/cli/main.ts'
import { createSurroundings } from '../support/surroundings.ts'

const COMMANDS = [
  gatewayCommand,
  ...keysCommands,
  endpointCommand,
  checkCommand,
  configCommand,
  demoCommand,
]

const HELP = {
  gateway: `Usage: with-auth gateway --upstream URL (--keys FILE | --config FILE) [OPTIONS]

Pass requests with a good key on to a server in any language.

  --upstream URL                 the server to pass requests on to
  --config FILE                  a run.yaml with server.auth: asks the endpoint that it names
  --keys FILE                    a file of keys: decides by itself, and asks nobody
  --host HOST                    the address to listen on (127.0.0.1: this machine only)
  --port PORT                    the port to listen on (8320); 0 takes a free one
  --keep-alive-ms MS             how long a connection may be idle, on Node (75000)
  --healthz                      answer GET /healthz here, without a key
  --request-id-header NAME       the header of the request id; one is made where it is missing
  --log-principal                write the principal of each request into the log
  --upstream-timeout-ms MS       how long the upstream may take to begin its answer (120000)
  --forward-authorization        pass the key on to the upstream
  --strip-header NAME            keep this header of clients from the upstream; NAME* is a prefix; may be repeated
  --public-origin URL            what clients know the gateway as, behind TLS
  --trusted-proxy CIDR           read the address of the client from the headers of this proxy; may be repeated
  --allow-insecure-http          permit an http upstream anywhere
  --json                         print JSON, for machines
  --help                         show this help

Each request is a line on standard output (JSON in a pipe), with the status that its client got. At the start, and every ten
minutes, the gateway asks the endpoint about a random key. An endpoint that allows it is not used: the gateway rejects every
request until the endpoint denies such a key. SIGTERM lets requests end, for 25 seconds; SIGINT cuts them off.
`,
  'keys create': `Usage: with-auth keys create --keys FILE --principal NAME [OPTIONS]

Make a key, and write its hash into a file.

  --keys FILE                    the file of keys
  --principal NAME               whose key it is
  --attribute NAME=VALUE         what is said about its owner; may be repeated
  --path PATH                    opens only this and below; may be repeated
  --expires-in TIME              how long it lasts, such as 90d
  --expires-at TIME              when it ends, such as 2030-01-01T00:00:00Z
  --json                         print JSON, for machines
  --help                         show this help

The key is printed to standard output, once: the file does not have it.
Run "umask 077" before you write it into a file, so that no other user can read that file.
`,
  'keys list': `Usage: with-auth keys list --keys FILE

List the keys of a file, without what opens anything.

  --keys FILE                    the file of keys
  --json                         print JSON, for machines
  --help                         show this help
`,
  'keys revoke': `Usage: with-auth keys revoke (ID | -) --keys FILE

Revoke a key, by its id or by itself.

  --keys FILE                    the file of keys
  --json                         print JSON, for machines
  --help                         show this help

With - in place of the id, the key itself is read from standard input and is not shown:
with-auth keys revoke - --keys keys.yaml < key.txt
`,
  endpoint: `Usage: with-auth endpoint --keys FILE [OPTIONS]

Serve an auth endpoint over a file of keys.

  --keys FILE                    the file of keys
  --max-age SECONDS              for how long guards may keep a verdict (30)
  --host HOST                    the address to listen on (127.0.0.1: this machine only)
  --port PORT                    the port to listen on (8321); 0 takes a free one
  --keep-alive-ms MS             how long a connection may be idle, on Node (75000)
  --json                         print JSON, for machines
  --help                         show this help

Each answer is a line of JSON on standard output. A change of the file counts from the next question on.
With WITH_AUTH_ENDPOINT_SECRET set, only who sends it in the header x-auth-secret may ask.
`,
  check: `Usage: with-auth check URL [OPTIONS]

Examine an auth endpoint, and say what to change in it.

  --key-file FILE                a file with a good key (or set WITH_AUTH_KEY)
  --timeout-ms MS                how long to wait for each answer (5000)
  --allow-insecure-http          permit http to another machine
  --json                         print JSON, for machines
  --help                         show this help

It asks some 15 questions, one after the other and for a minute at most: with a good key, with bad ones, and
with what is no question. The key comes from WITH_AUTH_KEY or a file, and is never printed. WITH_AUTH_ENDPOINT_SECRET is sent in
the header x-auth-secret, if it is set.
`,
  config: `Usage: with-auth config FILE

Check server.auth of a run.yaml, and print it with all defaults.

  --json                         print JSON, for machines
  --help                         show this help

Secrets are not printed. Variables are taken from the environment, as the gateway takes them.
`,
  demo: `Usage: with-auth demo

Run a gateway before a small API, with a key for you.

  --json                         print JSON, for machines
  --help                         show this help

It listens on this machine only, and on free ports if the usual ones are taken.
`,
}

it.each(Object.entries(HELP))('%s --help is all that is to know of it', async (name, printed) => {
  const surroundings = createSurroundings()
  const code = await main([...name.split(' '), '--help'], COMMANDS, surroundings)
  expect({ code, printed: surroundings.printed(), noted: surroundings.noted() }).toEqual({
    code: 0,
    printed,
    noted: '',
  })
})
