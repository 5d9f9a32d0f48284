/** Where a journal lies. */
export interface JournalPlace {
  readonly schema: string
  readonly name: string
}
