// `keys-sqlite.js <folder> <statement that makes the table>` runs the tests and prints how they went.
import { join } from 'node:path'
import process from 'node:process'
import * as api from 'with-auth/keys'
import { SQLITE_TESTS } from './sqlite-contract.js'

const [folder, documentedTable] = process.argv.slice(2)
const passed = []
const failures = []
for (const [index, [title, test]] of SQLITE_TESTS.entries()) {
  try {
    await test(join(folder, `${index}.db`), api, documentedTable)
    passed.push(title)
  } catch (error) {
    failures.push([title, error.stack].join(': '))
  }
}
console.log(JSON.stringify({ passed: passed.length, failures }))
