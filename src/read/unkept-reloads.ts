import type { Flight } from '../loading/flight.ts'
import type { ReadRequest } from './request.ts'
import type { ReadRoom } from './room.ts'

/**
 * What becomes of a value that a reload was to replace where what it loaded is not kept: its reader has seen something
 * newer, so that the older one is not to be answered afterwards. Seen to before the reader is answered.
 */
export class UnkeptReloads {
  readonly #room: ReadRoom

  constructor(room: ReadRoom) {
    this.#room = room
  }

  /**
   * Of a flight whose value was refused. Where it was overtaken (its vector was voided, or another fill took its claim) the
   * value is for whoever did so, everywhere but in the memory of a process that has not heard of it.
   */
  async ofFlight(flight: Flight): Promise<void> {
    const { memory, stamps, flights, discard, closed } = this.#room
    const { plan, refused, reservation, unclaimed, superseded, epoch } = flight
    // By an invalidation, or by a fill that has come first: what memory holds since then is newer.
    const touched = stamps.touched(reservation)
    if (!touched) memory?.delete(plan.key)
    const leads = flights.get(plan.key)?.tokens !== undefined
    const overtaken = refused === 'no-claim' && (superseded || leads || touched)
    const voided = refused === 'invalidated' && (!unclaimed || touched)
    if (overtaken || voided || (refused === 'locked' && epoch !== '') || closed()) return
    await discard([plan.key])
  }

  /** Of reads that went past the tiers, those that were reloads. */
  async ofReads(requests: readonly ReadRequest[]): Promise<void> {
    const { closed, units, discard } = this.#room
    const reloaded = requests.filter(({ wishes }) => wishes.freshness === 'reload')
    // What a unit has read may yet be rolled back.
    if (reloaded.length === 0 || closed() || units.unit() !== undefined) return
    await discard(reloaded.map(({ plan }) => plan.key))
  }
}
