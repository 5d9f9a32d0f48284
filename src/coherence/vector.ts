import { flat } from '../core/flat.ts'
import type { StampName } from '../core/stamp.ts'
import type { Linked, Links } from './idle-list.ts'

/**
 * One generation of a stamp in one partition, as this process knows it. Entries in memory hold the generations they were
 * filled under; a rotation ends a generation by setting one flag, however many entries hold it.
 */
export class Generation implements Linked<Generation> {
  readonly name: StampName
  readonly token: string
  /** The epoch of the partition whose stamp it is: each partition has tokens of its own. */
  readonly epoch: string
  /** Whether values filled under it may still be answered. Never true again once false. */
  live = true
  /** How many memory entries hold it. */
  holders = 0
  /** Its place among those that none holds, if it is one of them. */
  links: Links<Generation> | undefined
  /** The vector made last of those that end with it. */
  vector: Vector | undefined

  constructor(name: StampName, token: string, epoch: string) {
    // As they come they are parts of keys and of replies, all of which would be kept with them.
    this.name = flat(name)
    this.token = flat(token)
    this.epoch = epoch
  }
}

/**
 * The generations that values were filled under: a list, from the last to the first. Lists that begin alike share their
 * beginning, and all values that hang on the same have one between them, so that a group of entries has one vector and
 * is looked through once.
 */
export class Vector {
  readonly last: Generation
  /** All but the last. */
  readonly before: Vector | undefined
  /** The stamp table's version at which it was last found live. */
  checkedAt: number
  /** The vector made last of those that have one generation more. */
  next: Vector | undefined

  private constructor(last: Generation, before: Vector | undefined, version: number) {
    this.last = last
    this.before = before
    this.checkedAt = version
    last.vector = this
    if (before !== undefined) before.next = this
  }

  /** The vector of `before` and one live generation more: the one that there is, as far as that can be found at once. */
  static of(last: Generation, before: Vector | undefined, version: number): Vector {
    if (last.vector !== undefined && last.vector.before === before) return last.vector
    const next = before?.next
    return next?.last === last ? next : new Vector(last, before, version)
  }

  /** In the order of the stamps' names. */
  generations(): readonly Generation[] {
    const all: Generation[] = []
    for (let at: Vector | undefined = this; at !== undefined; at = at.before) all.push(at.last)
    return all.reverse()
  }

  get names(): readonly StampName[] {
    return this.generations().map(({ name }) => name)
  }
}
