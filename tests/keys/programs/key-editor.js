// Creates keys in a file and revokes every second one. A test runs several editors at once.
import { createKey, revokeKey } from '../../../dist/keys.js'

const [file = '', name = '', count = '0'] = process.argv.slice(2)
const made = []
for (let index = 0; index < Number(count); index += 1) {
  const { id } = await createKey(file, { principal: `${name}-${index}` })
  const isRevoked = index % 2 === 1
  if (isRevoked) await revokeKey(file, id)
  made.push({ id, principal: `${name}-${index}`, isRevoked })
}
console.log(JSON.stringify(made))
