/** Writes the API reference to `docs/api`: every entry point, with the settings of `typedoc.json`. */
import { Application, TSConfigReader, TypeDocReader } from 'typedoc'
import { entries } from './entries.ts'

const app = await Application.bootstrapWithPlugins({ entryPoints: entries.map(({ source }) => source) }, [
  new TypeDocReader(),
  new TSConfigReader(),
])
const project = await app.convert()
if (project) {
  app.validate(project)
  await app.generateOutputs(project)
}
if (
  !project ||
  app.logger.hasErrors() ||
  (app.options.getValue('treatValidationWarningsAsErrors') && app.logger.hasWarnings())
) {
  process.exitCode = 1
}
