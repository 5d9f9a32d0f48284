/** Something that a list can hold, once. */
export interface Linked<T> {
  links: Links<T> | undefined
}

/** Where something stands in a list. */
export interface Links<T> {
  readonly list: object
  before: T | undefined
  after: T | undefined
}

/**
 * What is not in use, least recently used first. A list through the items themselves: nothing grows with it, and its
 * oldest item is found at once however many have gone before.
 */
export class IdleList<T extends Linked<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  has(item: T): boolean {
    return item.links?.list === this
  }

  /** Adds an item that is in no list, as the one used last. */
  add(item: T): void {
    const before = this.#newest
    item.links = { list: this, before, after: undefined }
    if (before?.links === undefined) this.#oldest = item
    else before.links.after = item
    this.#newest = item
    this.#size++
  }

  delete(item: T): void {
    const { links } = item
    if (links === undefined || links.list !== this) return
    const { before, after } = links
    if (before?.links === undefined) this.#oldest = after
    else before.links.after = after
    if (after?.links === undefined) this.#newest = before
    else after.links.before = before
    item.links = undefined
    this.#size--
  }
}
