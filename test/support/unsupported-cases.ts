import type { UnsupportedCases } from 'coherent-cache/testing'

const NOTHING_ALONE: UnsupportedCases = {
  'a statement outside a transaction': {
    reason: 'The client sends it by itself, and it goes unnoticed. Write inside `db.transaction(…)`.',
    fails: /sends nothing outside a transaction/,
  },
}

/** Of a database inside this process, whose transactions run one after another. */
const ONE_AFTER_ANOTHER: UnsupportedCases = {
  'a serialization failure, and the retry': {
    reason: 'Transactions run one after another, so none fails for another.',
    fails: /transactions that overlap/,
  },
  'a deadlock, and the retry': {
    reason: 'Transactions run one after another, so none waits for another.',
    fails: /transactions that overlap/,
  },
  'a connection lost during COMMIT, the rows committed': {
    reason: 'It runs in this process.',
    fails: /no connection that could be lost/,
  },
  'a connection lost during COMMIT, the rows not committed': {
    reason: 'It runs in this process.',
    fails: /no connection that could be lost/,
  },
}

/**
 * What each adapter does not keep of the conformance suite. The suite checks every entry, and the table in
 * docs/databases.md is made of them.
 */
export const unsupportedCases = {
  pg: {},
  pglite: {
    'two clients: each transaction is its own': {
      reason:
        'PGlite has one connection: a second bound database of one cache is refused; one of another cache, or through a query builder, waits for ever.',
      fails: /bound to this cache already|did not happen within/,
    },
    ...ONE_AFTER_ANOTHER,
  },
  mysql2: {
    "the rows of an insert by the client's own idiom": {
      reason: 'The table counts as changed in whole: declare the rows.',
      fails: /made void: \[\["item:\{orgId\}:\*"\]\]/,
    },
    'a write through a view': {
      reason:
        'MySQL does not say what was written. Name the view under `views` of the map, or declare the table.',
      fails: /was not invalidated/,
    },
    'what a trigger writes': {
      reason: 'MySQL does not say what was written: declare it.',
      fails: /was not invalidated/,
    },
    'what a foreign key cascades to': {
      reason: 'MySQL does not say what was written: declare it.',
      fails: /was not invalidated/,
    },
  },
  sqlite: {
    ...ONE_AFTER_ANOTHER,
    'two clients: each transaction is its own': {
      reason: 'A file has one writer: inside a transaction, another connection is refused as busy.',
      fails: /database is locked/,
    },
  },
  knex: NOTHING_ALONE,
  kysely: NOTHING_ALONE,
  drizzle: NOTHING_ALONE,
  typeorm: NOTHING_ALONE,
  sequelize: NOTHING_ALONE,
  'mikro-orm': NOTHING_ALONE,
  prisma: NOTHING_ALONE,
} satisfies Record<string, UnsupportedCases>
