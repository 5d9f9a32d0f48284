/** What keeps the entries of memory, and decides which go to make room. */
export interface HeldEntries<Entry> {
  readonly size: number
  readonly calculatedSize: number
  get(key: string): Entry | undefined
  /** Without counting as a use. */
  peek(key: string): Entry | undefined
  /** One that is larger than everything may be is not taken, and not disposed of. */
  set(key: string, entry: Entry, options?: { readonly size: number }): unknown
  delete(key: string): boolean
  keys(): Iterable<string>
}
