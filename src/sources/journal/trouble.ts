import { CacheError, isCacheError } from '../../core/errors.ts'
import type { JournalPlace } from './place.ts'
import type { Reached } from './reached.ts'

type Kind = 'missing' | 'forbidden' | 'readOnly' | 'away'

/** What PostgreSQL, MySQL, MariaDB and Node.js call it. */
const KINDS: Readonly<Record<Kind, RegExp>> = {
  missing: /^(?:42P01|3F000|3D000|1146|1049)$/,
  forbidden: /^(?:42501|28000|28P01|1044|1045|1142|1227|1419)$/,
  readOnly: /^(?:25006|1290|1792|1836)$/,
  away: /^(?:08...|57P0[123]|E[A-Z]{4,}|PROTOCOL_[A-Z_]+)$/,
}

/** What to do about it. */
export type Advice = Readonly<Record<Kind, (journal: string) => string>>

const readOnly = () => 'Pass a client that reaches the primary, and may write.'

export const ADVICE_FOR_ENSURE: Advice = {
  missing: () => "Make the schema and the tables that it watches first, or correct the journal's options.",
  forbidden: (journal) =>
    `Its user has to own ${journal} and to be allowed to make triggers on the tables that it watches; or have a migration run journal.up as a user that is.`,
  readOnly,
  away: () => 'Nothing was changed, or all of it: call it again, as often as you like.',
}

export const ADVICE_FOR_RELAYS: Advice = {
  missing: (journal) =>
    `Has journal.ensure(), or its migration, been run for ${journal}, and does the client reach that database?`,
  forbidden: (journal) => `Its user needs SELECT, INSERT, UPDATE and DELETE on ${journal}.`,
  readOnly,
  away: () => 'The records are kept, and a relay that polls tries it again.',
}

/** The client, whose errors say what to do about them. Those of the cache that a transaction was for pass through. */
export function explained(
  client: Reached,
  what: string,
  { schema, name }: JournalPlace,
  advice: Advice,
): Reached {
  const journal = schema === '' ? name : `${schema}.${name}`
  const telling = async <T>(step: () => Promise<T>): Promise<T> => {
    try {
      return await step()
    } catch (error) {
      throw isCacheError(error) ? error : trouble(error, `${what}: ${journal}`, advice, journal)
    }
  }
  const { listen } = client
  return {
    dialect: client.dialect,
    send: (text, parameters) => telling(() => client.send(text, parameters)),
    run: (text) => telling(() => client.run(text)),
    transaction: (body, idleMs) => telling(() => client.transaction(body, idleMs)),
    ...(listen === undefined
      ? {}
      : {
          listen: (channel, heard, lost) =>
            telling(() =>
              listen(channel, heard, (error) => lost(trouble(error, `${what}: ${journal}`, advice, journal))),
            ),
        }),
  }
}

function trouble(error: unknown, what: string, advice: Advice, journal: string): CacheError {
  const { message, hint, code, errno } = (error ?? {}) as Record<string, unknown>
  const said = [message || code || String(error), hint]
    .filter((text): text is string => typeof text === 'string' && text !== '')
    .map((text) => (text.endsWith('.') ? text : `${text}.`))
  const codes = [code, errno].map(String)
  const kind = (Object.keys(KINDS) as Kind[]).find((one) => codes.some((text) => KINDS[one].test(text)))
  if (kind !== undefined) said.push(advice[kind](journal))
  return new CacheError('JOURNAL_FAILED', [`${what}: the database could not be used:`, ...said].join(' '), {
    cause: error,
  })
}
