/** What a subscriber tells of. */
export interface Ears {
  /** From now on every message of every channel is heard. */
  subscribed(): void
  /** Messages may go unheard. Told once, until subscribed again. */
  lost(reason: string): void
  /** A server said something against subscribing; it is tried again. */
  refused(reason: string): void
  message(channel: string, text: string): void
}

/** Hears a number of channels, all or none: what loses one is told as losing them, until all are heard again. */
export interface Subscriber {
  /** Begins, and goes on trying until it is closed. */
  open(): void
  /** Drops connections that may be dead, so that new ones are made. */
  reconnect(): void
  close(): void
}
