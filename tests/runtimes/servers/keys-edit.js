import process from 'node:process'
import { createKey, listKeys, revokeKey } from 'with-auth/keys'

const [file, name, count] = process.argv.slice(2)
for (let index = 0; index < Number(count); index += 1) {
  const { id } = await createKey(file, { principal: `${name} ${index}` })
  if (index % 2 === 1) await revokeKey(file, id)
}
const listed = await listKeys(file)
console.log(JSON.stringify(listed.filter(({ principal }) => principal.startsWith(name))))
