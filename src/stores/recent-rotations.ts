import {
  ANY_SOURCE,
  type LoadSource,
  type LogPosition,
  laterPosition,
  newestSource,
  PRIMARY_SOURCE,
} from '../core/load-source.ts'
import type { StampName } from '../core/stamp.ts'

interface Rotation {
  readonly at: number
  /** When it was last rotated by a change of which nobody told where in the log it is. */
  readonly untoldAt: number
  /** The furthest place told. */
  readonly position: LogPosition | undefined
}

/** What was rotated lately, for loads from replicas that lag. Times are monotonic. */
export class RecentRotations {
  /** In the order of the last rotation. */
  readonly #rotations = new Map<StampName, Rotation>()
  /** Since when nothing is missing. */
  #since: number

  constructor(now: number) {
    this.#since = now
  }

  /** Everything may have been rotated. */
  everything(now: number): void {
    this.#rotations.clear()
    this.#since = now
  }

  note(names: readonly StampName[], now: number, lagMs: number, position: LogPosition | undefined): void {
    if (lagMs === 0) return
    for (const name of names) {
      const before = this.#rotations.get(name)
      this.#rotations.delete(name)
      this.#rotations.set(name, {
        at: now,
        untoldAt: position === undefined ? now : (before?.untoldAt ?? Number.NEGATIVE_INFINITY),
        position: position === undefined ? before?.position : laterPosition(before?.position, position),
      })
    }
    for (const [name, { at }] of this.#rotations) {
      if (at > now - lagMs) return
      this.#rotations.delete(name)
    }
  }

  /** From where a load may read whose value hangs on these. */
  sourceOf(names: readonly StampName[], now: number, lagMs: number): LoadSource {
    if (lagMs === 0) return ANY_SOURCE
    const oldest = now - lagMs
    if (this.#since > oldest) return PRIMARY_SOURCE
    return newestSource(
      names.map((name) => {
        const rotation = this.#rotations.get(name)
        if (rotation === undefined || rotation.at <= oldest) return ANY_SOURCE
        const told = rotation.untoldAt <= oldest && rotation.position !== undefined
        return told ? { source: 'primary', position: rotation.position } : PRIMARY_SOURCE
      }),
    )
  }

  /** Remembers everything. @returns what goes on from there. */
  replica(): () => RecentRotations {
    const rotations = new Map(this.#rotations)
    const since = this.#since
    return () => {
      const copy = new RecentRotations(since)
      for (const [name, rotation] of rotations) copy.#rotations.set(name, rotation)
      return copy
    }
  }
}
