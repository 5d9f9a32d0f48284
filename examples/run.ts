/** `npm run example -- NAME` runs an example; without a name it lists them. */
import { existsSync, readdirSync } from 'node:fs'

const names = readdirSync(new URL('.', import.meta.url)).filter((name) =>
  existsSync(new URL(`./${name}/main.ts`, import.meta.url)),
)
const [name = ''] = process.argv.slice(2)
if (names.includes(name)) await import(`./${name}/main.ts`)
else {
  console.log(`npm run example -- NAME, where NAME is one of\n\n${names.map((one) => `  ${one}`).join('\n')}`)
  process.exitCode = name === '' ? 0 : 1
}
